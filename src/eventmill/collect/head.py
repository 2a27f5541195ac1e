"""What a request's head says: read once for each different head, then recognised by its bytes."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from eventmill.collect.refusal import Refused

_HOST = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~!$&'()*+,;=:%[]-"
"""What a Host may be made of (RFC 3986 3.2.2, with the port's colon)."""
_JSON = re.compile(rb"application/(?:[\w.+-]+\+)?json\b", re.IGNORECASE)
_KEEP = b"Connection: keep-alive\r\n"
_CLOSE = b"Connection: close\r\n"
_VERSIONS = ("1.1", "1.0")
_SAFE = re.compile(rb"[\x20-\x7e]*")


class Client(NamedTuple):
    """What a request tells of its client. `opted_out`: it sent DNT: 1 or Sec-GPC: 1."""

    agent: str = ""
    referer: str = ""
    forwarded: str = ""
    opted_out: bool = False


class RequestHead:
    """The headers of a request, and what follows from them.

    `length` is the Content-Length (0 where chunked or absent), `plain` whether the prebuilt replies fit, `bearer`
    the key that it brings.
    """

    __slots__ = (
        "accepts_form", "bearer", "bodiless", "chunked", "client", "connection", "cors", "encoding", "expects",
        "headers", "keep_alive", "key", "length", "multipart", "plain", "preflight", "upgrade",
    )  # fmt: skip

    def __init__(self, headers: Sequence[tuple[bytes, bytes]], method: bytes, version: str, keep_alive: bool) -> None:
        """Raises Refused for what must not be answered otherwise."""
        found: dict[bytes, bytes] = {}
        for raw_name, raw_value in headers:
            name, value = raw_name.lower(), raw_value.strip(b" \t")
            if name not in found:
                found[name] = value
            elif name == b"host":
                raise Refused(400, "exactly one Host is needed", fatal=True)
            else:
                found[name] += b", " + value
        self.headers = found
        given = found.get
        if version not in _VERSIONS:
            raise Refused(505, "HTTP/1.1 or HTTP/1.0 is spoken here", fatal=True)
        host = given(b"host", b"" if version == "1.0" else b"?")
        if host.translate(None, _HOST):
            raise Refused(400, "exactly one valid Host is needed", fatal=True)
        self.chunked = b"transfer-encoding" in found
        if self.chunked and (version == "1.0" or found[b"transfer-encoding"].lower() != b"chunked"):
            raise Refused(400, "Transfer-Encoding can only be chunked", fatal=True)
        self.keep_alive = keep_alive
        self.length = int(given(b"content-length", 0))
        self.upgrade = b"upgrade" in found
        self.expects = b"expect" in found and _expectation(found[b"expect"], version)
        self.encoding = given(b"content-encoding", b"").lower()
        kind = given(b"content-type", b"")
        self.accepts_form = not kind or _JSON.match(kind) is None
        self.multipart = kind[:10].lower() == b"multipart/"
        key = given(b"idempotency-key")
        self.key = None if not key else text_of(key)
        self.bearer = _bearer(given(b"authorization", b""))
        self.bodiless = method == b"HEAD"
        origin = given(b"origin")
        self.cors = b"" if origin is None else _cors(origin)
        self.preflight = _preflight(found) if method == b"OPTIONS" else b""
        self.connection = b"" if keep_alive and version == "1.1" else _KEEP if keep_alive else _CLOSE
        self.plain = not (self.connection or self.cors or self.bodiless)
        self.client = Client(
            text_of(given(b"user-agent", b"")),
            text_of(given(b"referer", b"")),
            text_of(given(b"x-forwarded-for", b"")),
            given(b"dnt") == b"1" or given(b"sec-gpc") == b"1",
        )

    @property
    def cacheable(self) -> bool:
        """Whether a request with the same bytes in its head may pass without the parser: HTTP/1.1, kept alive,
        and nothing in it that the parser acts upon but the length."""
        return not (self.chunked or self.upgrade or self.expects or self.connection or self.key)


def text_of(value: bytes) -> str:
    """A header's text: UTF-8, or Latin-1 as RFC 9110 had it once."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _bearer(value: bytes) -> bytes | None:
    """The key of `Authorization: Bearer KEY`. Other schemes are another server's matter."""
    scheme, _, key = value.partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else None


def _expectation(value: bytes, version: str) -> bool:
    if not value or version == "1.0":
        return False
    if value.lower() != b"100-continue":
        raise Refused(417, "only 100-continue can be expected", fatal=True)
    return True


def _cors(origin: bytes) -> bytes:
    if not _SAFE.fullmatch(origin):
        raise Refused(400, "Origin is malformed", fatal=True)
    return b"Access-Control-Allow-Origin: %b\r\nVary: Origin\r\nAccess-Control-Expose-Headers: Retry-After\r\n" % origin


def _preflight(found: dict[bytes, bytes]) -> bytes:
    asked = found.get(b"access-control-request-headers", b"")
    headers = b"Access-Control-Allow-Headers: %b\r\n" % asked if asked and _SAFE.fullmatch(asked) else b""
    return headers + b"Access-Control-Max-Age: 86400\r\n"


class HeadCache:
    """Heads that the parser has proved well-formed, by their bytes from the end of the request line to the
    empty line. A client that sends the same head again (on any connection) is spared the parser."""

    __slots__ = ("_clients", "_known", "find")
    _HEADS = 1024
    _LONGEST = 2048

    def __init__(self) -> None:
        self._known: dict[bytes, RequestHead] = {}
        self._clients: dict[Client, Client] = {}
        self.find = self._known.get

    def intern(self, head: RequestHead) -> None:
        """Makes equal clients identical, so that `is` tells whether a connection's client is still the same."""
        if len(self._clients) >= self._HEADS:
            self._clients.clear()
        head.client = self._clients.setdefault(head.client, head.client)

    def learn(self, block: bytes, head: RequestHead) -> None:
        if head.cacheable and len(block) <= self._LONGEST:
            if len(self._known) >= self._HEADS:
                self._known.clear()
            self._known[block] = head
