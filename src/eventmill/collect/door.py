"""The door: HTTP/1.1 on one connection, over llhttp, without a task or a future per request.

A request whose head has the same bytes as one that llhttp has proved before passes without the parser; all
others, and everything unusual, go through it. Replies leave in the order of the requests: what must wait for
the disk waits in the open batch, and what comes behind it on the same connection waits there too.
"""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import httptools

from eventmill.collect.collector import Collector
from eventmill.collect.envelope import Envelope
from eventmill.collect.head import Client, RequestHead
from eventmill.collect.limits import LINGER_BYTES, MAX_HEAD, MAX_HEADERS, MAX_PIPELINED, MAX_URL
from eventmill.collect.privacy import Address, parse_address
from eventmill.collect.refusal import Refused
from eventmill.collect.replies import CONTINUE, Answer
from eventmill.collect.routes import Handler

log = logging.getLogger(__name__)
_VERSION = b" HTTP/1.1"


class _Asked:
    """Stands for a request whose head could not be read: answered, then closed."""

    plain = False
    cors = b""
    connection = b"Connection: close\r\n"
    bodiless = False


_UNREAD = _Asked()


class Door(asyncio.Protocol):
    """One connection.

    `pending` counts replies that wait for the disk, `closing` means that no further request is read,
    `reading` that a request has begun and is not complete, `since` is when (seconds) that or the last activity was.
    """

    __slots__ = (
        "_block", "_body", "_body_size", "_collector", "_handler", "_head", "_head_size", "_headers", "_linger",
        "_parser", "_raw_size", "_refused", "_target", "client", "closing", "cors_head", "discarded", "envelope", "lingering",
        "paused", "peer", "pending", "reading", "since", "stalled_since", "transport",
    )  # fmt: skip

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._parser: httptools.HttpRequestParser | None = None
        self.transport: asyncio.Transport | None = None
        self.peer: Address | None = None
        self.client: Client | None = None
        self.envelope: Envelope
        self.pending = 0
        self.since = collector.now
        self.reading = False
        self.closing = False
        self.lingering = False
        self.discarded = 0
        self.stalled_since = 0
        self.paused = False
        self.cors_head: RequestHead | None = None
        self._linger = False
        self._block: bytes | None = None
        self._head: RequestHead | None = None
        self._handler: Handler | None = None
        self._refused: Refused | None = None
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._raw_size = 0
        self._body: list[bytes] = []
        self._body_size = 0

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        collector = self._collector
        counters = collector.counters
        counters.connections += 1
        if len(collector.doors) >= collector.limits.connections or collector.draining:
            counters.connections_refused += 1
            self.refuse(Refused(503, "too many connections", fatal=True), _UNREAD)
        collector.doors.add(self)
        peername = transport.get_extra_info("peername")
        if isinstance(peername, tuple):
            self.peer = parse_address(peername[0]) if ":" not in peername[0] else parse_address(f"[{peername[0]}]")

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._parser = None
        self._collector.doors.discard(self)

    def pause_writing(self) -> None:
        """The peer does not take its replies: nothing more is read from it until it does."""
        self.stalled_since = self._collector.now
        self._pause()

    def resume_writing(self) -> None:
        self.stalled_since = 0
        self._resume()

    def _pause(self) -> None:
        if not self.paused and self.transport is not None and not self.lingering:
            self.paused = True
            self.transport.pause_reading()

    def _resume(self) -> None:
        if self.paused and not self.stalled_since and self.pending <= MAX_PIPELINED and self.transport is not None:
            self.paused = False
            self.transport.resume_reading()

    def eof_received(self) -> bool:
        """Keeps the connection while replies are owed; a request cut in half gets none."""
        self.closing = True
        return self.pending > 0

    def data_received(self, data: bytes) -> None:
        collector = self._collector
        collector.counters.bytes_in += len(data)
        self.since = collector.now if not self.reading else self.since
        if self.closing:
            self._discard(len(data))
            return
        try:
            while data and not self.reading and not self.closing:
                rest = self._at_once(data)
                if rest is None:
                    break
                data = rest
            if data and not self.closing:
                self._parse(data)
        except Refused as refused:
            self.refuse(refused, self._head or _UNREAD)
        except Exception:
            log.exception("a request failed")
            self.refuse(Refused(500, "the collector failed", fatal=True), self._head or _UNREAD)
        if self.pending > MAX_PIPELINED:
            self._pause()

    # -- requests without the parser

    def _at_once(self, data: bytes) -> bytes | None:
        """Serves the request at the start of `data` if its head is known; what follows it, or None if not."""
        line_end = data.find(b"\r\n")
        head_end = data.find(b"\r\n\r\n", line_end) if line_end > 0 else -1
        self._block = None
        if head_end < 0 or line_end > MAX_URL or data[line_end - 9 : line_end] != _VERSION:
            return None
        block = data[line_end:head_end]
        head = self._collector.heads.find(block)
        if head is None:
            self._block = block
            return None
        try:
            if data.startswith(b"GET /"):
                target = str(data[4 : line_end - 9], "ascii")
                is_post = False
            elif data.startswith(b"POST /"):
                target = str(data[5 : line_end - 9], "ascii")
                is_post = True
            else:
                return None
        except UnicodeDecodeError:
            return None
        path, _, query = target.partition("?")
        route = self._collector.routes.get(path)
        if route is None or " " in query or not query.isprintable():
            return None
        handler = route.post if is_post else route.get
        body_end = head_end + 4 + head.length
        if handler is None or len(data) < body_end or head.length > self._collector.limits.max_body:
            return None
        self._head = self.cors_head = head
        try:
            handler(self, head, query, data[head_end + 4 : body_end] if head.length else b"")
        except Refused as refused:
            self.refuse(refused, head)
        return data[body_end:] if len(data) > body_end else b""

    # -- requests through the parser

    def _parse(self, data: bytes) -> None:
        if self._head is None:
            self._raw_size = self._raw_size + len(data) if self.reading else 0
        while True:
            if self._parser is None:
                self._parser = httptools.HttpRequestParser(self)
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # llhttp has skipped to another protocol that is not spoken here: what follows is HTTP again.
                self._parser = None
                data = data[upgrade.args[0] :]
                if data and not self.closing:
                    continue
            except httptools.HttpParserCallbackError as error:
                if not self.closing:
                    cause = error.__context__
                    raise cause if isinstance(cause, Exception) else error from None
            except httptools.HttpParserError as error:
                if not self.closing:
                    raise Refused(400, str(error) or "malformed HTTP", fatal=True) from None
            break
        if self.reading and self._head is None and self._raw_size > MAX_HEAD + MAX_URL:
            raise Refused(431, f"the head is larger than {MAX_HEAD} bytes", fatal=True)

    def on_message_begin(self) -> None:
        self.reading = True
        self.since = self._collector.now
        self._head = self._handler = self._refused = None
        self._target = b""
        self._headers = []
        self._head_size = 0
        self._body = []
        self._body_size = 0

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
        assert parser is not None
        method = parser.get_method()
        head = RequestHead(self._headers, method, parser.get_http_version(), parser.should_keep_alive())
        self._collector.heads.intern(head)
        self._head = self.cors_head = head
        self.since = self._collector.now
        if self._block is not None:
            self._collector.heads.learn(self._block, head)
            self._block = None
        if head.upgrade and (head.length or head.chunked or method == b"CONNECT"):
            raise Refused(400, "no other protocol is spoken here", fatal=True)
        if head.length > self._collector.limits.max_body:
            raise Refused(413, f"the body is larger than {self._collector.limits.max_body} bytes", fatal=True)
        try:
            self._handler = self._route(method)
        except Refused as refused:
            if head.expects:
                raise Refused(refused.status, refused.reason, fields=refused.fields, fatal=True) from None
            self._refused = refused  # answered once the body has passed, so that the connection lives on
        if head.expects and (head.length or head.chunked):
            self._write(CONTINUE)

    def on_body(self, piece: bytes) -> None:
        self._body_size += len(piece)
        if self._body_size > self._collector.limits.max_body:
            raise Refused(413, f"the body is larger than {self._collector.limits.max_body} bytes", fatal=True)
        if self._refused is None:
            self._body.append(piece)

    def on_message_complete(self) -> None:
        self.reading = False
        head = self._head
        assert head is not None
        pieces, self._body = self._body, []
        try:
            if self._refused is not None:
                raise self._refused
            if self._handler is not None:
                body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                self._handler(self, head, self._query(), body)
        except Refused as refused:
            self.refuse(refused, head)
        if not head.keep_alive or self._collector.draining:
            self._finish_after_replies()

    def _query(self) -> str:
        return self._target.partition(b"?")[2].decode("latin-1")

    def _route(self, method: bytes) -> Handler | None:
        """The handler; raises Refused where path or method are unknown."""
        target = self._target
        if target[:7].lower() == b"http://":  # the absolute form, as to a proxy (RFC 9112 3.2.2)
            slash = target.find(b"/", 7)
            target = self._target = target[slash:] if slash > 0 else b"/"
        if method == b"OPTIONS" and target == b"*":
            return _options(b"GET, HEAD, POST, OPTIONS")
        route = self._collector.routes.get(target.partition(b"?")[0].decode("latin-1"))
        if route is None:
            raise Refused(404, "nothing is here")
        if method == b"OPTIONS":
            return _options(route.allow)
        handler = route.handler(method)
        if handler is None:
            raise Refused(405, "this method is not served here", fields=b"Allow: %b\r\n" % route.allow)
        return handler

    # -- replies

    def answer(self, answer: Answer, head: RequestHead) -> None:
        """Replies to a request that records nothing."""
        self.send(answer.plain if head.plain and answer.plain else answer.render(self._collector.replies.date, head), head)

    def send(self, reply: bytes, head: RequestHead) -> None:
        self._write(reply)

    def _write(self, data: bytes) -> None:
        if self.pending:
            self._collector.commit.add_reply(self, data)
        else:
            self.reply(data)

    def reply(self, data: bytes) -> None:
        transport = self.transport
        if transport is None:
            return
        counters = self._collector.counters
        status = data[9]
        if status == 50:  # ASCII 2
            counters.replies_2xx += 1
        elif status == 52:
            counters.replies_4xx += 1
        elif status == 53:
            counters.replies_5xx += 1
        transport.write(data)
        if not self.pending:
            if self.closing:
                self._finish()
            elif self.paused:
                self._resume()

    def unavailable(self) -> bytes:
        return self._collector.replies.error(503, "nothing could be made durable", self.cors_head or _UNREAD)

    def refuse(self, refused: Refused, asked: RequestHead | _Asked) -> None:
        """Answers an error. After a fatal one nothing more is read but to let the client read the reply."""
        if refused.fatal:
            self.closing = self._linger = True
            refusal = _Asked()
            refusal.cors, refusal.bodiless = asked.cors, asked.bodiless
            asked = refusal
        self._write(self._collector.replies.error(refused.status, refused.reason, asked, fields=refused.fields))

    # -- the end

    def _finish_after_replies(self) -> None:
        self.closing = True
        if not self.pending:
            self._finish()

    def _finish(self) -> None:
        """Closes; where the client may still be sending, only our half, so that it can read the reply."""
        transport = self.transport
        if transport is None or self.lingering:
            return
        if not self._linger:
            transport.close()
            return
        self.lingering = True
        self.since = self._collector.now
        if self.paused:
            self.paused = False
            transport.resume_reading()
        if transport.can_write_eof():
            transport.write_eof()

    def drain(self) -> None:
        """Ends the connection once it owes nothing; a request that is under way still passes."""
        if not self.reading and not self.closing:
            self._finish_after_replies()

    def late(self) -> None:
        """A request did not arrive in its time."""
        self.reading = False
        self.refuse(Refused(408, "the request did not arrive in time", fatal=True), self._head or _UNREAD)

    def expire(self) -> None:
        """Nothing has come for long."""
        self._finish_after_replies()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    @property
    def in_body(self) -> bool:
        return self._head is not None

    @property
    def served(self) -> bool:
        """Whether a request has come on this connection."""
        return self.cors_head is not None

    def _discard(self, size: int) -> None:
        self.discarded += size
        if self.discarded > LINGER_BYTES and self.transport is not None:
            self.transport.abort()


def _options(allow: bytes) -> Handler:
    def handle(door: Door, head: RequestHead, query: str, body: bytes) -> None:
        fields = b"Allow: %b\r\nAccess-Control-Allow-Methods: %b\r\n%b" % (allow, allow, head.preflight)
        door.answer(Answer(204, b"", b"", fields), head)

    return handle
