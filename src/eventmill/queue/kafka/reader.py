"""The consumers' side: a consumer of Kafka's own group for each of ours, offsets committed by hand.

Kafka holds no number of a batch, so what may have been worked on before says so (`suspect`): all that lay behind the
committed offset when a partition was taken over, up to what was there then.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from eventmill.clock import MINUTE_MS, Clock, system_clock
from eventmill.queue.base import (
    Capability,
    Delivery,
    Entry,
    Lag,
    Lost,
    Position,
    QueueUnavailable,
)
from eventmill.queue.broker import BrokerReader
from eventmill.queue.kafka.look import Look
from eventmill.queue.kafka.names import HEAD, Cluster

_WAIT_S = 0.2
_MORE_S = 0.02
_JOIN_S = 5.0
_ANSWER_S = 10.0


class _Group:
    """A consumer and what it was given: for each shard the seq behind which it reads, and up to which it is suspect."""

    def __init__(self, consumer: Consumer, topics: tuple[str, ...]) -> None:
        self.consumer, self.topics = consumer, topics
        self.last: dict[str, int] = {}
        self.suspect: dict[str, int] = {}
        self.regained: dict[str, int] = {}
        self.lost: list[Lost] = []
        self.trouble: KafkaException | None = None


class KafkaReader(BrokerReader):
    """Reader of `queue.base` on Kafka. A shard is a partition, `TOPIC/NUMBER`, a seq its offset. Thread-safe: calls
    take turns."""

    capabilities = Capability.REPLAY | Capability.SEEK_BY_TIME | Capability.SEVERAL_GROUPS
    counts_received = False

    def __init__(self, cluster: Cluster, starts: Mapping[str, str], instance: str, clock: Clock = system_clock) -> None:
        """`starts`: for each topic where a new group begins, `earliest` or `latest`. `instance` names this consumer
        for good: one that is restarted takes its partitions over at once, and whoever else has the name is fenced."""
        self._cluster, self._starts, self._instance, self._clock = cluster, starts, instance, clock
        self._turn = threading.RLock()
        self._groups: dict[str, _Group] = {}
        self._look = Look(cluster, clock)

    def read(self, group: str, topics: Sequence[str], limit: int) -> Delivery | None:
        """See `queue.base.Reader.read`."""
        with self._turn, _away():
            state = self._group(group, topics)
            messages = self._consume(state, limit)
            by_shard: dict[str, list[Message]] = {}
            for message in messages:
                error = message.error()
                if error is None:
                    by_shard.setdefault(self._shard(message.topic(), message.partition()), []).append(message)
                elif error.fatal() or error.code() == KafkaError._ALL_BROKERS_DOWN:
                    raise KafkaException(error)
            entries = [self._entry(shard, found) for shard, found in by_shard.items() if shard in state.last]
            suspect = any(e.receipt_low <= state.suspect.get(e.shard, -1) for e in entries)
            state.last |= {entry.shard: entry.seq for entry in entries}
            if not entries and not state.lost:
                return None
            positions = {entry.shard: entry.seq for entry in entries}
            regained = {s: state.regained.pop(s) for s in positions if s in state.regained}
            lost, state.lost = state.lost, []
            return Delivery(group, entries, positions, lost, suspect=suspect, regained=regained)

    def _consume(self, state: _Group, limit: int) -> list[Message]:
        """What is there. Waits for the group's first assignment, and for what is known to lie behind it."""
        deadline = time.monotonic() + _JOIN_S
        while True:
            first = state.consumer.poll(_WAIT_S)
            if state.trouble is not None:
                raise state.trouble
            if first is not None:
                return [first, *state.consumer.consume(limit - 1, _MORE_S)] if limit > 1 else [first]
            behind = any(state.last.get(shard, last) < last for shard, last in state.suspect.items())
            if (state.last and not behind) or time.monotonic() > deadline:
                return []

    def commit(self, delivery: Delivery, batch: int) -> None:
        """See `queue.base.Reader.commit`. Refused where another consumer has the partition by now."""
        with self._turn, _away():
            state = self._groups[delivery.group]
            offsets = [
                TopicPartition(*self._place(shard), seq + 1, metadata=str(batch))
                for shard, seq in delivery.positions.items()
                if shard in state.last
            ]
            if len(offsets) < len(delivery.positions):
                raise QueueUnavailable("Kafka: another consumer has taken these partitions over")
            if offsets:
                for done in state.consumer.commit(offsets=offsets, asynchronous=False) or []:
                    if done.error is not None:
                        raise KafkaException(done.error)

    def rewind(self, group: str) -> None:
        """See `queue.base.Reader.rewind`: the consumer leaves, and joins again at the committed offsets."""
        with self._turn:
            state = self._groups.pop(group, None)
            if state is not None:
                state.consumer.close()

    def position(self, group: str) -> Position:
        """See `queue.base.Reader.position`: the offsets are Kafka's, and no batch is known."""
        with self._turn, _away():
            committed = self._look.committed(group)
            return Position({self._shard(t, p): offset - 1 for (t, p), offset in committed.items()}, None)

    def seek(self, group: str, since_ms: int) -> None:
        """See `queue.base.Reader.seek`; only while nobody else reads the group. What was stored is known by receipt."""
        with self._turn, _away():
            state = self._groups.get(group)
            self._look.seek(group, since_ms // MINUTE_MS * MINUTE_MS, state.consumer if state else None)
            self.rewind(group)

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        """See `queue.base.Reader.lag`."""
        with self._turn, _away():
            return self._look.lag(groups)

    def find(self, needle: bytes, limit: int) -> Iterable[Entry]:
        """See `queue.base.Reader.find`: the newest thousand records of each partition."""
        with self._turn, _away():
            found = [self._entry(self._shard(m.topic(), m.partition()), [m]) for m in self._look.newest(needle)]
        return sorted(found, key=lambda entry: -entry.received)[:limit]

    def retain(self, groups: Mapping[str, Sequence[str]], keep_ms: Mapping[str, int], now_ms: int) -> int:
        """See `queue.base.Reader.retain`: Kafka deletes by itself; its retention grows before it reaches what a group
        has not read."""
        with self._turn, _away():
            self._look.protect(groups, keep_ms, now_ms)
        return 0

    def close(self) -> None:
        """See `queue.base.Reader.close`."""
        with self._turn:
            for group in [*self._groups]:
                self.rewind(group)
            self._look.close()

    def _group(self, group: str, topics: Sequence[str]) -> _Group:
        wanted = tuple(sorted(self._cluster.topic(name) for name in topics))
        state = self._groups.get(group)
        if state is None or state.topics != wanted:
            if state is not None:
                self.rewind(group)
            starts = {self._starts.get(name, "earliest") for name in topics}
            consumer = Consumer(
                self._cluster.client(
                    **{
                        "group.id": self._cluster.group(group),
                        "group.instance.id": self._instance,
                        "enable.auto.commit": False,
                        "auto.offset.reset": "latest" if starts == {"latest"} else "earliest",
                        "session.timeout.ms": 10_000,
                        "heartbeat.interval.ms": 1_000,
                        "max.poll.interval.ms": 300_000,
                        "fetch.wait.max.ms": 50,
                        "topic.metadata.refresh.interval.ms": 5_000,
                        "allow.auto.create.topics": False,
                        "queued.max.messages.kbytes": 65_536,
                    }
                )
            )
            state = self._groups[group] = _Group(consumer, wanted)

            def assigned(consumer: Consumer, given: list[TopicPartition], state: _Group = state) -> None:
                try:
                    self._take_over(consumer, given, state)
                except KafkaException as error:  # the library cannot carry an exception out of here
                    state.trouble = error

            def revoked(_consumer: Consumer, taken: list[TopicPartition], state: _Group = state) -> None:
                for place in taken:
                    shard = self._shard(place.topic, place.partition)
                    for known in (state.last, state.suspect, state.regained):
                        known.pop(shard, None)

            consumer.subscribe(list(wanted), on_assign=assigned, on_revoke=revoked, on_lost=revoked)
        return state

    def _take_over(self, consumer: Consumer, given: list[TopicPartition], state: _Group) -> None:
        """Partitions are ours from now on: where they begin, and up to where somebody may have worked before."""
        for place in consumer.committed(given, _ANSWER_S):
            low, high = consumer.get_watermark_offsets(place, _ANSWER_S)
            shard = self._shard(place.topic, place.partition)
            start = place.offset if place.offset >= 0 else low
            if place.offset >= 0 and place.offset < low:
                minute = self._clock() // MINUTE_MS
                topic = shard.rpartition("/")[0]
                counts = [(topic, minute, low - place.offset)]
                state.lost.append(Lost(shard, place.offset, low - 1, counts, "deleted by Kafka's retention"))
                start = low
            state.last[shard] = start - 1
            if start < high:
                state.suspect[shard] = high - 1
                state.regained[shard] = start - 1

    def _entry(self, shard: str, messages: Sequence[Message]) -> Entry:
        """One entry of records that follow each other in a partition."""
        heads, lines = bytearray(), bytearray()
        for message in messages:
            head = dict(message.headers() or ()).get(HEAD)
            heads += head if isinstance(head, bytes) else _foreign_head(message)
            heads += b"\n"
            lines += message.value() or b"{}"
            lines += b"\n"
        first, last = messages[0], messages[-1]
        received = first.timestamp()[1]
        topic = shard.rpartition("/")[0]
        return Entry(
            shard, _offset(last), topic, received, 0, _offset(first), len(messages), bytes(heads), bytes(lines)
        )

    def _shard(self, topic: str | None, partition: int | None) -> str:
        return f"{self._cluster.own(topic or '') or topic}/{partition}"

    def _place(self, shard: str) -> tuple[str, int]:
        topic, _, partition = shard.rpartition("/")
        return self._cluster.topic(topic), int(partition)


def _offset(message: Message) -> int:
    offset = message.offset()
    assert offset is not None  # a record that was consumed has one
    return offset


def _foreign_head(message: Message) -> bytes:
    """For a record that no door of ours has written: its place is its receipt."""
    at, offset = message.timestamp()[1], _offset(message)
    return b'{"high":%d,"low":%d,"at":%d}' % (
        at << 16 | 0x7000,
        1 << 63 | (message.partition() or 0) << 48 | offset,
        at,
    )


@contextmanager
def _away() -> Iterator[None]:
    """The library's errors as the contract's."""
    try:
        yield
    except KafkaException as error:
        found: Any = error.args[0] if error.args else error
        raise QueueUnavailable(f"Kafka: {found}") from error
