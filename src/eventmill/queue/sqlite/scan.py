"""Reading one shard in order, past damage: what cannot be read is reported as lost, never skipped in silence."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import apsw

from eventmill.clock import MINUTE_MS
from eventmill.queue.base import Entry, Lost
from eventmill.queue.sqlite import files
from eventmill.queue.sqlite.positions import Sealed
from eventmill.queue.sqlite.writer import unsigned

_COLUMNS = "seq, topic, received, count, high, low, crc, heads, body"
_LEAST_ROW = 50
"""Bytes that an entry takes at least: with its size, a file bounds the seqs that it can hold."""


class _Unsound(Exception):
    """A row is there and is not what was written."""


_DAMAGE = (*files.DAMAGE, _Unsound)


@dataclass(slots=True)
class Read:
    """Entries found, `last` the seq behind which to go on, and what was lost on the way."""

    last: int
    entries: list[Entry] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)


class SealedFiles(Protocol):
    """The files that ended, with those that retention has deleted where asked for."""

    def __call__(self, *, deleted: bool = False) -> list[Sealed]: ...


Totals = Callable[[str, files.ShardFile], list[tuple[str, int, int]]]
"""(topic, minute, events) that a file of a shard held in all, as far as known."""


class ShardScan:
    """One shard's files, the one being read kept open."""

    def __init__(self, folder: Path, sealed: SealedFiles, totals: Totals) -> None:
        self._folder, self._sealed, self._totals = folder, sealed, totals
        self._open: dict[Path, apsw.Connection] = {}

    def read(self, after: int, topics: Sequence[str], limit: int, max_bytes: int) -> Read:
        """Entries of the topics behind `after`: at least one where there is one, then up to the bounds."""
        result = Read(after)
        known = self._known()
        for place, (file, sealed) in enumerate(known):
            successor = known[place + 1][0] if place + 1 < len(known) else None
            following = successor.first if successor else None
            if following is not None and following <= result.last + 1:
                continue
            if sealed is not None:
                self._deleted(file, sealed, topics, result)
                continue
            before = len(result.entries)
            done = self._read_file(file, following, topics, limit, max_bytes, result)
            voids = files.voids(successor) if successor else set()
            if voids:
                result.entries[before:] = [e for e in result.entries[before:] if e.seq not in voids]
            if not done:
                break
            if successor is not None:
                self._gap(successor, voids, topics, result)
        return result

    def _known(self) -> list[tuple[files.ShardFile, Sealed | None]]:
        """The shard's files in order; with its totals where one ended, was not deleted by retention, and is gone."""
        known: dict[int, tuple[files.ShardFile, Sealed | None]] = {
            file.first: (file, None) for file in files.shard_files(self._folder)
        }
        for sealed in self._sealed():
            if sealed.shard == self._folder.name and sealed.first not in known:
                path = self._folder / files.file_name(sealed.first)
                known[sealed.first] = files.ShardFile(path, sealed.first), sealed
        return [known[first] for first in sorted(known)]

    def _deleted(self, file: files.ShardFile, sealed: Sealed, topics: Sequence[str], result: Read) -> None:
        if sealed.last > result.last:
            counts = [row for row in self._totals(sealed.shard, file) if row[0] in topics]
            if counts:
                first = max(sealed.first, result.last + 1)
                result.lost.append(Lost(sealed.shard, first, sealed.last, counts, "file deleted"))
            result.last = sealed.last

    def _gap(self, successor: files.ShardFile, voids: set[int], topics: Sequence[str], result: Read) -> None:
        """Seqs between two files that are neither void nor of a file that retention deleted: a file has gone that
        nobody had counted."""
        first, last = result.last + 1, successor.first - 1
        if first <= last and len(voids) <= last - first:
            shard = self._folder.name
            deleted = any(s.shard == shard and first <= s.first <= last for s in self._sealed(deleted=True))
            if not deleted:
                counts = [(topic, _changed_minute(successor), 0) for topic in topics]
                result.lost.append(Lost(shard, first, last, counts, "file missing"))
        result.last = max(result.last, last)

    def passed(self, after: int, until: int) -> bool:
        """Whether a file ends between these two positions."""
        return any(after + 1 <= file.first <= until + 1 for file in files.shard_files(self._folder))

    def _read_file(
        self,
        file: files.ShardFile,
        following: int | None,
        topics: Sequence[str],
        limit: int,
        max_bytes: int,
        result: Read,
    ) -> bool:
        """Whether the file was read to its end."""
        marks = ",".join("?" * len(topics))
        sql = f"SELECT {_COLUMNS} FROM entry WHERE seq > ? AND topic IN ({marks}) ORDER BY seq"  # noqa: S608
        events = sum(entry.count for entry in result.entries)
        size = sum(len(entry.body) for entry in result.entries)
        start, before = result.last, len(result.entries)
        try:
            db = self._connection(file)
            with db:
                (last,) = db.execute("SELECT ifnull(max(seq), 0) FROM entry").fetchone()  # type: ignore[misc]
                for row in db.execute(sql, (start, *topics)):
                    entry = _entry(self._folder.name, row)
                    if entry is None:
                        raise _Unsound("checksum")
                    result.entries.append(entry)
                    events, size = events + entry.count, size + len(entry.body)
                    result.last = row[0]
                    if events >= limit or size >= max_bytes:
                        break
                else:
                    result.last = max(result.last, last)
                _check_whole(db, max(start, file.first - 1), result.last)
            return events < limit and size < max_bytes
        except _DAMAGE as error:
            self.forget(file)
            del result.entries[before:]
            result.last = start
            self._salvage(file, following, topics, result, str(error))
            return following is not None

    def _salvage(
        self, file: files.ShardFile, following: int | None, topics: Sequence[str], result: Read, why: str
    ) -> None:
        """Reads a damaged file row by row; what its totals hold beyond the sound rows becomes one `Lost`."""
        shard = self._folder.name
        first = max(result.last + 1, file.first)
        sealed = next((s for s in self._sealed() if s.shard == shard and s.first == file.first), None)
        sound, bound = sound_entries(file, shard, sealed.last if sealed else None)
        end = sealed.last if sealed else following - 1 if following is not None else bound
        if end < first:
            return  # the file is still its collector's, and nothing of it can be read: it is judged when it has ended
        sound |= {entry.seq: entry for entry in result.entries if entry.seq >= file.first}
        totals = self._totals(shard, file)
        missing = Counter({(topic, minute): n for topic, minute, n in totals if topic in topics})
        for entry in sound.values():
            missing[entry.topic, entry.received // MINUTE_MS] -= entry.count
        counts = [(topic, minute, n) for (topic, minute), n in sorted(missing.items()) if n > 0]
        if not totals:
            counts = [(topic, _changed_minute(file), 0) for topic in topics]
        if counts:
            result.lost.append(Lost(shard, first, end, counts, f"damaged: {why}"))
        result.entries.extend(sound[seq] for seq in sorted(sound) if seq >= first and sound[seq].topic in topics)
        result.last = max(result.last, end)

    def before(self, since_ms: int) -> int:
        """The seq before the first entry received at or after `since_ms`."""
        previous = 0
        for file in files.shard_files(self._folder):
            try:
                db = self._connection(file)
                row = db.execute("SELECT min(seq) FROM entry WHERE received >= ?", (since_ms,)).fetchone()
                if row is not None and row[0] is not None:
                    return int(row[0]) - 1
                row = db.execute("SELECT max(seq) FROM entry").fetchone()
                previous = int(row[0]) if row and row[0] is not None else previous
            except _DAMAGE:
                self.forget(file)
        return previous

    def unread(self, after: int, topics: Sequence[str]) -> list[tuple[str, int, int]]:
        """(topic, events, received of the oldest in ms) behind `after`."""
        found: dict[str, tuple[int, int]] = {}
        marks = ",".join("?" * len(topics))
        sql = f"SELECT topic, sum(count), min(received) FROM entry WHERE seq > ? AND topic IN ({marks}) GROUP BY topic"  # noqa: S608
        known = files.shard_files(self._folder)
        for place, file in enumerate(known):
            if place + 1 < len(known) and known[place + 1].first <= after + 1:
                continue
            try:
                for topic, events, oldest in self._connection(file).execute(sql, (after, *topics)):
                    had = found.get(topic, (0, oldest))
                    found[topic] = (had[0] + events, min(had[1], oldest))
            except _DAMAGE:
                self.forget(file)
        return [(topic, events, oldest) for topic, (events, oldest) in found.items()]

    def forget(self, file: files.ShardFile) -> None:
        """Closes the file, where open."""
        if db := self._open.pop(file.path, None):
            db.close(True)

    def close(self) -> None:
        for db in self._open.values():
            db.close(True)
        self._open.clear()

    def _connection(self, file: files.ShardFile) -> apsw.Connection:
        if file.path not in self._open:
            if len(self._open) >= 3:
                self.forget(files.ShardFile(next(iter(self._open)), 0))
            self._open[file.path] = files.open_reader(file.path)
        return self._open[file.path]


def _check_whole(db: apsw.Connection, after: int, last: int) -> None:
    """Raises where a row of these is not there, or has a topic that the file does not count: wrong bytes can take a
    row out of sight and leave the rest in good order. The seqs of a file have no gaps."""
    sql = (
        "SELECT count(*), count(*) FILTER (WHERE topic NOT IN (SELECT topic FROM received)) FROM entry "
        "WHERE seq > ? AND seq <= ?"
    )
    rows, strays = db.execute(sql, (after, last)).fetchone()  # type: ignore[misc]
    if rows != max(0, last - after):
        raise _Unsound("rows are missing")
    if strays:
        raise _Unsound("a topic that was never written")


def _entry(shard: str, row: Any) -> Entry | None:
    *fixed, crc, heads, body = row
    if not isinstance(heads, bytes) or not isinstance(body, bytes):
        return None
    if files.checksum(tuple(fixed), heads, body) != crc:
        return None
    seq, topic, received, count, high, low = fixed
    return Entry(shard, seq, topic, received, unsigned(high), unsigned(low), count, heads, body)


def _changed_minute(file: files.ShardFile) -> int:
    """About when the newest event of a file was received."""
    return int(file.path.stat().st_mtime // 60) if file.path.exists() else 0


def sound_entries(file: files.ShardFile, shard: str, last: int | None) -> tuple[dict[int, Entry], int]:
    """Entries of a damaged file that are as they were written, by seq, and the greatest seq that it may hold."""
    found: dict[int, Entry] = {}
    bound = last or 0
    try:
        db = files.open_reader(file.path)
    except (*_DAMAGE, files.NewerFormat):
        return found, bound
    try:
        if last is None:
            with suppress(*_DAMAGE):
                row = db.execute("SELECT max(seq) FROM entry").fetchone()
                bound = int(row[0]) if row and row[0] is not None else 0
        # A wrong byte can make a seq of any size. Seqs of one file follow each other without gaps.
        bound = min(bound, file.first + files.bytes_on_disk(file) // _LEAST_ROW)
        for seq in range(file.first, bound + 1):
            with suppress(*_DAMAGE):
                row = db.execute(f"SELECT {_COLUMNS} FROM entry WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
                if row is not None and (entry := _entry(shard, row)) is not None:
                    found[seq] = entry
    finally:
        db.close(True)
    return found, bound


def read_file(file: files.ShardFile, shard: str, where: str, params: Sequence[Any], limit: int) -> list[Entry]:
    """Entries of one file that match, for a look rather than for work: damage reads as nothing."""
    try:
        db = files.open_reader(file.path)
    except _DAMAGE:
        return []
    try:
        rows = db.execute(f"SELECT {_COLUMNS} FROM entry WHERE {where} LIMIT ?", (*params, limit)).fetchall()  # noqa: S608
    except _DAMAGE:
        return []
    finally:
        db.close(True)
    return [entry for row in rows if (entry := _entry(shard, row)) is not None]
