"""Group commit: all requests that arrived while the last commit ran go into the next one.

A request is answered when the writer has made its batch durable. There is no task and no future for it, only
a place in the batch's lists. One thread of its own calls the writer, so that the loop never waits for a disk.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

from eventmill.clock import Clock
from eventmill.collect.counters import Counters
from eventmill.collect.limits import MAX_REQUESTS_PER_DRAFT, STALL_SECONDS
from eventmill.event import ReceiptSource
from eventmill.queue.base import Draft, QueueError, Writer

log = logging.getLogger(__name__)
REQUEST_COST = 200
"""Bytes of bookkeeping that a waiting request costs beside its own."""


class Waiter(Protocol):
    """A connection that waits for its batch."""

    pending: int

    def unavailable(self) -> bytes:
        """The reply when nothing could be made durable."""

    def reply(self, data: bytes) -> None:
        """Sends one reply; `pending` has been counted down. Does nothing where the peer has gone."""


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
    """Collects a batch while the last one is written. Every method belongs to the loop's thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, writer: Writer, clock: Clock, counters: Counters, memory: int
    ) -> None:
        self._loop = loop
        self._writer = writer
        self._clock = clock
        self._counters = counters
        self._memory = memory
        self._receipts = ReceiptSource()
        self._open = Batch()
        self._running: Batch | None = None
        self._scheduled = False
        self._began = 0.0
        self._held = 0
        self._idle_call: Callable[[], None] | None = None
        self._work: SimpleQueue[tuple[Batch, list[tuple[Draft, Part]]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._commit_forever, name="commit", daemon=True)
        self._thread.start()

    @property
    def held(self) -> int:
        """Bytes that wait for the disk."""
        return self._held

    def refuses(self) -> str | None:
        """Why nothing more can be taken now, or None."""
        if self._held > self._memory:
            return "the queue's memory is full"
        if self._began and time.monotonic() - self._began > STALL_SECONDS:
            return "the disk does not answer"
        if len(self._open.waiters) >= MAX_REQUESTS_PER_DRAFT:
            return "too many requests wait for the disk"
        return None

    def add(self, topic: str, head: bytes, lines: bytes, count: int, waiter: Waiter, reply: bytes) -> None:
        """Takes the events of one request: `lines` are `count` canonical lines joined by newlines."""
        batch = self._open
        part = batch.parts.get(topic)
        if part is None:
            part = batch.parts[topic] = Part()
        part.heads.append(head)
        part.lines.append(lines)
        part.count += count
        batch.waiters.append(waiter)
        batch.replies.append(reply)
        size = len(lines) + REQUEST_COST
        batch.size += size
        self._held += size
        waiter.pending += 1
        if self._running is None and not self._scheduled:
            # Not at once: what else became readable in this turn of the loop joins this batch.
            self._scheduled = True
            self._loop.call_soon(self._next)

    def add_parts(self, parts: list[tuple[str, bytes, bytes, int]], waiter: Waiter, reply: bytes) -> None:
        """The same for one request whose events go to several topics: all of them or none."""
        *others, (topic, head, lines, count) = parts
        for name, its_head, its_lines, its_count in others:
            part = self._open.parts.setdefault(name, Part())
            part.heads.append(its_head)
            part.lines.append(its_lines)
            part.count += its_count
            self._open.size += len(its_lines) + REQUEST_COST
            self._held += len(its_lines) + REQUEST_COST
        self.add(topic, head, lines, count, waiter, reply)

    def add_reply(self, waiter: Waiter, reply: bytes) -> None:
        """Queues a reply that records nothing behind the earlier ones of its connection."""
        batch = self._open
        batch.unrecorded.add(len(batch.waiters))
        batch.waiters.append(waiter)
        batch.replies.append(reply)
        size = len(reply) + REQUEST_COST
        batch.size += size
        self._held += size
        waiter.pending += 1
        if self._running is None and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._next)

    def when_idle(self, call: Callable[[], None]) -> None:
        """Calls `call` once nothing waits any more."""
        self._idle_call = call
        self._check_idle()

    def close(self) -> None:
        """Ends the thread after what it was given."""
        self._work.put(None)
        self._thread.join()

    def _next(self) -> None:
        self._scheduled = False
        batch = self._open
        if not batch.waiters:
            return
        self._open = Batch()
        now = self._clock()
        # One time for the whole batch: its events count in one minute of the ledger.
        work: list[tuple[Draft, Part]] = []
        for topic, part in batch.parts.items():
            high, low = self._receipts.block(now)
            work.append((Draft(topic, now, high, low, part.count, b"", b""), part))
        self._running = batch
        if not work:
            self._done(batch, None, 0.0)
            return
        self._began = time.monotonic()
        self._work.put((batch, work))

    def _commit_forever(self) -> None:
        while (item := self._work.get()) is not None:
            batch, work = item
            began = time.perf_counter()
            failure: Exception | None = None
            try:
                for draft, part in work:
                    part.heads.append(b"")
                    part.lines.append(b"")
                    draft.heads = b"\n".join(part.heads)
                    draft.body = b"\n".join(part.lines)
                self._writer.append([draft for draft, _ in work])
            except Exception as error:
                failure = error
            try:
                self._loop.call_soon_threadsafe(self._done, batch, failure, time.perf_counter() - began)
            except RuntimeError:
                return  # the loop has been closed: nobody is left to answer

    def _done(self, batch: Batch, failure: Exception | None, seconds: float) -> None:
        self._running = None
        self._began = 0.0
        self._held -= batch.size
        if self._open.parts:
            self._next()
        counters = self._counters
        counters.commits += 1
        counters.commit_seconds += seconds
        if failure is None:
            counters.commit_events += sum(part.count for part in batch.parts.values())
            for waiter, reply in zip(batch.waiters, batch.replies, strict=True):
                waiter.pending -= 1
                waiter.reply(reply)
        else:
            self._fail(batch, failure)
        if self._running is None and self._open.waiters:
            self._next()  # only replies in it: they had to let this batch's go first
        self._check_idle()

    def _fail(self, batch: Batch, failure: Exception) -> None:
        self._counters.commit_failures += 1
        if isinstance(failure, QueueError):
            log.warning("nothing could be made durable: %s", failure)
        else:
            log.error("the queue's writer failed", exc_info=failure)
        for place, (waiter, reply) in enumerate(zip(batch.waiters, batch.replies, strict=True)):
            waiter.pending -= 1
            waiter.reply(reply if place in batch.unrecorded else waiter.unavailable())

    def _check_idle(self) -> None:
        if self._idle_call is not None and self._running is None and not self._open.waiters:
            call, self._idle_call = self._idle_call, None
            call()
