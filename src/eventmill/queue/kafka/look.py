"""Looking at Kafka without taking part: committed offsets, lag, the newest records, retention."""

import time
from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it does export them
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from eventmill.clock import Clock
from eventmill.queue.base import Lag
from eventmill.queue.kafka.names import Cluster

_ANSWER_S = 10.0
_NEWEST = 1_000
_TRIES, _AGAIN_S = 4, 0.5
_ENDS = (OffsetSpec.earliest(), OffsetSpec.latest())  # type: ignore[no-untyped-call]
_OLD = 0.5
"""Once what waits is older than this part of the retention, the retention is doubled."""

Place = tuple[str, int]


class Look:
    """Questions to the cluster. A consumer for each group asks; none of them joins its group."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster, self._clock = cluster, clock
        self._consumers: dict[str, Consumer] = {}
        self._oldest: dict[tuple[Place, int], int] = {}
        self._admin: AdminClient | None = None

    def committed(self, group: str) -> dict[Place, int]:
        """The offset behind the last committed record of each partition that the group has committed."""
        places = [TopicPartition(*place) for place in self._places()]
        if not places:
            return {}
        found = self._consumer(group).committed(places, _ANSWER_S)
        return {(one.topic, one.partition): one.offset for one in found if one.offset >= 0}

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        """See `queue.base.Reader.lag`."""
        rows, now = [], self._clock()
        bounds = self._bounds(self._places())
        for group, topics in groups.items():
            committed = self.committed(group)
            for place, (low, high) in bounds.items():
                own = self._cluster.own(place[0])
                if own not in topics or own is None:
                    continue
                start = max(low, committed.get(place, low))
                if high > start:
                    oldest = self._received(place, start) or now
                    rows.append(Lag(group, own, f"{own}/{place[1]}", high - start, max(0, now - oldest)))
        return rows

    def seek(self, group: str, since_ms: int, member: Consumer | None) -> None:
        """Commits the first offsets at or after a time, through the `member` of the group that asks for it. Raises
        KafkaException while somebody else reads the group."""
        consumer = member or self._consumer(group)
        bounds = self._bounds(self._places())
        wanted = [TopicPartition(*place, since_ms) for place in bounds]
        found = []
        for one in consumer.offsets_for_times(wanted, _ANSWER_S):
            offset = one.offset if one.offset >= 0 else bounds[one.topic, one.partition][1]
            found.append(TopicPartition(one.topic, one.partition, offset))
        if found:
            consumer.commit(offsets=found, asynchronous=False)

    def newest(self, needle: bytes) -> Iterator[Message]:
        """The newest records of each partition that hold `needle`."""
        for (topic, partition), (low, high) in self._bounds(self._places()).items():
            start = max(low, high - _NEWEST)
            for message in self._fetch(topic, partition, start, high - start):
                texts = [message.value(), *(value for _, value in list(message.headers() or ()))]
                if any(needle in text for text in texts if isinstance(text, bytes)):
                    yield message

    def protect(self, groups: Mapping[str, Sequence[str]], keep_ms: Mapping[str, int], now_ms: int) -> None:
        """Doubles the retention of topics of which something has waited for half of it."""
        del now_ms
        for row in self.lag(groups):
            keep = keep_ms.get(row.topic, 0)
            if row.oldest_ms > keep * _OLD:
                entry = ConfigEntry(
                    "retention.ms",
                    str(2 * max(keep, row.oldest_ms)),
                    incremental_operation=AlterConfigOpType.SET,
                )
                resource = ConfigResource(
                    ResourceType.TOPIC, self._cluster.topic(row.topic), incremental_configs=[entry]
                )
                for future in self._admins().incremental_alter_configs([resource]).values():
                    future.result(_ANSWER_S)

    def close(self) -> None:
        for consumer in self._consumers.values():
            consumer.close()
        self._consumers.clear()

    def _received(self, place: Place, offset: int) -> int | None:
        """When the record at this offset was received, ms since the epoch."""
        known = self._oldest.get((place, offset))
        if known is None:
            for message in self._fetch(*place, offset, 1):
                known = message.timestamp()[1]
            if len(self._oldest) > _NEWEST:
                self._oldest.clear()
            if known is not None:
                self._oldest[place, offset] = known
        return known

    def _fetch(self, topic: str, partition: int, start: int, count: int) -> list[Message]:
        if count <= 0:
            return []
        consumer = self._consumer("")
        consumer.assign([TopicPartition(topic, partition, start)])
        try:
            return [m for m in consumer.consume(count, 1.0) if m.error() is None]
        finally:
            consumer.unassign()

    def _places(self) -> list[Place]:
        topics = self._admins().list_topics(timeout=_ANSWER_S).topics
        return sorted(
            (name, partition)
            for name, topic in topics.items()
            if self._cluster.own(name) is not None
            for partition in topic.partitions
        )

    def _bounds(self, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
        """The first offset of each partition, and the one behind its last. While leaders change it asks again."""
        for left in reversed(range(_TRIES)):
            try:
                return dict(zip(places, zip(*(self._offsets(places, of) for of in _ENDS), strict=True), strict=True))
            except KafkaException:
                if not left:
                    raise
                time.sleep(_AGAIN_S)
        raise AssertionError("the loop ends by return or raise")

    def _offsets(self, places: Sequence[Place], of: OffsetSpec) -> list[int]:
        asked = self._admins().list_offsets({TopicPartition(*place): of for place in places}, request_timeout=_ANSWER_S)
        found = {(one.topic, one.partition): future.result(_ANSWER_S).offset for one, future in asked.items()}
        return [found[place] for place in places]

    def _consumer(self, group: str) -> Consumer:
        if group not in self._consumers:
            told = self._cluster.client(
                **{"group.id": self._cluster.group(group or "-look"), "enable.auto.commit": False,
                   "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20, "enable.partition.eof": False}
            )  # fmt: skip
            self._consumers[group] = Consumer(told)
        return self._consumers[group]

    def _admins(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient(self._cluster.client())
        return self._admin
