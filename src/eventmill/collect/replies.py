"""Replies, built before they are needed: only the date in them changes, once a second."""

import base64
import struct
import zlib
from email.utils import formatdate
from typing import Final, Protocol

import msgspec

REASONS: Final = {
    200: b"OK", 204: b"No Content", 400: b"Bad Request", 401: b"Unauthorized", 404: b"Not Found",
    405: b"Method Not Allowed", 408: b"Request Timeout", 411: b"Length Required",
    413: b"Content Too Large", 414: b"URI Too Long",
    415: b"Unsupported Media Type", 417: b"Expectation Failed", 431: b"Request Header Fields Too Large",
    500: b"Internal Server Error", 501: b"Not Implemented", 503: b"Service Unavailable",
    505: b"HTTP Version Not Supported",
}  # fmt: skip
JSON: Final = b"application/json"
TEXT: Final = b"text/plain; charset=utf-8"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
RETRY_AFTER: Final = b"Retry-After: 1\r\n"
GIF: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    # 1×1, 8 bits, grey with alpha, one transparent pixel (PNG, third edition, W3C).
    head = struct.pack(">IIBBBBB", 1, 1, 8, 4, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(3))) + chunk(b"IEND", b"")


PNG: Final = _png()


class Asked(Protocol):
    """What a reply needs to know of its request."""

    plain: bool
    cors: bytes
    connection: bytes
    bodiless: bool


class Answer:
    """One reply but for date, CORS and connection. `plain` is the whole of it for the usual request:
    HTTP/1.1, kept alive, without Origin."""

    __slots__ = ("_after", "_before", "_body", "plain")

    def __init__(self, status: int, body: bytes, kind: bytes, fields: bytes = b"") -> None:
        length = b"" if status == 204 else b"Content-Type: %b\r\nContent-Length: %d\r\n" % (kind, len(body))
        self._before = b"HTTP/1.1 %d %b\r\n" % (status, REASONS[status])
        self._after = length + fields
        self._body = body
        self.plain = b""

    def refresh(self, date: bytes) -> None:
        self.plain = b"%b%b%b\r\n%b" % (self._before, date, self._after, self._body)

    def render(self, date: bytes, asked: Asked) -> bytes:
        """The reply to a request that is not plain."""
        body = b"" if asked.bodiless else self._body
        return b"%b%b%b%b%b\r\n%b" % (self._before, date, self._after, asked.cors, asked.connection, body)


class Replies:
    """Every reply of the door; `tick` refreshes the date."""

    def __init__(self) -> None:
        no_store = b"Cache-Control: no-store\r\n"
        self.date = b""
        self.gif = Answer(200, GIF, b"image/gif", no_store)
        self.png = Answer(200, PNG, b"image/png", no_store)
        self.ok = Answer(200, b"OK", TEXT)
        self.alive = Answer(200, b'{"status":"ok"}', JSON, no_store)
        self._kept = (self.gif, self.png, self.ok, self.alive)
        self._accepted: dict[int, Answer] = {}
        self.tick(0)

    def tick(self, now_s: int) -> None:
        self.date = b"Date: " + formatdate(now_s, usegmt=True).encode() + b"\r\n"
        for answer in self._kept:
            answer.refresh(self.date)
        self._accepted.clear()

    def accepted(self, count: int) -> Answer:
        answer = self._accepted.get(count)
        if answer is None:
            answer = self._accepted[count] = Answer(200, b'{"accepted":%d}' % count, JSON)
            answer.refresh(self.date)
        return answer

    def error(self, status: int, reason: str, asked: Asked, *, at: int | None = None, fields: bytes = b"") -> bytes:
        body: dict[str, str | int] = {"error": reason}
        if at is not None:
            body["at"] = at
        if status == 503 and not fields:
            fields = RETRY_AFTER
        return Answer(status, msgspec.json.encode(body), JSON, fields).render(self.date, asked)
