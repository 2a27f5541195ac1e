"""The door: one connection, HTTP/1.1, without a task or a future per request.

A request whose head has the same bytes as one that llhttp has proved before passes without the parser; all
others, and everything unusual, go through it. Replies leave in the order of the requests: what must wait for
the disk waits in the open batch, and what comes behind it on the same connection waits there too.
"""

import asyncio
import logging
from typing import cast

from eventmill.collect.collector import Collector
from eventmill.collect.envelope import Envelope
from eventmill.collect.head import Client, RequestHead
from eventmill.collect.limits import LINGER_BYTES, MAX_PIPELINED, MAX_URL
from eventmill.collect.parser import RequestParser
from eventmill.collect.privacy import Address, parse_address
from eventmill.collect.refusal import Refused
from eventmill.collect.replies import CONTINUE, Answer, Asked
from eventmill.collect.routes import Handler
from eventmill.collect.sweep import Phase

log = logging.getLogger(__name__)
_VERSION = b" HTTP/1.1"
_VISIBLE = bytes(range(0x21, 0x7F))


class _Closing:
    """Stands for a request that is answered and then the connection is closed."""

    __slots__ = ("bodiless", "connection", "cors", "plain")

    def __init__(self, asked: Asked | None = None) -> None:
        self.plain = False
        self.connection = b"Connection: close\r\n"
        self.cors = b"" if asked is None else asked.cors
        self.bodiless = asked is not None and asked.bodiless


class Door(asyncio.Protocol):
    """One connection.

    `closing` means that no further request is read. The rest: `routes.Connection`, `sweep.Swept`.
    """

    __slots__ = (
        "_collector", "_discarded", "_last_head", "_linger", "_lingering", "_parser", "_paused", "client", "closing",
        "envelope", "pending", "since", "stalled_since", "transport", "watched",
    )  # fmt: skip

    def __init__(self, collector: Collector) -> None:
        self.transport: asyncio.Transport | None = None
        self.client: Client | None = None
        self.envelope: Envelope = collector.nobody
        self.pending = 0
        self.watched = False
        self.closing = False
        self._lingering = False
        self.since = collector.now
        self.stalled_since = 0
        self._last_head: RequestHead | None = None
        self._parser: RequestParser | None = None
        self._collector = collector
        self._paused = False
        self._linger = False
        self._discarded = 0

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        collector = self._collector
        collector.counters.connections += 1
        full = len(collector.doors) >= collector.limits.connections
        collector.doors.add(self)
        if full or collector.draining:
            # Without lingering: what is refused for want of descriptors must not keep one.
            collector.counters.connections_refused += 1
            self.send(collector.replies.error(503, "too many connections", _Closing()))
            self._finish_after_replies()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
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

    def eof_received(self) -> bool:
        """Keeps the connection while replies are owed; a request cut in half gets none."""
        self.closing = self.watched = True
        return self.pending > 0

    def data_received(self, data: bytes) -> None:
        if self.closing:
            self._discard(len(data))
            return
        parser = self._parser
        try:
            if parser is not None and parser.reading:
                parser.feed(data, None)
            else:
                self.since = self._collector.now
                self._requests(data)
        except Refused as refused:
            self.refuse(refused, self._parser.head if self._parser else None)
        except Exception:
            log.exception("a request failed")
            self.refuse(Refused(500, "the collector failed", fatal=True), None)
        if self.pending > MAX_PIPELINED:
            self._pause()

    def _requests(self, data: bytes) -> None:
        """Serves the requests at the start of `data` whose heads are known; the parser gets what follows."""
        collector = self._collector
        while True:
            line_end = data.find(b"\r\n")
            head_end = data.find(b"\r\n\r\n", line_end) if line_end > 0 else -1
            block = None
            if head_end < 0 or line_end > MAX_URL or data[line_end - 9 : line_end] != _VERSION:
                break
            block = data[line_end:head_end]
            head = collector.heads.find(block)
            if head is None:
                break
            # The parser has seen these headers; the rest of the request line is checked as strictly as it would.
            is_get = data.startswith(b"GET /")
            if not is_get and not data.startswith(b"POST /"):
                break
            target = data[4 if is_get else 5 : line_end - 9]
            if target.translate(None, _VISIBLE):
                break
            path, _, query = target.decode().partition("?")
            route = collector.routes.get(path)
            if route is None:
                break
            handler = route.get if is_get else route.post
            end = head_end + 4 + head.length
            if handler is None or len(data) < end or head.length > collector.limits.max_body:
                break
            self._last_head = head
            try:
                handler(self, head, query, data[head_end + 4 : end] if head.length else b"")
            except Refused as refused:
                self.refuse(refused, head)
            if len(data) == end or self.closing:
                return
            data = data[end:]
        if self._parser is None:
            self._parser = RequestParser(collector, self._serve, self._begin, self._continue)
        self._parser.feed(data, block)

    # -- the parser's side

    def _begin(self) -> None:
        self.since = self._collector.now

    def _continue(self) -> None:
        self.send(CONTINUE)

    def _serve(self, head: RequestHead, handler: Handler | Refused, query: str, body: bytes) -> None:
        if self.closing:
            return  # pipelined behind the last request of this connection
        self._last_head = head
        try:
            if isinstance(handler, Refused):
                raise handler
            handler(self, head, query, body)
        except Refused as refused:
            self.refuse(refused, head)
        if not head.keep_alive or self._collector.draining:
            self._finish_after_replies()

    # -- replies

    def peer(self) -> Address | None:
        name = self.transport.get_extra_info("peername") if self.transport is not None else None
        return parse_address(f"[{name[0]}]") if isinstance(name, tuple) else None

    def answer(self, answer: Answer, head: RequestHead) -> None:
        usual = head.plain and answer.plain
        self.send(answer.plain if usual else answer.render(self._collector.replies.date, head))

    def send(self, reply: bytes) -> None:
        if self.pending:
            self._collector.commit.add_reply(self, reply)
        elif self.transport is not None:
            self._collector.counters.count_reply(reply[9])
            self.transport.write(reply)

    def unavailable(self, reason: str) -> bytes:
        asked = _Closing(self._last_head) if self.closing or self._last_head is None else self._last_head
        return self._collector.replies.error(503, reason, asked)

    def refuse(self, refused: Refused, head: RequestHead | None) -> None:
        """Answers an error. After a fatal one nothing more is read but to let the client read the reply."""
        if self.closing:
            return
        asked = _Closing(head) if refused.fatal or head is None else head
        self.send(self._collector.replies.error(refused.status, refused.reason, asked, fields=refused.fields))
        if refused.fatal:
            self._linger = True
            self._finish_after_replies()

    def settled(self) -> None:
        """All replies that waited for the disk have been sent."""
        if self.closing:
            self._finish()
        else:
            self._resume()

    # -- back-pressure and the end

    def _pause(self) -> None:
        if not self._paused and not self.closing and self.transport is not None:
            self._paused = self.watched = True
            self.transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and not self.stalled_since and not self.pending and self.transport is not None:
            self._paused = False
            self.watched = self.closing
            self.transport.resume_reading()

    def _finish_after_replies(self) -> None:
        self.closing = self.watched = True
        if not self.pending:
            self._finish()

    def _finish(self) -> None:
        """Closes; where the client may still be sending, only our half, so that it can read the reply."""
        transport = self.transport
        self.since = self._collector.now
        if transport is None or self._lingering:
            return
        if not self._linger:
            transport.close()
            return
        self._lingering = True
        if self._paused:
            self._paused = False
            transport.resume_reading()
        transport.write_eof()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > LINGER_BYTES:
            self.abort()

    # -- its deadlines: see `sweep.Swept`

    def phase(self) -> Phase:
        if self.pending:
            return Phase.REPLY
        if self.closing:
            return Phase.LINGERING if self._lingering else Phase.CLOSING
        if self._parser is not None and self._parser.reading:
            return Phase.HEAD if self._parser.head is None else Phase.BODY
        return Phase.NEW if self._last_head is None else Phase.IDLE

    def late(self) -> None:
        head = self._parser.head if self._parser else None
        self.refuse(Refused(408, "the request did not arrive in time", fatal=True), head)

    def expire(self) -> None:
        self._finish_after_replies()

    def drain(self) -> None:
        if not self.closing and not (self._parser and self._parser.reading):
            self._finish_after_replies()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()
