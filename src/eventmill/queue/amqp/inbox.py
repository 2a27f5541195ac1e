"""What RabbitMQ has handed to this process and is not acknowledged.

All readers of a process that read the same queues share one: RabbitMQ tells how many messages nobody has been handed,
so how many events wait is known only to who holds the others.
"""

import asyncio
import threading
from collections.abc import Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from eventmill.queue.amqp import messages
from eventmill.queue.amqp.declare import declare
from eventmill.queue.amqp.link import Link
from eventmill.queue.amqp.names import DEAD, Layout
from eventmill.queue.base import Entry, QueueError, QueueUnavailable

T = TypeVar("T")

_ANSWER_S = 8.0
_CONSUME_S = 5.0
_UNACKNOWLEDGED = 4_096
"""Messages held over all queues, at least `_LEAST` of each: with `messages.MESSAGE_BYTES` at most 256 MB."""
_LEAST = 32
_WAIT_S = 0.2
_REMEMBERED = 50_000
_LOST = "RabbitMQ: the connection was lost; what was not committed comes again"


@dataclass(slots=True, frozen=True)
class Held:
    """An entry, the number of its delivery on the channel, how often it went back to RabbitMQ, and to which group
    it was handed out ("" to none yet)."""

    tag: int
    entry: Entry
    suspect: bool
    returns: int = 0
    group: str = ""


class Waiting(NamedTuple):
    """Of a shard: messages and events here, when the oldest was received (0 for none), messages that are not here."""

    shard: str
    messages: int
    events: int
    oldest: int
    elsewhere: int


class Inbox:
    """One channel and a consumer for each queue. Thread-safe; entries are in the order in which they came."""

    def __init__(self, where: Layout, topics: Collection[str]) -> None:
        self._where, self._link = where, Link(where)
        self._prefetch = max(_LEAST, _UNACKNOWLEDGED // max(1, len(where.queues(topics))))
        self._channel: AbstractChannel | None = None
        self._declared: set[str] = set()
        self._consumed: set[str] = set()
        self._opening = asyncio.Lock()
        self._turn = threading.Condition()
        self._held: dict[int, Held] = {}
        self._untouched: dict[int, int] = {}

    def take(self, group: str, topics: Sequence[str], limit: int) -> list[Held]:
        """Hands out about `limit` events that no group has been handed; those that may have been worked on and those
        that cannot are never mixed. Waits a moment where there are none."""
        if not self._reads(topics):
            self._call(self._consume(topics))
        with self._turn:
            self._turn.wait_for(lambda: any(self._open(topics)), _WAIT_S)
            found: list[Held] = []
            events = 0
            for one in self._open(topics):
                if found and (events >= limit or one.suspect != found[0].suspect):
                    break
                found.append(one)
                events += one.entry.count
            for one in found:
                self._held[one.tag] = replace(one, group=group)
            return found

    def acknowledge(self, group: str, entries: Iterable[Entry]) -> None:
        """Tells RabbitMQ that these are done. Raises QueueUnavailable where the connection was lost since they were
        handed out: then they come again."""
        with self._turn:
            channel = self._channel  # a delivery's number means something there only
            tags = {
                (one.entry.shard, one.entry.receipt_low): one.tag for one in self._held.values() if one.group == group
            }
        try:
            done = [tags[entry.shard, entry.receipt_low] for entry in entries]
        except KeyError:
            raise QueueUnavailable(_LOST) from None
        if done:
            self._call(self._acknowledge(channel, sorted(done)))

    def rewind(self, group: str) -> None:
        """Takes back what was handed out to the group. RabbitMQ is not asked: it has handed it to this process."""
        with self._turn:
            for tag, one in self._held.items():
                if one.group == group:
                    self._held[tag] = replace(one, group="", suspect=True)

    def waiting(self, topics: Sequence[str]) -> list[Waiting]:
        """Of each shard of these topics that something waits in. Where nobody consumes a queue it is consumed here."""
        return [row for row in self._call(self._ask(topics)) if row.events or row.elsewhere]

    def held(self, topics: Collection[str]) -> list[Held]:
        """Everything of these topics that is here."""
        with self._turn:
            return [one for one in self._held.values() if one.entry.topic in topics]

    def close(self) -> None:
        """Leaves; what is not acknowledged is handed to the next who comes."""
        self._link.close()

    def _open(self, topics: Sequence[str]) -> Iterable[Held]:
        return (one for one in self._held.values() if not one.group and one.entry.topic in topics)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        """Where it fails, whatever is under way is left: all begins anew."""
        try:
            return self._link.call(work, _ANSWER_S)
        except QueueError:
            self._link.later(self._leave)
            raise

    def _reads(self, topics: Sequence[str]) -> bool:
        channel = self._channel
        return channel is not None and not channel.is_closed and self._where.queues(topics).keys() <= self._consumed

    # From here on everything is on the loop.

    async def _ready(self, topics: Sequence[str]) -> AbstractChannel:
        async with self._opening:
            connection = await self._link.connection()
            if self._channel is None or self._channel.is_closed:
                self._lost()
                channel = await connection.channel(publisher_confirms=False)
                channel.close_callbacks.add(lambda closed, _error: self._lost(closed))
                await channel.set_qos(prefetch_count=self._prefetch)
                own = await channel.get_underlay_channel()
                # A queue was deleted, or its node is down.
                own.on_consumer_cancel_callbacks.add(lambda _frame: self._leave())
                self._channel = channel
            if new := set(topics) - self._declared:
                await declare(connection, self._where, sorted(new))
                self._declared |= new
            return self._channel

    def _leave(self) -> None:
        self._lost()
        self._link.leave()

    def _lost(self, channel: object = None) -> None:
        """What is not acknowledged belongs to RabbitMQ again."""
        if channel is not None and channel is not self._channel:
            return
        with self._turn:
            if len(self._untouched) > _REMEMBERED:
                self._untouched.clear()
            for one in self._held.values():
                if not one.suspect and not one.group:
                    self._untouched[one.entry.receipt_low] = one.returns + 1
            self._channel = None
            self._declared.clear()
            self._consumed.clear()
            self._held.clear()

    async def _consume(self, topics: Sequence[str]) -> None:
        channel = await self._ready(topics)
        queues = self._where.queues(topics)
        new = [name for name in queues if name not in self._consumed]
        self._consumed.update(new)
        for name in new:
            queue = await channel.get_queue(name, ensure=False)
            try:
                await queue.consume(partial(self._arrived, channel, queues[name]), timeout=_CONSUME_S)
            except TimeoutError:
                raise QueueUnavailable(f"RabbitMQ: queue {name} does not answer: it has no leader") from None
        for name in new:  # what there is has come with the answer
            await channel.declare_queue(name, passive=True)

    async def _arrived(self, channel: AbstractChannel, shard: str, message: AbstractIncomingMessage) -> None:
        if channel is not self._channel or message.delivery_tag is None:
            return
        try:
            entry = messages.entry(shard, message)
        except BaseException:
            self._leave()  # a later acknowledgement of all up to its own would reach this one too
            raise
        returns = _returns(message)
        held = Held(message.delivery_tag, entry, self._is_suspect(shard, entry, message, returns), returns)
        with self._turn:
            self._held[held.tag] = held
            self._turn.notify_all()

    def _is_suspect(self, shard: str, entry: Entry, message: AbstractIncomingMessage, returns: int) -> bool:
        """A quorum queue keeps in its log what was handed out, so its word is good; other queues may forget. What comes
        back to where it only lay, and was nowhere else meanwhile, is as new."""
        if self._where.asked == "relaxed" or shard.endswith(f"/{DEAD}"):
            return True
        return bool(message.redelivered) and self._untouched.pop(entry.receipt_low, None) != returns

    async def _acknowledge(self, channel: AbstractChannel | None, done: Sequence[int]) -> None:
        """A run from the oldest on is acknowledged at once. AMQP confirms no acknowledgement: the question behind it
        makes sure that RabbitMQ has it. One that is lost with RabbitMQ brings the entry again, `redelivered`."""
        if channel is None or channel is not self._channel:
            raise QueueUnavailable(_LOST)
        own = await channel.get_underlay_channel()
        run = 0
        for tag, expected in zip(sorted(self._held), done, strict=False):
            if tag != expected:
                break
            run += 1
        if run:
            await own.basic_ack(done[run - 1], multiple=True)
        for tag in done[run:]:
            await own.basic_ack(tag)
        await channel.declare_queue(next(iter(self._consumed)), passive=True)
        with self._turn:
            if channel is self._channel:
                for tag in done:
                    self._held.pop(tag, None)

    async def _ask(self, topics: Sequence[str]) -> list[Waiting]:
        channel = await self._ready(topics)
        rows, alone = await self._count(channel, topics)
        if alone:
            await self._consume(alone)
            rows, _ = await self._count(channel, topics)
        return rows

    async def _count(self, channel: AbstractChannel, topics: Sequence[str]) -> tuple[list[Waiting], list[str]]:
        """Of each shard; and the topics of those in which something waits and nobody consumes."""
        rows, alone = [], []
        for name, shard in self._where.queues(topics).items():
            said = (await channel.declare_queue(name, passive=True)).declaration_result
            # At this moment: what RabbitMQ has handed out by now has come before its answer.
            here = [one.entry for one in self.held(topics) if one.entry.shard == shard]
            oldest = min((entry.received for entry in here), default=0)
            rows.append(Waiting(shard, len(here), sum(entry.count for entry in here), oldest, said.message_count or 0))
            if said.message_count and not said.consumer_count:
                alone.append(shard.rpartition("/")[0])
        return rows, alone


def _returns(message: AbstractIncomingMessage) -> int:
    count = message.headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0


_shared: dict[Layout, tuple[Inbox, int]] = {}
_sharing = threading.Lock()


def borrow(where: Layout, topics: Collection[str]) -> Inbox:
    """This process's inbox of these queues, to be given back."""
    with _sharing:
        inbox, users = _shared.get(where) or (Inbox(where, topics), 0)
        _shared[where] = inbox, users + 1
        return inbox


def give_back(where: Layout) -> None:
    """Closes it with the last of its users."""
    with _sharing:
        inbox, users = _shared.pop(where)
        if users > 1:
            _shared[where] = inbox, users - 1
        else:
            inbox.close()
