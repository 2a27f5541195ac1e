"""Where Kafka is, and how topics and groups are named there."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from eventmill.queue.address import Address, parse_address
from eventmill.queue.base import QueueError
from eventmill.settings import Settings

HEAD = "head"
"""The record header that holds `event.Head`: who sent it, when, under which receipt."""


@dataclass(slots=True, frozen=True)
class Cluster:
    """`servers` is Kafka's `bootstrap.servers`. Topics are named `PREFIX.TOPIC`, groups `PREFIX.GROUP`."""

    servers: str
    prefix: str
    partitions: int
    asked: str | None

    def topic(self, name: str) -> str:
        return f"{self.prefix}.{name}"

    def own(self, kafka_topic: str) -> str | None:
        """eventmill's name of a topic of Kafka's; None where it is somebody else's."""
        own = kafka_topic.removeprefix(f"{self.prefix}.")
        return own if own != kafka_topic else None

    def group(self, name: str) -> str:
        return f"{self.prefix}.{name}"

    def client(self, **more: Any) -> dict[str, Any]:
        """Settings of librdkafka that every client has."""
        return {
            "bootstrap.servers": self.servers,
            "client.id": "eventmill",
            "socket.timeout.ms": 10_000,
            "reconnect.backoff.max.ms": 1_000,
            "log_level": 2,
            **more,
        }


def cluster(settings: Settings) -> Cluster:
    """Of `kafka://HOST:PORT[,HOST:PORT…][/PREFIX][?partitions=4&durability=…]`. Raises QueueError."""
    address: Address
    address, _ = parse_address(settings.queue.url)
    parts = urlsplit(address.url)
    servers = parts.netloc
    if not servers or not all(":" in server for server in servers.split(",")):
        raise QueueError(f"queue: {settings.queue.url!r}: write kafka://HOST:PORT, several with commas between")
    prefix = parts.path.strip("/") or address.prefix
    if not prefix.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise QueueError(f"queue: the prefix {prefix!r} must be letters, digits, '-', '_' and '.'")
    return Cluster(servers, prefix, address.partitions, address.asked)
