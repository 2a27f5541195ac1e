"""A broker's reader that also counts what waits on this machine while the broker is away."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from eventmill.clock import MINUTE_MS, system_clock
from eventmill.erasure import Marks
from eventmill.queue.base import Delivery, Entry, Erased, Lag, Position, QueueUnavailable, Reader, Received
from eventmill.queue.spill.folder import GROUP, open_spill, topics_of
from eventmill.queue.sqlite.reader import SqliteReader


class WithSpill:
    """Reader of `queue.base`: another one, and the folders below `root` in which collectors of this machine let
    events wait. Acknowledged is received, wherever it is."""

    def __init__(self, inner: Reader, root: Path) -> None:
        self.capabilities = inner.capabilities
        self.counts_received = inner.counts_received
        self._inner, self._root = inner, root
        self._spills: dict[Path, SqliteReader] = {}

    def read(self, group: str, topics: Sequence[str], limit: int) -> Delivery | None:
        return self._inner.read(group, topics, limit)

    def commit(self, delivery: Delivery, batch: int) -> None:
        self._inner.commit(delivery, batch)

    def rewind(self, group: str) -> None:
        self._inner.rewind(group)

    def position(self, group: str) -> Position:
        return self._inner.position(group)

    def seek(self, group: str, since_ms: int) -> None:
        self._inner.seek(group, since_ms)

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        """See `queue.base.Reader.lag`. Where the broker is away, what waits here is all that can be told."""
        waits = self._waiting()
        rows = [
            Lag(group, row.topic, row.shard, row.events, row.oldest_ms)
            for group, topics in groups.items()
            for row in waits
            if row.topic in topics
        ]
        try:
            return [*self._inner.lag(groups), *rows]
        except QueueUnavailable:
            if rows:
                return rows
            raise

    def received(self, since_minute: int = 0, until_minute: int = 1 << 40) -> list[Received]:
        """See `queue.base.Reader.received`."""
        found = self._inner.received(since_minute, until_minute)
        if not self.counts_received:
            return found
        now = system_clock()
        waits = [Received(row.topic, (now - row.oldest_ms) // MINUTE_MS, row.events) for row in self._waiting()]
        return [*found, *(row for row in waits if since_minute <= row.minute <= until_minute)]

    def find(self, needle: bytes, limit: int) -> Iterable[Entry]:
        here = [entry for spill in self._open() for entry in spill.find(needle, limit)]
        return [*here, *self._inner.find(needle, limit)][:limit]

    def erase(
        self, marks: Marks, needle: bytes | None = None, only: Collection[str] | None = None, *, dry: bool = False
    ) -> Erased:
        """See `queue.base.Reader.erase`. What waits here is refused as erased when it is worked on."""
        return self._inner.erase(marks, needle, only, dry=dry)

    def retain(self, groups: Mapping[str, Sequence[str]], keep_ms: Mapping[str, int], now_ms: int) -> int:
        return self._inner.retain(groups, keep_ms, now_ms)

    def close(self) -> None:
        for spill in self._spills.values():
            spill.close()
        self._inner.close()

    def _waiting(self) -> list[Lag]:
        self._open()
        return [
            Lag(row.group, row.topic, f"spill/{folder.name}", row.events, row.oldest_ms)
            for folder, spill in sorted(self._spills.items())
            for row in spill.lag({GROUP: topics_of(spill)})
        ]

    def _open(self) -> list[SqliteReader]:
        for folder in sorted(self._root.glob("collector-*")):
            if folder not in self._spills:
                self._spills[folder] = open_spill(folder)
        return [self._spills[folder] for folder in sorted(self._spills)]
