"""The consumers' side of the embedded queue."""

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import apsw

from eventmill.clock import MINUTE_MS, Clock, system_clock
from eventmill.erasure import Marks
from eventmill.queue.base import EVERYTHING, Delivery, Entry, Erased, Lag, Lost, Position, QueueUnavailable, Received
from eventmill.queue.sqlite import erase, files
from eventmill.queue.sqlite.positions import Positions, Sealed
from eventmill.queue.sqlite.scan import ShardScan, read_file
from eventmill.queue.sqlite.totals import file_received, read_received, seal_ended

_READ_BYTES = 64_000_000
_FIND_S = 5.0


class SqliteReader:
    """Reads every shard under a folder. Thread-safe: calls take turns."""

    capabilities = EVERYTHING
    counts_received = True

    def __init__(self, root: Path, positions: Path, *, quota: int = 20_000_000_000, clock: Clock = system_clock):
        self._root, self._quota, self._clock = root, quota, clock
        self._positions = Positions(positions)
        self._turn = threading.RLock()
        self._cursors: dict[str, dict[str, int]] = {}
        self._scans: dict[str, ShardScan] = {}

    def read(self, group: str, topics: Sequence[str], limit: int) -> Delivery | None:
        """See `queue.base.Reader.read`."""
        with self._turn:
            cursors = self._cursor(group)
            entries: list[Entry] = []
            lost: list[Lost] = []
            moved: dict[str, int] = {}
            names = files.shards(self._root)
            share = max(1, limit // max(1, len(names)))
            for shard in names:
                start = cursors.get(shard, 0)
                got = self._scan(shard).read(start, topics, share, _READ_BYTES // max(1, len(names)))
                if got.last > start:
                    moved[shard] = got.last
                entries.extend(got.entries)
                lost.extend(got.lost)
            cursors.update(moved)
            if not entries and not lost:
                return None
            return Delivery(group, entries, dict(cursors), lost)

    def commit(self, delivery: Delivery, batch: int) -> None:
        """See `queue.base.Reader.commit`: one fsynced transaction for all shards and the batch number."""
        try:
            with self._turn:
                self._commit(delivery, batch)
        except apsw.Error as error:
            raise QueueUnavailable(f"positions cannot be written: {error}") from error

    def _commit(self, delivery: Delivery, batch: int) -> None:
        before = self._positions.get(delivery.group).seqs
        # Totals first: once a file is passed, somebody may delete it.
        if any(self._scan(shard).passed(before.get(shard, 0), seq) for shard, seq in delivery.positions.items()):
            seal_ended(self._root, self._positions)
        self._positions.put(delivery.group, delivery.positions, batch)

    def rewind(self, group: str) -> None:
        """See `queue.base.Reader.rewind`."""
        with self._turn:
            self._cursors.pop(group, None)

    def position(self, group: str) -> Position:
        """See `queue.base.Reader.position`."""
        with self._turn:
            return self._positions.get(group)

    def seek(self, group: str, since_ms: int) -> None:
        """See `queue.base.Reader.seek`."""
        with self._turn:
            minute = since_ms // MINUTE_MS
            target = {shard: self._scan(shard).before(minute * MINUTE_MS) for shard in files.shards(self._root)}
            self._positions.seek(group, target, minute)
            self._cursors.pop(group, None)

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        """See `queue.base.Reader.lag`."""
        with self._turn:
            now, rows = self._clock(), []
            for group, topics in groups.items():
                seqs = self._positions.get(group).seqs
                for shard in files.shards(self._root):
                    for topic, events, oldest in self._scan(shard).unread(seqs.get(shard, 0), topics):
                        rows.append(Lag(group, topic, shard, events, max(0, now - oldest)))
            return rows

    def received(self, since_minute: int = 0, until_minute: int = 1 << 40) -> list[Received]:
        """See `queue.base.Reader.received`."""
        with self._turn:
            return read_received(self._root, self._positions, since_minute, until_minute)

    def find(self, needle: bytes, limit: int) -> Iterable[Entry]:
        """See `queue.base.Reader.find`."""
        return list(self._find(needle, limit))

    def _find(self, needle: bytes, limit: int) -> Iterator[Entry]:
        """Newest files first, each through a connection of its own, so that a long search holds nobody up; it
        ends after some seconds, since a queue may keep weeks."""
        known = [(file, shard) for shard in files.shards(self._root) for file in files.shard_files(self._root / shard)]
        known.sort(key=lambda pair: pair[0].path.stat().st_mtime_ns if pair[0].path.exists() else 0, reverse=True)
        end = time.monotonic() + _FIND_S
        where = "instr(body, ?) > 0 OR instr(heads, ?) > 0 ORDER BY seq DESC"
        for file, shard in known:
            found = read_file(file, shard, where, (needle, needle), limit)
            limit -= len(found)
            yield from found
            if limit <= 0 or time.monotonic() > end:
                return

    def erase(
        self, marks: Marks, needle: bytes | None = None, only: Collection[str] | None = None, *, dry: bool = False
    ) -> Erased:
        """See `queue.base.Reader.erase`: through connections of its own, so that reading goes on."""
        try:
            return erase.erase(self._root, marks, needle, only, dry=dry)
        except apsw.Error as error:
            raise QueueUnavailable(f"queue files cannot be written: {error}") from error

    def retain(self, groups: Mapping[str, Sequence[str]], keep_ms: Mapping[str, int], now_ms: int) -> int:
        """See `queue.base.Reader.retain`; a queue over its quota also loses its oldest read files."""
        with self._turn:
            seal_ended(self._root, self._positions)
            readers = {*groups, *self._positions.groups()}
            seqs = {group: self._positions.get(group).seqs for group in readers}
            keep = max(keep_ms.values(), default=0)
            sizes = {
                (shard, file.first): (file, files.bytes_on_disk(file))
                for shard in files.shards(self._root)
                for file in files.shard_files(self._root / shard)
            }
            total, freed = sum(size for _, size in sizes.values()), 0
            for gone in self._positions.sealed(deleted=True, kept=False):
                if (gone.shard, gone.first) in sizes:  # a stop came between the note and the deletion
                    self._delete(gone, sizes[gone.shard, gone.first][0])
            for sealed in sorted(self._positions.sealed(), key=lambda s: s.newest):
                file, size = sizes.get((sealed.shard, sealed.first), (None, 0))
                if file is None or not all(s.get(sealed.shard, 0) >= sealed.last for s in seqs.values()):
                    continue
                if now_ms - sealed.newest > keep or total - freed > self._quota * 0.9:
                    self._delete(sealed, file)
                    freed += size
            return freed

    def _delete(self, sealed: Sealed, file: files.ShardFile) -> None:
        self._positions.mark_deleted(sealed)
        self._scan(sealed.shard).forget(file)
        for suffix in ("-wal", "-shm", ""):
            Path(f"{file.path}{suffix}").unlink(missing_ok=True)
        files.sync_directory(file.path.parent)

    def close(self) -> None:
        """See `queue.base.Reader.close`."""
        with self._turn:
            for scan in self._scans.values():
                scan.close()
            self._scans.clear()
            self._positions.close()

    def _totals(self, shard: str, file: files.ShardFile) -> list[tuple[str, int, int]]:
        return self._positions.sealed_totals(shard, file.first) or file_received(file, None)

    def _cursor(self, group: str) -> dict[str, int]:
        if group not in self._cursors:
            self._cursors[group] = dict(self._positions.get(group).seqs)
        return self._cursors[group]

    def _scan(self, shard: str) -> ShardScan:
        if shard not in self._scans:
            self._scans[shard] = ShardScan(self._root / shard, self._positions.sealed, self._totals)
        return self._scans[shard]
