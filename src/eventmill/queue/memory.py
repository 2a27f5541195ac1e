"""A queue in memory: the contract without durability, for tests and for trying things out."""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from eventmill.clock import MINUTE_MS, Clock, system_clock
from eventmill.erasure import Marks
from eventmill.queue.base import EVERYTHING, Delivery, Draft, Entry, Erased, Lag, Position, QueueFull, Received, Replay

SHARD = "memory"


class MemoryQueue:
    """Writer and Reader in one, shared by threads of one process. `refusal` makes every append raise QueueFull."""

    durability = "relaxed"
    capabilities = EVERYTHING
    counts_received = True

    def __init__(self, clock: Clock = system_clock) -> None:
        self.refusal: str | None = None
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._next_seq = 1
        self._committed: dict[str, Position] = {}
        self._handed_out: dict[str, int] = {}
        self._received: dict[tuple[str, int], int] = {}

    # -- the door's side

    def append(self, drafts: Sequence[Draft]) -> None:
        if self.refusal is not None:
            raise QueueFull(self.refusal)
        with self._lock:
            for draft in drafts:
                self._entries.append(
                    Entry(
                        shard=SHARD,
                        seq=self._next_seq,
                        topic=draft.topic,
                        received=draft.received,
                        receipt_high=draft.receipt_high,
                        receipt_low=draft.receipt_low,
                        count=draft.count,
                        heads=draft.heads,
                        body=draft.body,
                    )
                )
                self._next_seq += 1
                minute = (draft.topic, draft.received // MINUTE_MS)
                self._received[minute] = self._received.get(minute, 0) + draft.count

    def check(self) -> str | None:
        return self.refusal

    # -- the consumers' side

    def read(self, group: str, topics: Sequence[str], limit: int) -> Delivery | None:
        with self._lock:
            last = self._handed_out.get(group, self._position(group).seqs.get(SHARD, 0))
            entries: list[Entry] = []
            events = 0
            for entry in self._entries:
                if entry.seq > last and entry.topic in topics:
                    if entries and events + entry.count > limit:
                        break
                    entries.append(entry)
                    events += entry.count
            if not entries:
                return None
            self._handed_out[group] = entries[-1].seq
            return Delivery(group, entries, {SHARD: entries[-1].seq})

    def commit(self, delivery: Delivery, batch: int) -> None:
        with self._lock:
            before = self._position(delivery.group)
            seq = max(before.seqs.get(SHARD, 0), delivery.positions.get(SHARD, 0))
            replay = before.replay if before.replay and before.replay.until[SHARD] > seq else None
            self._committed[delivery.group] = Position({SHARD: seq}, batch, replay)

    def rewind(self, group: str) -> None:
        with self._lock:
            self._handed_out.pop(group, None)

    def position(self, group: str) -> Position:
        with self._lock:
            return self._position(group)

    def seek(self, group: str, since_ms: int) -> None:
        with self._lock:
            minute, now = since_ms // MINUTE_MS, self._position(group)
            before = [entry.seq for entry in self._entries if entry.received // MINUTE_MS < minute]
            replay = Replay(minute, now.batch or 0, now.seqs) if now.seqs else None
            self._committed[group] = Position({SHARD: max(before, default=0)}, now.batch, replay)
            self._handed_out.pop(group, None)

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        now = self._clock()
        rows: list[Lag] = []
        with self._lock:
            for group, topics in groups.items():
                seq = self._position(group).seqs.get(SHARD, 0)
                for topic in topics:
                    waiting = [entry for entry in self._entries if entry.seq > seq and entry.topic == topic]
                    if waiting:
                        events = sum(entry.count for entry in waiting)
                        rows.append(Lag(group, topic, SHARD, events, now - waiting[0].received))
        return rows

    def received(self, since_minute: int = 0, until_minute: int = 1 << 40) -> list[Received]:
        with self._lock:
            return [
                Received(topic, minute, count)
                for (topic, minute), count in sorted(self._received.items())
                if since_minute <= minute <= until_minute
            ]

    def find(self, needle: bytes, limit: int) -> Iterable[Entry]:
        with self._lock:
            return [entry for entry in reversed(self._entries) if needle in entry.body][:limit]

    def erase(
        self, marks: Marks, needle: bytes | None = None, only: Collection[str] | None = None, *, dry: bool = False
    ) -> Erased:
        del needle, only  # they save reading, and nothing has to be read here
        events = 0
        with self._lock:
            for place, entry in enumerate(self._entries):
                found = marks.in_entry(entry.heads, entry.body, entry.received)
                if found is not None:
                    events += found[2]
                    if not dry:
                        self._entries[place] = replace(entry, heads=found[0], body=found[1])
        return Erased(events)

    def retain(self, groups: Mapping[str, Sequence[str]], keep_ms: Mapping[str, int], now_ms: int) -> int:
        with self._lock:
            kept: list[Entry] = []
            freed = 0
            for entry in self._entries:
                readers = [group for group, topics in groups.items() if entry.topic in topics]
                read = all(self._position(group).seqs.get(SHARD, 0) >= entry.seq for group in readers)
                if read and entry.topic in keep_ms and entry.received < now_ms - keep_ms[entry.topic]:
                    freed += len(entry.heads) + len(entry.body)
                else:
                    kept.append(entry)
            self._entries = kept
            return freed

    def close(self) -> None:
        """Nothing is held that a process would have to give back."""

    def _position(self, group: str) -> Position:
        return self._committed.get(group, Position({}, 0))
