"""The API of a running server, asked and timed."""

import http.client
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from eventmill.commands.measure.figure import Figure, quantile

_ROUNDS = 25
_STORED_S = 60.0


class Api:
    """One kept connection to `where` (HOST:PORT)."""

    def __init__(self, where: str) -> None:
        self._connection = http.client.HTTPConnection(where, timeout=60)

    def get(self, name: str, params: Mapping[str, str] | None = None) -> Any:
        """The answer as JSON values. Raises OSError where it is an error."""
        self._connection.request("GET", f"/api/v1/{name}?{urlencode(params or {})}")
        response = self._connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise OSError(f"{name}: {response.status} {text[:300].decode(errors='replace')}")
        return msgspec.json.decode(text)

    def wait_stored(self, wait_s: float = _STORED_S) -> dict[str, int]:
        """The ledger's totals once nothing is queued. Raises TimeoutError."""
        deadline = time.monotonic() + wait_s
        while True:
            total: dict[str, int] = self.get("ledger")["total"]
            if not total["queued"]:
                return total
            if time.monotonic() > deadline:
                raise TimeoutError(f"{total['queued']:,} events are still queued after {wait_s:.0f} s")
            time.sleep(0.05)


def queries(where: str) -> Iterator[Figure]:
    """Each question a number of times, over what the bench has stored."""
    api = Api(where)
    today = datetime.now(UTC).date()
    month = {"from": str(today - timedelta(days=30)), "to": str(today + timedelta(days=1))}
    stored = api.get("ledger")["total"]["stored"]
    for title, name, params in (
        ("query: pv and uv of a key by day, 31 days", "counts", {"category": "bench", "action": "batch", "label": "7"}),
        ("query: pv and uv of a category by day, 31 days", "counts", {"category": "bench"}),
        ("query: top pages", "top", {"dimension": "url", "limit": "10"}),
    ):
        times = []
        for _ in range(_ROUNDS):
            begun = time.perf_counter()
            api.get(name, {**month, **params})
            times.append((time.perf_counter() - begun) * 1000)
        times.sort()
        note = f"median {quantile(times, 0.5):.1f} ms, {stored:,} events stored"
        yield Figure(title, quantile(times, 0.95), "ms p95", None, note)
