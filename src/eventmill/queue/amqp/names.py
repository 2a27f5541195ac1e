"""Where RabbitMQ is, how queues are named there, and what they are made of.

PREFIX.TOPIC.0 … P-1    quorum queues, one for each partition; one consumer at a time
PREFIX.TOPIC.dead       where RabbitMQ puts what it would drop from these, by a policy of its operator's; read too

One consumer group only: what was read is deleted. Publishers write to the queues themselves, not to an exchange that
others could bind to: so `mandatory` says whether an event has reached its queue, and nobody else's queue can refuse it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from eventmill.queue.address import parse_address
from eventmill.queue.base import QueueError
from eventmill.settings import Settings

DEAD = "dead"


@dataclass(slots=True, frozen=True)
class Layout:
    """`url` is the broker's, without eventmill's options; `asked` the class that must hold."""

    url: str
    prefix: str
    partitions: int
    asked: str | None

    def queue(self, topic: str, part: int | str) -> str:
        return f"{self.prefix}.{topic}.{part}"

    def queues(self, topics: Iterable[str]) -> dict[str, str]:
        """The shard (`TOPIC/PART`) of each queue of these topics."""
        parts = [*range(self.partitions), DEAD]
        return {self.queue(topic, part): f"{topic}/{part}" for topic in topics for part in parts}

    def arguments(self, queue: str) -> Mapping[str, Any]:
        """What a queue is declared with."""
        common = {
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            # An event that breaks a step is found and rejected by the worker. RabbitMQ 4 would drop it after 20 times.
            "x-delivery-limit": 1_000_000_000,
            "x-overflow": "reject-publish",  # where a policy limits the length: refuse the new, keep the old
        }
        topic = queue.rpartition(".")[0]
        if queue == f"{topic}.{DEAD}":
            return common
        return common | {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": f"{topic}.{DEAD}",
            "x-dead-letter-strategy": "at-least-once",
        }

    @property
    def shown(self) -> str:
        """The address without the password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def layout(settings: Settings) -> Layout:
    """Of `amqp[s]://[USER:PASSWORD@]HOST[:PORT][/VHOST][?partitions=4&prefix=eventmill&durability=…]`.

    Raises QueueError."""
    address, _ = parse_address(settings.queue.url)
    if not urlsplit(address.url).hostname:
        raise QueueError("queue: write amqp://USER:PASSWORD@HOST:PORT/VHOST")
    return Layout(address.url, address.prefix, address.partitions, address.asked)
