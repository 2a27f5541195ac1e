"""Requests through llhttp: everything that the door cannot recognise by its bytes."""

from collections.abc import Callable

import httptools

from eventmill.collect.collector import Collector
from eventmill.collect.head import RequestHead
from eventmill.collect.limits import MAX_HEAD, MAX_HEADERS, MAX_URL
from eventmill.collect.refusal import Refused
from eventmill.collect.replies import Answer
from eventmill.collect.routes import Connection, Handler

Serve = Callable[[RequestHead, Handler | Refused, str, bytes], None]
"""Called with each complete request: its head, its handler or why it has none, its query and its body."""


class RequestParser:
    """Parses one connection's requests, one after the other, strictly.

    `reading` tells that a request has begun and is not complete, `head` is its head (None until complete).
    After a Refused that is fatal it must not be fed again.
    """

    __slots__ = (
        "_begin", "_block", "_body", "_body_size", "_collector", "_continue", "_fresh", "_handler", "_head_size",
        "_headers", "_parser", "_serve", "_target", "_unfinished", "head", "reading",
    )  # fmt: skip

    def __init__(
        self, collector: Collector, serve: Serve, begin: Callable[[], None], send_continue: Callable[[], None]
    ) -> None:
        self.reading = False
        self.head: RequestHead | None = None
        self._collector = collector
        self._serve = serve
        self._begin = begin
        self._continue = send_continue
        self._parser = httptools.HttpRequestParser(self)
        self._block: bytes | None = None
        self._reset()

    def feed(self, data: bytes, block: bytes | None) -> None:
        """Takes what the peer sent. `block` are the bytes of the head at its start, where they can be learned.

        Raises Refused where no request can be read from it; what a handler raises comes through.
        """
        self._block = block
        self._fresh = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # llhttp waits for another protocol, which is not spoken here: what follows is HTTP again.
            self._parser = httptools.HttpRequestParser(self)
            rest = data[upgrade.args[0] :]
            if rest:
                self.feed(rest, None)
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, Exception):
                raise error.__context__ from None
            raise
        except httptools.HttpParserError as error:
            raise Refused(400, str(error) or "malformed HTTP", fatal=True) from None
        if self.reading and self.head is None:
            self._bound_unfinished(data)

    def _reset(self) -> None:
        self.head = None
        self._handler: Handler | Refused | None = None
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._unfinished = 0
        self._fresh = True
        self._body: list[bytes] = []
        self._body_size = 0

    def _bound_unfinished(self, data: bytes) -> None:
        """Counts the header line that is still coming in: llhttp shows it only once it is whole."""
        if self._fresh:
            return  # where it began in this packet is not known, and a packet has its own bound
        newline = data.rfind(b"\n")
        self._unfinished = len(data) - newline - 1 + (self._unfinished if newline < 0 else 0)
        if self._head_size + self._unfinished > MAX_HEAD:
            raise Refused(431, f"the head is larger than {MAX_HEAD} bytes", fatal=True)

    def on_message_begin(self) -> None:
        self.reading = True
        self._reset()
        self._begin()

    def on_url(self, piece: bytes) -> None:
        self._target += piece
        if len(self._target) > MAX_URL:
            raise Refused(414, f"the URL is longer than {MAX_URL} bytes", fatal=True)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        self._head_size += len(name) + len(value) + 4
        # Trailers come here too. They count, and mean nothing.
        if len(self._headers) > MAX_HEADERS or self._head_size > MAX_HEAD:
            raise Refused(431, f"more than {MAX_HEADERS} headers or {MAX_HEAD} bytes of them", fatal=True)

    def on_headers_complete(self) -> None:
        parser = self._parser
        method = parser.get_method()
        head = RequestHead(self._headers, method, parser.get_http_version(), parser.should_keep_alive())
        self.head = head
        self._begin()
        heads = self._collector.heads
        heads.intern(head)
        if self._block is not None:
            heads.learn(self._block, head)
            self._block = None
        has_body = head.length > 0 or head.chunked
        if method == b"CONNECT" or (head.upgrade and has_body):
            raise Refused(400, "no other protocol is spoken here", fatal=True)
        self._bound(head.length)
        try:
            self._handler = self._route(method)
        except Refused as refused:
            if head.expects and has_body:
                raise Refused(refused.status, refused.reason, fields=refused.fields, fatal=True) from None
            self._handler = refused  # answered once the body has passed, so that the connection lives on
        if head.expects and has_body:
            self._continue()

    def on_body(self, piece: bytes) -> None:
        self._body_size += len(piece)
        self._bound(self._body_size)
        if not isinstance(self._handler, Refused):
            self._body.append(piece)

    def on_message_complete(self) -> None:
        self.reading = False
        head, handler = self.head, self._handler
        assert head is not None
        assert handler is not None
        pieces, self._body = self._body, []
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._serve(head, handler, self._target.partition(b"?")[2].decode("ascii"), body)

    def _bound(self, size: int) -> None:
        limit = self._collector.limits.max_body
        if size > limit:
            raise Refused(413, f"the body is larger than {limit} bytes", fatal=True)

    def _route(self, method: bytes) -> Handler:
        """The handler; raises Refused where path or method are unknown."""
        target = self._target
        if target[:7].lower() == b"http://":  # the absolute form, as to a proxy (RFC 9112 3.2.2)
            slash = target.find(b"/", 7)
            target = self._target = target[slash:] if slash > 0 else b"/"
        if method == b"OPTIONS" and target == b"*":
            return _options(b"GET, HEAD, POST, OPTIONS")
        route = self._collector.routes.get(target.partition(b"?")[0].decode("ascii"))
        if route is None:
            raise Refused(404, "nothing is here")
        if method == b"OPTIONS":
            return _options(route.allow)
        handler = route.handler(method)
        if handler is None:
            raise Refused(405, "this method is not served here", fields=b"Allow: %b\r\n" % route.allow)
        return handler


def _options(allow: bytes) -> Handler:
    """Answers OPTIONS: a CORS preflight, or a client that asks what can be done."""

    def handle(door: Connection, head: RequestHead, _query: str, _body: bytes) -> None:
        fields = b"Allow: %b\r\nAccess-Control-Allow-Methods: %b\r\n%b" % (allow, allow, head.preflight)
        door.answer(Answer(204, b"", b"", fields), head)

    return handle
