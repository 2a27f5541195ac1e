"""The Kafka queue from the settings.

kafka://HOST:PORT[,HOST:PORT…][/PREFIX][?partitions=4&durability=fsync|replicated|relaxed]
"""

from contextlib import suppress
from socket import gethostname
from zlib import crc32

from eventmill.queue.base import QueueUnavailable
from eventmill.queue.kafka import promise
from eventmill.queue.kafka.names import cluster
from eventmill.queue.kafka.reader import KafkaReader
from eventmill.queue.kafka.writer import KafkaWriter
from eventmill.settings import Settings, duration


def open_writer(settings: Settings, slot: int | None) -> KafkaWriter:
    """Any number of collectors may write. Raises QueueError."""
    del slot
    where = cluster(settings)
    _make_topics(settings)
    return KafkaWriter(where, durability(settings))


def open_reader(settings: Settings) -> KafkaReader:
    """Raises QueueError. Where Kafka is away, the topics are made by the next collector that finds it."""
    with suppress(QueueUnavailable):
        _make_topics(settings)
    instance = f"{gethostname()}-{crc32(str(settings.data_dir.resolve()).encode()):08x}"
    return KafkaReader(cluster(settings), {name: topic.start for name, topic in settings.topics.items()}, instance)


def durability(settings: Settings) -> str:
    """What a confirmation means, as the brokers say themselves. Raises QueueError."""
    return promise.durability(cluster(settings))


def _make_topics(settings: Settings) -> None:
    promise.make_topics(cluster(settings), {name: duration(topic.retention) for name, topic in settings.topics.items()})
