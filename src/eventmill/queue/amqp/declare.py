"""Queues made, and judged where they are there already."""

from collections.abc import Iterable

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelPreconditionFailed

from eventmill.queue.amqp.names import Layout


async def declare(connection: AbstractConnection, where: Layout, topics: Iterable[str]) -> str | None:
    """Makes the queues that are missing. Says of one that is there what it has less than ours; None where all are
    ours."""
    less = None
    channel = await connection.channel(publisher_confirms=False)
    for name in where.queues(topics):
        try:
            await channel.declare_queue(name, durable=True, arguments=dict(where.arguments(name)))
        except ChannelPreconditionFailed as error:
            less = str(error)
            channel = await connection.channel(publisher_confirms=False)
    await channel.close()
    return less
