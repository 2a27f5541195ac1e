"""The consumers' side. What is committed is deleted, so that there is nothing to go back to and no second group."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from eventmill.clock import MINUTE_MS, Clock, system_clock
from eventmill.queue.base import (
    Capability,
    Delivery,
    Entry,
    Lag,
    Lost,
    Position,
    QueueError,
    QueueUnavailable,
)
from eventmill.queue.beanstalk.job import decode, shard_of, topic_of, tube_of
from eventmill.queue.beanstalk.waiting import Waiting, newest
from eventmill.queue.beanstalk.wire import Reply, Wire, told
from eventmill.queue.beanstalk.writer import PRIORITY
from eventmill.queue.broker import BrokerReader

log = logging.getLogger(__name__)
_AT_ONCE = 256
_JOBS = 2_000
"""In one delivery: each is deleted with a sync of its own, and all of a commit should take a second or two."""
_BYTES = 64_000_000
_FIND = 2_000
_PEEK = 50
_ALL = 1 << 63
"""Above every id: where no new job is taken, the greatest cannot be known."""


@dataclass(slots=True)
class _Group:
    """A group's connection. `before`: jobs up to this id may have been handed out before. `held`: what is reserved."""

    wire: Wire
    topics: tuple[str, ...]
    before: int | None = None
    held: set[int] = field(default_factory=set)


class BeanstalkReader(BrokerReader):
    """Reader of `queue.base` on beanstalkd. Thread-safe: calls take turns. Each topic belongs to one group."""

    capabilities = Capability(0)
    counts_received = False

    def __init__(self, connect: Callable[[], Wire], prefix: str, partitions: int, clock: Clock = system_clock) -> None:
        self._connect, self._prefix, self._partitions, self._clock = connect, prefix, partitions, clock
        self._turn = threading.RLock()
        self._groups: dict[str, _Group] = {}
        self._lost: dict[str, list[Lost]] = {}
        self._look: Wire | None = None
        self._waiting = Waiting(prefix)

    def read(self, group: str, topics: Sequence[str], limit: int) -> Delivery | None:
        """See `queue.base.Reader.read`. Raises QueueError where another group reads one of the topics."""
        with self._turn, self._working(group):
            state = self._group(group, topics)
            if state.before in (None, _ALL):
                last = newest(state.wire, self._prefix)
                state.before = _ALL if last is None else last
            jobs = self._reserve(state.wire, limit)
            lost = self._lost.setdefault(group, [])
            lost += [self._foreign(state.wire, job.number) for job, entry in jobs if entry is None]
            entries = [entry for _, entry in jobs if entry is not None]
            if not entries:
                return None
            suspect = self._suspect(state, [entry.seq for entry in entries])
            state.held |= {entry.seq for entry in entries}
            positions = {entry.shard: entry.seq for entry in entries}
            return Delivery(group, entries, positions, tuple(lost), suspect=suspect, by_entry=True)

    def _reserve(self, wire: Wire, limit: int) -> list[tuple[Reply, Entry | None]]:
        jobs: list[tuple[Reply, Entry | None]] = []
        events = size = 0
        wave = 1
        while events < limit and size < _BYTES and len(jobs) < _JOBS:
            replies = wire.ask([b"reserve-with-timeout 0\r\n"] * wave)
            got = [reply for reply in replies if reply.word == b"RESERVED"]
            for job in got:
                entry = decode(self._prefix, job.number, job.body)
                jobs.append((job, entry))
                events += entry.count if entry is not None else 1
                size += len(job.body)
            if len(got) < wave:
                break
            wave = max(1, min(_AT_ONCE, (limit - events) * len(jobs) // max(1, events)))
        return jobs

    def _suspect(self, state: _Group, ids: Sequence[int]) -> bool:
        """Whether one of them may have been stored: it is older than this connection, or was reserved before."""
        if state.before is None or min(ids) <= state.before or any(job in state.held for job in ids):
            return True
        replies = state.wire.ask([b"stats-job %d\r\n" % job for job in ids])
        return any(told(reply).get("reserves") != "1" for reply in replies)

    def _foreign(self, wire: Wire, job: int) -> Lost:
        """Buries a job that no writer of ours has made; the next delivery tells of it."""
        shard = shard_of(self._prefix, wire.stats(b"stats-job %d" % job).get("tube", "")) or ""
        reason = f"job {job} was not made by eventmill, and is buried"
        log.error("%s: %s", shard, reason)
        wire.ask([b"bury %d %d\r\n" % (job, PRIORITY)])
        return Lost(shard, job, job, [(topic_of(shard), self._clock() // MINUTE_MS, 1)], reason)

    def commit(self, delivery: Delivery, batch: int) -> None:
        """See `queue.base.Reader.commit`: the jobs are deleted. Refused where the connection that reserved them is no
        more: then they are handed out again."""
        del batch
        ids = [entry.seq for entry in delivery.entries]
        with self._turn, self._working(delivery.group):
            state = self._groups.get(delivery.group)
            if state is None or not state.held.issuperset(ids):
                raise QueueUnavailable("beanstalkd: the connection that reserved these jobs has ended")
            replies = state.wire.ask([b"delete %d\r\n" % job for job in ids])
            for job, reply in zip(ids, replies, strict=True):
                if reply.word == b"NOT_FOUND":  # it took longer than the time to run: whoever has it now compares
                    log.warning("job %d was reserved too long ago, and is somebody else's", job)
                elif reply.word != b"DELETED":
                    raise QueueUnavailable(f"beanstalkd answers {reply.word.decode()}")
                state.held.discard(job)
            self._lost[delivery.group] = self._lost.get(delivery.group, [])[len(delivery.lost) :]

    def rewind(self, group: str) -> None:
        """See `queue.base.Reader.rewind`."""
        with self._turn:
            state = self._groups.get(group)
            if state is None:
                return
            try:
                state.wire.ask([b"release %d %d 0\r\n" % (job, PRIORITY) for job in state.held])
            except OSError:
                self._drop(group)
            state.held.clear()
            state.before = None

    def position(self, group: str) -> Position:
        """See `queue.base.Reader.position`: there are no positions, only what is left. Raises QueueUnavailable where it
        is away, since whoever begins to work asks this first."""
        del group
        with self._looking() as wire:
            wire.stats()
        return Position({}, None)

    def seek(self, group: str, since_ms: int) -> None:
        """Raises QueueError."""
        del group, since_ms
        raise QueueError("beanstalkd keeps nothing that was read: no group can go back")

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        """See `queue.base.Reader.lag`. Of the topic as a whole: `shard` is the one whose oldest event waits longest."""
        rows, now = [], self._clock()
        with self._looking() as wire:
            known = self._waiting.look(wire)
            for group, topics in groups.items():
                for topic in topics:
                    mine = {shard: jobs for shard, jobs in known.items() if jobs and topic_of(shard) == topic}
                    if mine:
                        shard = min(mine, key=lambda name: min(mine[name]))
                        oldest = self._waiting.oldest(wire, mine[shard])
                        events = sum(sum(jobs.values()) for jobs in mine.values())
                        rows.append(Lag(group, topic, shard, events, max(0, now - (oldest or now))))
        return rows

    def find(self, needle: bytes, limit: int) -> Iterable[Entry]:
        """See `queue.base.Reader.find`: what waits among the newest two thousand jobs."""
        found: list[Entry] = []
        with self._looking() as wire:
            last = self._waiting.last(wire)
            for high in range(last, max(0, last - _FIND), -_PEEK):
                ids = range(high, max(0, high - _PEEK), -1)
                for reply in wire.ask([b"peek %d\r\n" % job for job in ids]):
                    if reply.word == b"FOUND" and needle in reply.body:
                        entry = decode(self._prefix, reply.number, reply.body)
                        found += [entry] if entry is not None else []
                if len(found) >= limit:
                    break
        return found[:limit]

    def retain(self, groups: Mapping[str, Sequence[str]], keep_ms: Mapping[str, int], now_ms: int) -> int:
        """See `queue.base.Reader.retain`: what was read is gone already."""
        del groups, keep_ms, now_ms
        return 0

    def close(self) -> None:
        """See `queue.base.Reader.close`."""
        with self._turn:
            for group in [*self._groups]:
                self._drop(group)
            if self._look is not None:
                self._look.close()
                self._look = None

    def _group(self, group: str, topics: Sequence[str]) -> _Group:
        wanted = tuple(sorted(topics))
        state = self._groups.get(group)
        if state is not None and state.topics == wanted and (state.held or state.wire.is_usable()):
            return state
        for other, one in self._groups.items():
            if other != group and (shared := set(wanted) & set(one.topics)):
                raise QueueError(
                    f"beanstalkd: {min(shared)} is read by the group {other!r}, and a job goes to one group only"
                )
        self._drop(group)
        wire = self._connect()
        try:
            self._watch(wire, wanted)
        except BaseException:
            wire.close()
            raise
        state = self._groups[group] = _Group(wire, wanted)
        return state

    def _watch(self, wire: Wire, topics: Sequence[str]) -> None:
        """All tubes of these topics: those that writers use now, and those left of more partitions."""
        tubes = {tube_of(self._prefix, topic, number) for topic in topics for number in range(self._partitions)}
        (there,) = wire.ask([b"list-tubes\r\n"])
        for line in there.body.decode().splitlines():
            shard = shard_of(self._prefix, line[2:])
            if shard is not None and topic_of(shard) in topics:
                tubes.add(line[2:])
        wire.ask([*(b"watch %b\r\n" % tube.encode() for tube in sorted(tubes)), b"ignore default\r\n"])

    def _drop(self, group: str) -> None:
        state = self._groups.pop(group, None)
        if state is not None:
            state.wire.close()

    @contextmanager
    def _working(self, group: str) -> Iterator[None]:
        """What the connection has to say as the contract says it. What it had reserved is handed out again."""
        try:
            yield
        except QueueError:
            raise
        except OSError as error:
            self._drop(group)
            raise QueueUnavailable(f"beanstalkd: {error}") from error

    @contextmanager
    def _looking(self) -> Iterator[Wire]:
        """A connection of its own for questions."""
        with self._turn:
            try:
                if self._look is None or not self._look.is_usable():
                    self._look = self._connect()
                yield self._look
            except OSError as error:
                if self._look is not None:
                    self._look.close()
                    self._look = None
                if isinstance(error, QueueError):
                    raise
                raise QueueUnavailable(f"beanstalkd: {error}") from error
