"""The consumers' side. Positions are kept in Redis, each commit in one transaction with the batch's number.

For every group each stream also has a consumer group of Redis's own, moved along by every commit: so the usual
tools show its lag.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import redis

from eventmill.clock import MINUTE_MS, Clock, system_clock
from eventmill.queue.base import (
    Capability,
    Delivery,
    Entry,
    Lag,
    Position,
    QueueUnavailable,
    Received,
    Replay,
)
from eventmill.queue.broker import BrokerReader
from eventmill.queue.redis.layout import Keys, id_of, seq_of, topic_of

_Row = tuple[bytes, dict[bytes, bytes]]
_AT_ONCE = 200
_BYTES = 64_000_000


class RedisReader(BrokerReader):
    """Reader of `queue.base` on Redis Streams. Thread-safe: calls take turns."""

    capabilities = (
        Capability.REPLAY | Capability.SEEK_BY_TIME | Capability.SEVERAL_GROUPS | Capability.TOTALS | Capability.BATCHES
    )
    counts_received = True

    def __init__(self, client: redis.Redis, keys: Keys, clock: Clock = system_clock) -> None:
        self._client: Any = client  # its stubs say of every answer that it may be text, bytes or nothing
        self._keys, self._clock = keys, clock
        self._turn = threading.RLock()
        self._cursors: dict[str, dict[str, int]] = {}

    def read(self, group: str, topics: Sequence[str], limit: int) -> Delivery | None:
        """See `queue.base.Reader.read`."""
        with self._turn, _away():
            cursors = self._cursor(group)
            shards = self._shards(topics)
            entries: list[Entry] = []
            moved: dict[str, int] = {}
            share, size = max(1, limit // max(1, len(shards))), _BYTES // max(1, len(shards))
            for shard in shards:
                got = self._read_shard(shard, cursors.get(shard, 0), share, size)
                if got:
                    moved[shard] = got[-1].seq
                    entries += got
            cursors.update(moved)
            return Delivery(group, entries, dict(cursors)) if entries else None

    def _read_shard(self, shard: str, after: int, limit: int, max_bytes: int) -> list[Entry]:
        found: list[Entry] = []
        events = size = 0
        while events < limit and size < max_bytes:
            rows = self._range(shard, after + 1, min(_AT_ONCE, limit))
            for stream_id, fields in rows:
                entry = _entry(shard, seq_of(stream_id), fields)
                found.append(entry)
                after, events, size = entry.seq, events + entry.count, size + len(entry.body)
                if events >= limit or size >= max_bytes:
                    break
            if len(rows) < min(_AT_ONCE, limit):
                break
        return found

    def commit(self, delivery: Delivery, batch: int) -> None:
        """See `queue.base.Reader.commit`: one MULTI for positions, counts and the batch's number."""
        group = delivery.group
        done: dict[str, int] = {}
        for entry in delivery.entries:
            done[entry.topic] = done.get(entry.topic, 0) + entry.count
        with self._turn, _away():
            replay = self._position(group).replay
            pipe = self._client.pipeline(transaction=True)
            pipe.sadd(self._keys.groups, group)
            values: dict[str, Any] = {f"s {shard}": seq for shard, seq in delivery.positions.items()}
            pipe.hset(self._keys.group(group), mapping={**values, "batch": batch})
            for topic, count in done.items():
                pipe.hincrby(self._keys.group(group), f"d {topic}", count)
            if replay and all(delivery.positions.get(shard, 0) >= seq for shard, seq in replay.until.items()):
                pipe.hdel(self._keys.group(group), "replay")
            pipe.execute()
            for entry in {entry.shard: entry for entry in delivery.entries}.values():
                self._show(group, entry.shard, entry.seq)

    def _show(self, group: str, shard: str, seq: int) -> None:
        """Moves Redis's own consumer group, for those who look with its tools; nothing here depends on it."""
        key = self._keys.stream(shard)
        try:
            self._client.xgroup_setid(key, group, id_of(seq))
        except redis.ResponseError:
            try:
                self._client.xgroup_create(key, group, id_of(seq))
            except redis.ResponseError:
                return

    def rewind(self, group: str) -> None:
        """See `queue.base.Reader.rewind`."""
        with self._turn:
            self._cursors.pop(group, None)

    def position(self, group: str) -> Position:
        """See `queue.base.Reader.position`."""
        with self._turn, _away():
            return self._position(group)

    def _position(self, group: str) -> Position:
        kept = {name.decode(): value for name, value in self._client.hgetall(self._keys.group(group)).items()}
        seqs = {name[2:]: int(value) for name, value in kept.items() if name.startswith("s ")}
        replay = None
        if "replay" in kept:
            since, before, until = json.loads(kept["replay"])
            replay = Replay(since, before, until)
        return Position(seqs, int(kept.get("batch", 0)), replay)

    def seek(self, group: str, since_ms: int) -> None:
        """See `queue.base.Reader.seek`. A replay within a replay ends no sooner."""
        minute = since_ms // MINUTE_MS
        with self._turn, _away():
            now = self._position(group)
            until = dict(now.seqs)
            if now.replay is not None:
                until |= {shard: max(seq, until.get(shard, 0)) for shard, seq in now.replay.until.items()}
                minute = min(minute, now.replay.since_minute)
            counts: dict[str, int] = {}
            seqs: dict[str, Any] = {}
            for shard in self._all_shards():
                before = self._before(shard, minute * MINUTE_MS)
                seqs[f"s {shard}"] = before
                topic = topic_of(shard)
                counts[topic] = counts.get(topic, 0) + self._events(shard, before, now.seqs.get(shard, 0))
            pipe = self._client.pipeline(transaction=True)
            if seqs:
                pipe.hset(self._keys.group(group), mapping=seqs)
            for topic, count in counts.items():
                pipe.hincrby(self._keys.group(group), f"d {topic}", -count)
            if until:
                pipe.hset(self._keys.group(group), "replay", json.dumps([minute, now.batch, until]))
            pipe.execute()
            self._cursors.pop(group, None)

    def _before(self, shard: str, since_ms: int) -> int:
        """The seq before the first entry received at or after `since_ms`. Times of receipt are those of the collectors,
        stream ids those of Redis: entries are looked at from a minute before on."""
        first = self._client.xinfo_stream(self._keys.stream(shard)).get("first-entry")
        last = seq_of(first[0]) - 1 if first else 0
        at = max(last, ((since_ms - MINUTE_MS) << 20) - 1)
        while rows := self._range(shard, at + 1, _AT_ONCE):
            for stream_id, fields in rows:
                if int(fields[b"t"]) >= since_ms:
                    return seq_of(stream_id) - 1
                at = seq_of(stream_id)
        return max(at, last)

    def _events(self, shard: str, after: int, last: int) -> int:
        """Events in (after, last]."""
        total = 0
        while after < last and (rows := self._range(shard, after + 1, _AT_ONCE, last)):
            total += sum(int(fields[b"n"]) for _, fields in rows)
            after = seq_of(rows[-1][0])
        return total

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        """See `queue.base.Reader.lag`. Of the topic as a whole: `shard` is the one whose oldest event waits longest."""
        rows, now = [], self._clock()
        with self._turn, _away():
            for group, topics in groups.items():
                kept = self._client.hgetall(self._keys.group(group))
                for topic in topics:
                    total = sum(int(count) for count in self._client.hvals(self._keys.received(topic)))
                    waits = total - int(kept.get(f"d {topic}".encode(), 0))
                    if waits > 0:
                        shard, oldest = self._oldest(topic, kept)
                        rows.append(Lag(group, topic, shard, waits, max(0, now - (oldest or now))))
        return rows

    def _oldest(self, topic: str, kept: Mapping[bytes, bytes]) -> tuple[str, int | None]:
        found: list[tuple[int, str]] = []
        for shard in self._shards([topic]):
            rows = self._range(shard, int(kept.get(f"s {shard}".encode(), 0)) + 1, 1)
            found += [(int(fields[b"t"]), shard) for _, fields in rows]
        if not found:
            return f"{topic}/0", None
        oldest, shard = min(found)
        return shard, oldest

    def received(self, since_minute: int = 0, until_minute: int = 1 << 40) -> list[Received]:
        """See `queue.base.Reader.received`."""
        with self._turn, _away():
            topics = sorted({topic_of(shard) for shard in self._all_shards()})
            return [
                Received(topic, int(minute), int(count))
                for topic in topics
                for minute, count in sorted(self._client.hgetall(self._keys.received(topic)).items())
                if since_minute <= int(minute) <= until_minute
            ]

    def find(self, needle: bytes, limit: int) -> Iterable[Entry]:
        """See `queue.base.Reader.find`: the newest two hundred entries of each stream."""
        found: list[Entry] = []
        with self._turn, _away():
            for shard in self._all_shards():
                for stream_id, fields in self._client.xrevrange(self._keys.stream(shard), count=_AT_ONCE):
                    if needle in fields[b"b"] or needle in fields[b"h"]:
                        found.append(_entry(shard, seq_of(stream_id), fields))
        return sorted(found, key=lambda entry: -entry.seq)[:limit]

    def retain(self, groups: Mapping[str, Sequence[str]], keep_ms: Mapping[str, int], now_ms: int) -> int:
        """See `queue.base.Reader.retain`: trims what every group has read and is older than its topic's `keep_ms`."""
        freed = 0
        with self._turn, _away():
            known = {*groups, *(name.decode() for name in self._client.smembers(self._keys.groups))}
            committed = {group: self._position(group).seqs for group in known}
            for shard in self._all_shards():
                topic = topic_of(shard)
                readers = [g for g in known if g not in groups or topic in groups[g]]
                if topic not in keep_ms or not readers:
                    continue
                read = min(committed[group].get(shard, 0) for group in readers)
                until = min(read, ((now_ms - keep_ms[topic]) << 20) - 1)
                if until > 0:
                    freed += int(
                        self._client.xtrim(self._keys.stream(shard), minid=id_of(until + 1), approximate=False)
                    )
        return freed

    def close(self) -> None:
        """See `queue.base.Reader.close`."""
        self._client.close()

    def _cursor(self, group: str) -> dict[str, int]:
        if group not in self._cursors:
            self._cursors[group] = dict(self._position(group).seqs)
        return self._cursors[group]

    def _all_shards(self) -> list[str]:
        return sorted(name.decode() for name in self._client.smembers(self._keys.shards))

    def _shards(self, topics: Sequence[str]) -> list[str]:
        wanted = set(topics)
        return [shard for shard in self._all_shards() if topic_of(shard) in wanted]

    def _range(
        self, shard: str, first: int, count: int, last: int | None = None
    ) -> list[tuple[bytes, dict[bytes, bytes]]]:
        upto = "+" if last is None else id_of(last)
        rows: list[tuple[bytes, dict[bytes, bytes]]] = self._client.xrange(
            self._keys.stream(shard), id_of(first), upto, count=count
        )
        return rows


@contextmanager
def _away() -> Iterator[None]:
    """The library's errors as the contract's."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise QueueUnavailable(f"Redis: {error}") from error


def _entry(shard: str, seq: int, fields: Mapping[bytes, bytes]) -> Entry:
    return Entry(shard, seq, topic_of(shard), int(fields[b"t"]), 0, seq, int(fields[b"n"]), fields[b"h"], fields[b"b"])
