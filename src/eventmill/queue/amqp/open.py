"""The RabbitMQ queue from the settings, and what a confirm means.

    amqp[s]://[USER:PASSWORD@]HOST[:PORT][/VHOST][?partitions=4&prefix=eventmill&durability=fsync|relaxed]

A quorum queue confirms a message once a majority of its members have it in their write-ahead log, which tells of a
write only after its fsync (rabbitmq.com/docs/quorum-queues; github.com/rabbitmq/ra, docs/internals/INTERNALS.md, "Log
Implementation"). With one member that is the disk of this node, so the class is `fsync` either way. AMQP tells neither
how many members there are nor whether an operator has set Ra's `wal_write_strategy` to `sync_after_notify`.
"""

from eventmill.queue.address import chosen
from eventmill.queue.amqp.declare import declare
from eventmill.queue.amqp.inbox import borrow
from eventmill.queue.amqp.link import Link
from eventmill.queue.amqp.names import Layout, layout
from eventmill.queue.amqp.reader import AmqpReader
from eventmill.queue.amqp.writer import AmqpWriter
from eventmill.settings import Settings

_ANSWER_S = 10.0
_QUORUM = "quorum queues sync each message"
_MEND = "Write durability=fsync, remove queues of this name that are of another kind, or choose another prefix="


def open_writer(settings: Settings, slot: int | None) -> AmqpWriter:
    """Any number of collectors may write. Raises QueueError."""
    del slot
    where = layout(settings)
    link = Link(where)
    try:
        return AmqpWriter(link, where, _promise(link, where, settings), settings.topics)
    except BaseException:
        link.close()
        raise


def open_reader(settings: Settings) -> AmqpReader:
    """Connects when first asked. Raises QueueError."""
    where = layout(settings)
    return AmqpReader(borrow(where, settings.topics), where, settings.topics)


def durability(settings: Settings) -> str:
    """What a confirm means. Raises QueueError where RabbitMQ is away, or gives less than asked for."""
    where = layout(settings)
    link = Link(where)
    try:
        return _promise(link, where, settings)
    finally:
        link.close()


def _promise(link: Link, where: Layout, settings: Settings) -> str:
    async def look() -> str | None:
        return await declare(await link.connection(), where, settings.topics)

    less = link.call(look(), _ANSWER_S)
    if less is not None:
        return chosen(where.asked, "relaxed", less, _MEND)
    return chosen(where.asked, "fsync", f"{_QUORUM}, and AMQP does not tell how many members they have", _MEND)
