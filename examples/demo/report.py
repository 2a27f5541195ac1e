"""What came of it: the statistics as a table, the ledger, and where to look."""

import json
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from demo.visits import DAYS
from eventmill.runtime import Runtime

_STORED_S = 120.0
_EXAMPLE = {"h5": 100, "h5.pv": 100, "h5.pv.85": 100, "h5.pv.85.41": 30, "h5.pv.85.42": 20, "h5.pv.85.43": 50}


class Api:
    """The API at `where` (HOST:PORT): nothing but HTTP and JSON."""

    def __init__(self, where: str) -> None:
        self._base = f"http://{where}/api/v1/"

    def get(self, name: str, **params: str) -> Any:
        with urllib.request.urlopen(f"{self._base}{name}?{urlencode(params)}", timeout=60) as response:
            return json.load(response)

    def post(self, name: str, body: object) -> None:
        """Adds what the dashboard's settings could add."""
        text = json.dumps(body).encode()
        request = urllib.request.Request(self._base + name, text, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60):
            pass

    def stored(self) -> dict[str, int]:
        """The ledger's total once nothing is queued any more, or after two minutes."""
        deadline = time.monotonic() + _STORED_S
        while True:
            total: dict[str, int] = self.get("ledger")["total"]
            if total["queued"] == 0 or time.monotonic() > deadline:
                return total
            time.sleep(0.1)


def print_statistics(api: Api, total: dict[str, int], now: datetime) -> bool:
    """Prints the table of keys and the ledger; whether the ledger balances and the key example is exact."""
    days = {"from": str((now - timedelta(days=DAYS)).date()), "to": str(now.date()), "interval": "total"}
    people = json.dumps([["is_not", "topic", "request"]])  # machines ask much, and name nobody
    rows = [row for part in (
        api.get("counts", **days, by="category", filters=people),
        api.get("counts", **days, category="order", by="label"),
        api.get("counts", **days, category="h5", by="all"),
    ) for row in part["data"]]  # fmt: skip
    found = {row["eventKey"]: row["eventData"] for row in rows}
    table = Table("key", "pv", "uv", title=f"the last {DAYS} days, all sites", title_justify="left")
    table.columns[1].justify = table.columns[2].justify = "right"
    for key in sorted(found):
        table.add_row(key, f"{found[key]['pv']:,}", f"{found[key]['uv']:,}")
    console = Console(width=max(Console().width, 80), highlight=False)
    console.print(table)
    handled = total["stored"] + total["duplicate"] + total["rejected"] + total["queued"]
    balanced = total["received"] == handled and total["queued"] == 0
    console.print(
        f"ledger: {total['received']:,} received = {total['stored']:,} stored + {total['duplicate']:,} duplicate + "
        f"{total['rejected']:,} rejected + {total['queued']:,} queued: {'balanced' if balanced else 'NOT BALANCED'}",
        soft_wrap=True,
    )
    wrong = {key: pv for key, pv in _EXAMPLE.items() if found.get(key, {}).get("pv") != pv}
    if wrong:
        console.print(f"the key example is wrong; expected pv {wrong}")
    return balanced and not wrong


def print_where(server: Runtime, data: Path, *, once: bool) -> None:
    """Addresses and commands, ready to be copied."""
    lines = [f"\ndashboard  {server.web_url}/", f"collector  {server.collector_url}/event.png?category=hello"]
    if once:
        lines = [f"\nlook again: .venv/bin/eventmill serve --data {data}   (its dashboard: {server.web_url}/)"]
    commands = ("query counts h5.pv.85 --by value", "query top browser", "ledger")
    print("\n".join([*lines, "try:", *(f"  .venv/bin/eventmill {command} --data {data}" for command in commands)]))
