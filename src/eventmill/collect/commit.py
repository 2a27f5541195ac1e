"""Group commit: all requests that arrived while the last commit ran go into the next one.

A request is answered when the writer has made its batch durable. There is no task and no future for it, only
a place in the batch's lists. One thread of its own calls the writer, so that the loop never waits for a disk.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import NamedTuple, Protocol

from eventmill.clock import Clock
from eventmill.collect.counters import Counters
from eventmill.collect.limits import MAX_REQUESTS_PER_DRAFT, STALL_SECONDS
from eventmill.event import ReceiptSource
from eventmill.queue.base import Draft, QueueError, QueueFull, Writer

log = logging.getLogger(__name__)
REQUEST_COST = 200
"""Bytes of bookkeeping that a waiting request costs beside its own."""


class Waiter(Protocol):
    """A connection that waits for its batch.

    `pending` counts its replies in batches, `transport` is None once the peer has gone, and `watched` asks for
    a call of `settled` when nothing is pending any more.
    """

    pending: int
    transport: asyncio.Transport | None
    watched: bool

    def settled(self) -> None: ...

    def unavailable(self, reason: str) -> bytes:
        """The reply when nothing could be made durable."""


class Records(NamedTuple):
    """Events of one request for one topic: its head line, and `events` canonical lines joined by newlines."""

    topic: str
    head: bytes
    lines: bytes
    events: int


class Part:
    """What one batch holds for one topic."""

    __slots__ = ("count", "heads", "lines")

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.lines: list[bytes] = []
        self.count = 0


class Batch:
    """Requests that become durable together. `waiters` and `replies` are parallel and in order of arrival;
    `unrecorded` are the places of those that wait only for their turn on a pipelined connection."""

    __slots__ = ("parts", "replies", "size", "unrecorded", "waiters")

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self.waiters: list[Waiter] = []
        self.replies: list[bytes] = []
        self.unrecorded: set[int] = set()
        self.size = 0


class GroupCommit:
    """Collects a batch while the last one is written. Every method belongs to the loop's thread.

    `refusal` says why nothing more can be taken now, or None; whoever adds looks at it first.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, writer: Writer, clock: Clock, counters: Counters, memory: int
    ) -> None:
        self.refusal: str | None = None
        self._loop = loop
        self._writer = writer
        self._clock = clock
        self._counters = counters
        self._memory = memory
        self._room = memory
        self._receipts = ReceiptSource()
        self._open = Batch()
        self._running: Batch | None = None
        self._scheduled = False
        self._stall: asyncio.TimerHandle | None = None
        self._idle_call: Callable[[], None] | None = None
        self._work: SimpleQueue[tuple[Batch, list[Draft]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._commit_forever, name="commit", daemon=True)
        self._thread.start()

    @property
    def held(self) -> int:
        """Bytes that wait for the disk."""
        return self._open.size + (self._running.size if self._running else 0)

    def add(self, topic: str, head: bytes, lines: bytes, count: int, waiter: Waiter, reply: bytes) -> None:
        """Takes the events of one request (see `Records`); `reply` is sent once they are durable."""
        batch = self._open
        part = batch.parts.get(topic)
        if part is None:
            part = batch.parts[topic] = Part()
        part.heads.append(head)
        part.lines.append(lines)
        part.count += count
        # The same as `_wait`, which every request would pay for.
        batch.waiters.append(waiter)
        batch.replies.append(reply)
        batch.size += len(lines) + REQUEST_COST
        waiter.pending += 1
        if batch.size > self._room:
            self.refusal = "too much waits for the disk"
        if self._running is None and not self._scheduled:
            self._schedule()

    def add_all(self, records: Sequence[Records], waiter: Waiter, reply: bytes) -> None:
        """The same for one request whose events go to several topics: all of them or none."""
        batch = self._open
        for topic, head, lines, events in records:
            part = batch.parts.setdefault(topic, Part())
            part.heads.append(head)
            part.lines.append(lines)
            part.count += events
        self._wait(batch, sum(len(record.lines) + REQUEST_COST for record in records), waiter, reply)

    def add_reply(self, waiter: Waiter, reply: bytes) -> None:
        """Queues a reply that records nothing behind the earlier ones of its connection."""
        batch = self._open
        batch.unrecorded.add(len(batch.waiters))
        self._wait(batch, len(reply), waiter, reply)

    def _wait(self, batch: Batch, size: int, waiter: Waiter, reply: bytes) -> None:
        batch.waiters.append(waiter)
        batch.replies.append(reply)
        batch.size += size + REQUEST_COST
        waiter.pending += 1
        if batch.size > self._room:
            self.refusal = "too much waits for the disk"
        if self._running is None and not self._scheduled:
            self._schedule()

    def _schedule(self) -> None:
        # Not at once: what else became readable in this turn of the loop joins this batch.
        self._scheduled = True
        self._loop.call_soon(self._next)

    def when_idle(self, call: Callable[[], None]) -> None:
        """Calls `call` once nothing waits any more."""
        self._idle_call = call
        self._check_idle()

    def close(self) -> None:
        """Ends the thread after what it was given; where the disk does not answer, the thread is left to it."""
        self._work.put(None)
        self._thread.join(STALL_SECONDS)

    def _next(self) -> None:
        self._scheduled = False
        batch = self._open
        if not batch.waiters:
            return
        self._open = Batch()
        self._room = min(self._memory - batch.size, MAX_REQUESTS_PER_DRAFT * REQUEST_COST)
        self.refusal = None if self._room >= 0 else "too much waits for the disk"
        now = self._clock()
        # One time for the whole batch: its events count in one minute of the ledger.
        drafts = []
        for topic, part in batch.parts.items():
            high, low = self._receipts.block(now)
            drafts.append(Draft(topic, now, high, low, part.count, b"", b""))
        self._running = batch
        if drafts:
            self._stall = self._loop.call_later(STALL_SECONDS, self._stalled)
            self._work.put((batch, drafts))
        else:
            self._done(batch, None, 0.0)

    def _stalled(self) -> None:
        self.refusal = "the disk does not answer"

    def _commit_forever(self) -> None:
        while (item := self._work.get()) is not None:
            batch, drafts = item
            began = time.perf_counter()
            failure: Exception | None = None
            try:
                for draft, part in zip(drafts, batch.parts.values(), strict=True):
                    part.heads.append(b"")
                    part.lines.append(b"")
                    draft.heads = b"\n".join(part.heads)
                    draft.body = b"\n".join(part.lines)
                self._writer.append(drafts)
            except Exception as error:  # noqa: BLE001 - whatever it was, nobody may be told that the batch is safe
                failure = error
            try:
                self._loop.call_soon_threadsafe(self._done, batch, failure, time.perf_counter() - began)
            except RuntimeError:
                return  # the loop has been closed: nobody is left to answer

    def _done(self, batch: Batch, failure: Exception | None, seconds: float) -> None:
        self._running = None
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        self.refusal = None
        if self._open.parts:
            self._next()  # before the replies: the disk need not wait for them
        else:
            self._room = self._memory
        if failure is not None:
            self._fail(batch, failure)
        accepted = refused = 0
        for waiter, reply in zip(batch.waiters, batch.replies, strict=True):
            waiter.pending -= 1
            transport = waiter.transport
            if transport is not None:
                transport.write(reply)
                if waiter.watched and not waiter.pending:
                    waiter.settled()
            if reply[9] == 50:  # ASCII 2, of the status
                accepted += 1
            elif reply[9] == 52:
                refused += 1
        counters = self._counters
        counters.replies_2xx += accepted
        counters.replies_4xx += refused
        counters.replies_5xx += len(batch.replies) - accepted - refused
        if batch.parts and failure is None:
            counters.commits += 1
            counters.commit_seconds += seconds
            counters.bytes += batch.size - REQUEST_COST * len(batch.waiters)
            for part in batch.parts.values():
                counters.events += part.count
        if self._open.waiters and not self._open.parts and not self._scheduled:
            self._next()  # only replies in it: they had to let this batch's go first
        self._check_idle()

    def _fail(self, batch: Batch, failure: Exception) -> None:
        """Turns the replies of all who hoped for the disk into refusals."""
        self._counters.commit_failures += 1
        if isinstance(failure, QueueError):
            log.warning("nothing could be made durable: %s", failure)
        else:
            log.error("the queue's writer failed", exc_info=failure)
        # Why a disk or quota is full is the sender's to know; where it lies is not.
        reason = "nothing could be made durable" + (f": {failure}" if isinstance(failure, QueueFull) else "")
        for place, waiter in enumerate(batch.waiters):
            if place not in batch.unrecorded:
                batch.replies[place] = waiter.unavailable(reason)

    def _check_idle(self) -> None:
        if self._idle_call is not None and self._running is None and not self._open.waiters:
            call, self._idle_call = self._idle_call, None
            call()
