"""What the brokers promise, read from them; topics made so that they keep it.

`replicated`: two brokers at least must have a record before it is confirmed, and none that has not may lead.
`fsync`: each record is flushed before it is confirmed (`flush.messages=1`); topics made here are told so where no
replicas confirm.
"""

from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it does export them
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from eventmill.queue.address import chosen
from eventmill.queue.base import QueueUnavailable
from eventmill.queue.kafka.names import Cluster

_ANSWER_S = 10.0
_MEND = (
    "Set min.insync.replicas=2 and unclean.leader.election.enable=false on topics with replicas, or flush.messages=1"
)


def durability(cluster: Cluster) -> str:
    """The class in force: of the topics there are, else of those that would be made. Raises QueueError."""
    admin = AdminClient(cluster.client())
    try:
        topics = [name for name in admin.list_topics(timeout=_ANSWER_S).topics if cluster.own(name) is not None]
        if not topics:
            replicated = made_replicated(admin)
            real, why = ("replicated", "replicas confirm") if replicated else ("fsync", "topics are made so")
            if cluster.asked == "fsync":
                real = "fsync"
            return chosen(cluster.asked, real, why, _MEND)
        found = [_of_topic(admin, name) for name in topics]
    except KafkaException as error:
        raise QueueUnavailable(f"queue: Kafka does not answer at {cluster.servers}: {error.args[0]}") from error
    kinds = {kind for kind, _ in found}
    if cluster.asked == "fsync" and all("flush.messages=1" in why for _, why in found):
        return "fsync"
    real = "relaxed" if "relaxed" in kinds else "fsync" if "fsync" in kinds else "replicated"
    weakest = next(why for kind, why in found if kind == real)
    return chosen(cluster.asked, real, weakest, _MEND)


def make_topics(cluster: Cluster, retention_ms: Mapping[str, int]) -> None:
    """Makes the topics that are missing, each with its retention. Raises QueueUnavailable."""
    admin = AdminClient(cluster.client())
    try:
        known = admin.list_topics(timeout=_ANSWER_S).topics
        missing = [name for name in retention_ms if cluster.topic(name) not in known]
        if not missing:
            return
        flush = {"flush.messages": "1"} if _must_flush(admin, cluster) else {}
        new = [
            NewTopic(
                cluster.topic(name),
                num_partitions=cluster.partitions,
                replication_factor=-1,
                config={"retention.ms": str(retention_ms[name]), "cleanup.policy": "delete", **flush},
            )
            for name in missing
        ]
        for name, future in admin.create_topics(new, operation_timeout=_ANSWER_S).items():
            try:
                future.result(_ANSWER_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another collector was faster
                    raise QueueUnavailable(f"queue: topic {name} cannot be made: {error.args[0]}") from error
    except KafkaException as error:
        raise QueueUnavailable(f"queue: Kafka does not answer at {cluster.servers}: {error.args[0]}") from error


def _must_flush(admin: AdminClient, cluster: Cluster) -> bool:
    return cluster.asked == "fsync" or (cluster.asked != "relaxed" and not made_replicated(admin))


def made_replicated(admin: AdminClient) -> bool:
    """Whether topics that are made without saying so would be confirmed by two brokers at least."""
    broker = str(next(iter(admin.list_topics(timeout=_ANSWER_S).brokers)))
    told = _settings(admin, ConfigResource(ResourceType.BROKER, broker))
    return (
        int(told.get("default.replication.factor") or 1) >= 2
        and int(told.get("min.insync.replicas") or 1) >= 2
        and told.get("unclean.leader.election.enable") != "true"
    )


def _of_topic(admin: AdminClient, name: str) -> tuple[str, str]:
    """(class, the settings that say so)."""
    told = _settings(admin, ConfigResource(ResourceType.TOPIC, name))
    described = admin.describe_topics(TopicCollection([name]))[name].result(_ANSWER_S)
    replicas = min((len(partition.replicas) for partition in described.partitions), default=0)
    least, unclean = int(told.get("min.insync.replicas") or 1), told.get("unclean.leader.election.enable") == "true"
    flush = told.get("flush.messages")
    why = (
        f"{name}: {replicas} replicas, min.insync.replicas={least}, flush.messages={flush}, unclean election {unclean}"
    )
    if replicas >= 2 and least >= 2 and not unclean:
        return "replicated", why
    return ("fsync" if flush == "1" else "relaxed"), why


def _settings(admin: AdminClient, resource: ConfigResource) -> dict[str, str | None]:
    found: dict[str, Any] = admin.describe_configs([resource])[resource].result(_ANSWER_S)
    return {name: entry.value for name, entry in found.items()}
