"""Queues made, and judged where they are there already."""

import asyncio
from collections.abc import Iterable

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed

from eventmill.queue.amqp.names import Layout
from eventmill.queue.base import QueueUnavailable

SETTLE_S = 1.5
"""Nothing is published into a queue that is younger. RabbitMQ 3.10.8 notes a new quorum queue in a file that it writes
within half a second: where it is killed before, the queue never has a leader again, and what it confirmed is gone."""
_ANSWER_S = 5.0


async def declare(connection: AbstractConnection, where: Layout, topics: Iterable[str]) -> str | None:
    """Makes the queues that are missing, and lets them settle. Says of one that is there what it has less than ours;
    None where all are ours."""
    less, made = None, False
    channel = await connection.channel(publisher_confirms=False)
    for name in where.queues(topics):
        try:
            await channel.declare_queue(name, passive=True, timeout=_ANSWER_S)
        except ChannelNotFoundEntity:
            made = True
            channel = await connection.channel(publisher_confirms=False)
        except TimeoutError:
            raise QueueUnavailable(f"RabbitMQ: queue {name} does not answer: it has no leader") from None
        try:
            await channel.declare_queue(name, durable=True, arguments=dict(where.arguments(name)), timeout=_ANSWER_S)
        except ChannelPreconditionFailed as error:
            less = str(error)
            channel = await connection.channel(publisher_confirms=False)
    await channel.close()
    if made:
        await asyncio.sleep(SETTLE_S)
    return less
