"""Events on their way to a collector: one connection kept alive, patience with 503 and with broken connections.

Every request carries an Idempotency-Key, so that sending it again after an answer that never came counts nothing
twice.
"""

import http.client
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import quote, urlsplit

import msgspec

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_REPLY_S = 60.0


class DeliveryError(Exception):
    """The events could not be handed over; the message says why and what mends it."""


class Refused(DeliveryError):
    """The collector will never take this body. `status` and `reason` are its own."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the collector refused: {status} {reason}")
        self.status = status
        self.reason = reason


class Collector:
    """A collector at `url` (`http://host:port`, https too). Not for several threads.

    A context manager: leaving it closes the connection.
    """

    def __init__(
        self,
        url: str,
        *,
        patience_s: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience_s`: how long one body is tried before `DeliveryError`."""
        parts = urlsplit(url if "//" in url else f"//{url}", scheme="http")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DeliveryError(f"{url!r} is no collector's address; write http://127.0.0.1:8080")
        self.url = f"{parts.scheme}://{parts.netloc}"
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=_REPLY_S)
        self._prefix = parts.path.rstrip("/")
        self._patience, self._sleep, self._monotonic = patience_s, sleep, monotonic
        self.retries = 0

    def post(self, body: bytes, key: str, *, topic: str | None = None, kind: str = "application/x-ndjson") -> int:
        """Events accepted, once they are durable. Raises `Refused`, or `DeliveryError` when patience ends."""
        path = self._prefix + (f"/t/{quote(topic, safe='')}" if topic else "/e")
        headers = {"Content-Type": kind, "Idempotency-Key": key}
        deadline = self._monotonic() + self._patience
        pause = _FIRST_PAUSE_S
        while True:
            try:
                self._connection.request("POST", path, body, headers)
                response = self._connection.getresponse()
                text = response.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                trouble, wait = f"cannot reach {self.url}: {str(error) or type(error).__name__}", pause
            else:
                if response.status < 300:
                    return _accepted(text)
                if response.status not in (408, 429, 500, 502, 503, 504):
                    raise Refused(response.status, _reason(text))
                trouble = f"{self.url} answers {response.status} {_reason(text)}"
                wait = _retry_after(response.getheader("Retry-After"), pause)
            if self._monotonic() + wait > deadline:
                raise DeliveryError(trouble)
            self.retries += 1
            self._sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _retry_after(field: str | None, otherwise: float) -> float:
    """Seconds; a collector sends an integer, a proxy before it may send a date, which is not worth parsing."""
    return float(field) if field and field.isdigit() else otherwise


def _accepted(text: bytes) -> int:
    try:
        return int(msgspec.json.decode(text)["accepted"])
    except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
        raise DeliveryError(f"the answer is no collector's: {text[:80]!r}; is --url right?") from error


def _reason(text: bytes) -> str:
    """The collector's own reason and place, else the beginning of the text."""
    try:
        found: Any = msgspec.json.decode(text)
        place = f" at byte {found['at']}" if "at" in found else ""
        return f"{found['error']}{place}"
    except (msgspec.DecodeError, LookupError, TypeError):
        return text[:80].decode(errors="replace")
