"""Erasing from the queue's files: lines are replaced where they stand, so that every count, receipt and place stays.

Of the ways to do it this one breaks nothing: an entry keeps its seq, its number of lines and its heads, and gets the
checksum of what it now holds. These are synced transactions of SQLite; then the file is written anew from its rows
(`VACUUM`), since pages keep what stood on them, and the log is moved into the file and cut. A file that a collector
still writes is its own: it is asked to begin another (`roll`), and comes later. A file that is damaged is left as it
is and said.
"""

import fcntl
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from eventmill.erasure import Marks
from eventmill.queue.base import Erased
from eventmill.queue.sqlite import files
from eventmill.queue.sqlite.writer import ROLL

_TOGETHER = 50
_UNCLEAN = files.APPLICATION_ID ^ 1
"""Marks a file in which lines were replaced, until the pages that they stood on are written anew."""
_COLUMNS = "seq, topic, received, count, high, low, crc, heads, body"


def erase(root: Path, marks: Marks, needle: bytes | None, only: Collection[str] | None, *, dry: bool) -> Erased:
    """See `queue.base.Reader.erase`."""
    events, left = 0, list[str]()
    for shard in files.shards(root):
        known = files.shard_files(root / shard)
        first = _first(shard, only)
        for place, file in enumerate(known):
            if file.first < first:
                continue
            if place + 1 < len(known) or dry:
                found, done = _erase_file(file, marks, needle, dry=dry)
            else:
                found, done = _newest(root / shard, file, marks, needle)
            events += found
            if not done:
                left.append(f"{shard}/{file.first}")
    return Erased(events, left)


def _first(shard: str, only: Collection[str] | None) -> int:
    """The first file to look at: after one that was left there may be younger ones with events of the same time."""
    if only is None:
        return 0
    mine = [int(name.partition("/")[2]) for name in only if name.partition("/")[0] == shard]
    return min(mine) if mine else 1 << 62


def _newest(folder: Path, file: files.ShardFile, marks: Marks, needle: bytes | None) -> tuple[int, bool]:
    """The file that a collector may be writing: only where there is none, held off by the shard's lock."""
    if not _holds(file, marks):
        return 0, True
    with _owned(folder) as ours:
        if ours and not (folder / "poisoned").exists():
            return _erase_file(file, marks, needle, dry=False)
    (folder / ROLL).touch()
    return 0, False


def _holds(file: files.ShardFile, marks: Marks) -> bool:
    """Whether the file has anything received in the marks' time, or cannot say."""
    try:
        db = files.open_reader(file.path)
    except (*files.DAMAGE, files.NewerFormat):
        return True
    try:
        row = db.execute("SELECT 1 FROM entry WHERE received <= ? LIMIT 1", (marks.until,)).fetchone()
        # Empty, it may get what its collector has received already and not written yet.
        return row is not None or db.execute("SELECT 1 FROM entry LIMIT 1").fetchone() is None
    except files.DAMAGE:
        return True
    finally:
        db.close(True)


@contextmanager
def _owned(folder: Path) -> Iterator[bool]:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _erase_file(file: files.ShardFile, marks: Marks, needle: bytes | None, *, dry: bool) -> tuple[int, bool]:
    """(events erased, whether nothing of them is left in the file)."""
    try:
        db = files.open_reader(file.path) if dry else files.open_writer(file.path)
    except (*files.DAMAGE, files.NewerFormat):
        return 0, not file.path.exists()  # gone: retention was faster
    try:
        where, params = "received <= ?", [marks.until]
        if needle is not None:
            where += (
                " AND (instr(body, ?) OR instr(heads, ?) OR (instr(body, ?) AND (instr(body, ?) OR instr(body, ?))))"
            )
            params += [needle, needle, b'"_raw":', b"\\", b"%"]  # type: ignore[list-item]
        seqs = [row[0] for row in db.execute(f"SELECT seq FROM entry WHERE {where} ORDER BY seq", params)]  # noqa: S608
        events, sound = 0, True
        for at in range(0, len(seqs), _TOGETHER):
            rows, good = _replaced(db, seqs[at : at + _TOGETHER], marks)
            sound = sound and good
            events += sum(erased for _, erased in rows)
            if rows and not dry:
                with db:
                    db.execute(f"PRAGMA application_id={_UNCLEAN}")
                    db.executemany(
                        "UPDATE entry SET crc = ?, heads = ?, body = ? WHERE seq = ?", [row for row, _ in rows]
                    )
        if not dry:
            _clean(db)
        return events, sound and (dry or _settle(db))
    except files.DAMAGE:
        return 0, False
    finally:
        db.close(True)


def _replaced(db: apsw.Connection, seqs: Sequence[int], marks: Marks) -> tuple[list[tuple[Any, int]], bool]:
    """((checksum, heads, body, seq), events erased) of the entries that change; False where one is damaged."""
    changed, sound = [], True
    for seq in seqs:
        row = db.execute(f"SELECT {_COLUMNS} FROM entry WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
        if row is None:
            continue
        *fixed, crc, heads, body = row
        place: Any = tuple(fixed)
        if not isinstance(heads, bytes) or not isinstance(body, bytes) or files.checksum(place, heads, body) != crc:
            sound = False
            continue
        found = marks.in_entry(heads, body, place[2])
        if found is not None:
            new_heads, new_body, erased = found
            changed.append(((files.checksum(place, new_heads, new_body), new_heads, new_body, seq), erased))
    return changed, sound


def _clean(db: apsw.Connection) -> None:
    """Pages keep, in their unused parts, what once stood there: the file is written anew from its rows. A stop
    before that is seen by the file's mark."""
    if db.execute("PRAGMA application_id").fetchone() == (_UNCLEAN,):
        db.execute("PRAGMA temp_store=FILE; VACUUM").fetchall()
        db.execute(f"PRAGMA application_id={files.APPLICATION_ID}").fetchall()


def _settle(db: apsw.Connection) -> bool:
    """Moves the log into the file and cuts it; False where a reader holds it at the moment."""
    row = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return row is not None and not row[0]
