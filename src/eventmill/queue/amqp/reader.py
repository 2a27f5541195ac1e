"""The consumers' side: one consumer at a time for each queue, everything read acknowledged once it is stored."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from eventmill.clock import Clock, system_clock
from eventmill.queue.amqp.inbox import Inbox, give_back
from eventmill.queue.amqp.names import Layout
from eventmill.queue.base import Capability, Delivery, Entry, Lag, Position, QueueError
from eventmill.queue.broker import BrokerReader


class AmqpReader(BrokerReader):
    """Reader of `queue.base` on RabbitMQ. A shard is a queue, `TOPIC/PARTITION`. There is one group: what it has
    committed is deleted. Thread-safe."""

    capabilities = Capability(0)
    counts_received = False

    def __init__(self, inbox: Inbox, where: Layout, topics: Collection[str], clock: Clock = system_clock) -> None:
        """`topics` are those that are looked through by `find`."""
        self._inbox, self._where, self._topics, self._clock = inbox, where, tuple(topics), clock
        self._committed: dict[str, dict[str, int]] = {}
        self._groups: set[str] = set()
        self._size: dict[str, float] = {}
        self._closed = False

    def read(self, group: str, topics: Sequence[str], limit: int) -> Delivery | None:
        """See `queue.base.Reader.read`."""
        self._groups.add(group)
        taken = self._inbox.take(group, topics, limit)
        if not taken:
            return None
        entries = [one.entry for one in taken]
        positions = {entry.shard: entry.seq for entry in entries}
        return Delivery(group, entries, positions, suspect=taken[0].suspect, by_entry=True)

    def commit(self, delivery: Delivery, batch: int) -> None:
        """See `queue.base.Reader.commit`. Where RabbitMQ is killed before it has written the acknowledgement down, the
        entries come again and are `suspect`."""
        del batch
        self._inbox.acknowledge(delivery.group, delivery.entries)
        self._committed.setdefault(delivery.group, {}).update(delivery.positions)

    def rewind(self, group: str) -> None:
        """See `queue.base.Reader.rewind`."""
        self._inbox.rewind(group)

    def position(self, group: str) -> Position:
        """See `queue.base.Reader.position`: RabbitMQ keeps none; these are what this reader has committed."""
        return Position(dict(self._committed.get(group, {})), None)

    def seek(self, group: str, since_ms: int) -> None:
        """What was committed is gone. Raises QueueError."""
        del group, since_ms
        raise QueueError("RabbitMQ deletes what was read: nothing can be replayed from it")

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        """See `queue.base.Reader.lag`. RabbitMQ counts messages, so events are counted where their message is here: up
        to 4,096 messages over all queues. What waits behind them is taken for messages of the same size."""
        rows, now = [], self._clock()
        for group, topics in groups.items():
            for shard, messages, events, oldest, elsewhere in self._inbox.waiting(topics):
                if messages:
                    self._size[shard] = events / messages
                behind = round(elsewhere * self._size.get(shard, 1))
                topic = shard.rpartition("/")[0]
                rows.append(Lag(group, topic, shard, events + behind, max(0, now - (oldest or now))))
        return rows

    def find(self, needle: bytes, limit: int) -> Iterable[Entry]:
        """See `queue.base.Reader.find`: of what waits, the oldest 4,096 messages over all queues."""
        self._inbox.waiting(self._topics)
        entries = [one.entry for one in self._inbox.held(self._topics)]
        found = [entry for entry in entries if needle in entry.body or needle in entry.heads]
        return sorted(found, key=lambda entry: -entry.seq)[:limit]

    def retain(self, groups: Mapping[str, Sequence[str]], keep_ms: Mapping[str, int], now_ms: int) -> int:
        """See `queue.base.Reader.retain`: what was read is gone already, and nothing else may go."""
        del groups, keep_ms, now_ms
        return 0

    def close(self) -> None:
        """See `queue.base.Reader.close`."""
        if not self._closed:
            self._closed = True
            for group in self._groups:
                self._inbox.rewind(group)
            give_back(self._where)
