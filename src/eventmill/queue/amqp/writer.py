"""The door's side: every message of an append at once, and an answer once RabbitMQ has confirmed them all."""

import asyncio
import time
from collections.abc import Collection, Sequence
from functools import partial

from aio_pika import Message
from aio_pika.abc import AbstractChannel

from eventmill.queue.amqp import messages
from eventmill.queue.amqp.declare import SETTLE_S, declare
from eventmill.queue.amqp.link import Link
from eventmill.queue.amqp.names import Layout
from eventmill.queue.base import Draft, QueueUnavailable
from eventmill.queue.records import parts

_CONFIRM_S = 8.0
_LOOK_S = 0.5


class AmqpWriter:
    """Writer of `queue.base` on RabbitMQ: persistent messages, `mandatory`, each confirmed by its queue."""

    def __init__(self, link: Link, where: Layout, durability: str, topics: Collection[str]) -> None:
        """`topics` are those whose queues were there before the first collector."""
        self.durability = durability
        self._link, self._where = link, where
        self._sequence = messages.Sequence()
        self._channel: AbstractChannel | None = None
        self._known: set[str] = set()
        self._settled = set(topics)
        self._trouble: str | None = None
        self._looked = 0.0

    def append(self, drafts: Sequence[Draft]) -> None:
        """See `queue.base.Writer.append`. What was confirmed of an append that failed as a whole stays: a copy that
        nobody was told of."""
        made = [
            (self._where.queue(part.topic, part.partition), message)
            for draft in drafts
            for part in parts(draft, self._where.partitions)
            for message in messages.messages(part, self._sequence)
        ]
        try:
            self._link.call(self._publish({draft.topic for draft in drafts}, made), _CONFIRM_S)
        except QueueUnavailable as error:
            self._trouble = str(error)
            self._forget()
            raise
        self._trouble = None

    async def _publish(self, topics: set[str], made: Sequence[tuple[str, Message]]) -> None:
        channel = await self._ready(topics)
        publish = channel.default_exchange.publish
        await asyncio.gather(*(publish(message, name) for name, message in made))

    async def _ready(self, topics: set[str]) -> AbstractChannel:
        connection = await self._link.connection()
        if self._channel is None or self._channel.is_closed:
            self._channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        if new := topics - self._known:
            await declare(connection, self._where, sorted(new))
            self._known |= new
            if new - self._settled:  # another collector may have made them just now
                await asyncio.sleep(SETTLE_S)
                self._settled |= new
        return self._channel

    def _forget(self) -> None:
        """Nothing of a failed append may be sent later, and its queues may be gone: all begins anew."""
        self._channel = None
        self._known.clear()
        self._link.later(self._link.leave)

    def check(self) -> str | None:
        """See `queue.base.Writer.check`; asks again every half second while there is trouble."""
        if self._trouble is not None and time.monotonic() - self._looked > _LOOK_S:
            try:
                self._link.call(self._probe(), _LOOK_S)
                self._trouble = None
            except QueueUnavailable as error:
                self._trouble = str(error)
                self._forget()
            self._looked = time.monotonic()
        return self._trouble

    async def _probe(self) -> None:
        """Publishes a message that no queue takes: RabbitMQ confirms it at once, but for an alarm of memory or disk,
        which it tells only to who publishes."""
        channel = await self._ready(set())
        publish = partial(channel.default_exchange.publish, mandatory=False)
        await publish(Message(b"?"), self._where.queue("", "probe"))

    def close(self) -> None:
        """See `queue.base.Writer.close`."""
        self._link.close()
