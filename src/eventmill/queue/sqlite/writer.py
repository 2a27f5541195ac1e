"""The door's side of the embedded queue: one transaction, one fsync, for everything that arrived meanwhile."""

import fcntl
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import apsw

from eventmill.clock import MINUTE_MS, Clock, system_clock
from eventmill.queue.base import Draft, QueueError, QueueFull, QueueUnavailable
from eventmill.queue.sqlite import files

_INSERT = "INSERT INTO entry(seq, topic, received, count, high, low, crc, heads, body) VALUES(?,?,?,?,?,?,?,?,?)"
_COUNT = (
    "INSERT INTO received(topic, minute, count) VALUES(?,?,?) "
    "ON CONFLICT(topic, minute) DO UPDATE SET count = count + excluded.count"
)
_SPACE_CHECK_S = 1.0
ROLL = "roll"
"""A file of this name in the shard's folder asks for a new queue file: see `erase`."""


class SqliteWriter:
    """Owns one shard, held by a lock on its folder. `fsync` means: SQLite's log, synced at each commit."""

    def __init__(
        self,
        root: Path,
        *,
        file_size: int = 256_000_000,
        file_age_ms: int = 86_400_000,
        quota: int = 20_000_000_000,
        reserve: int = 256_000_000,
        slot: int | None = None,
        durability: str = "fsync",
        wait_s: float = 10.0,
        clock: Clock = system_clock,
    ) -> None:
        """Takes the first free slot (or waits `wait_s` seconds for the one named) and recovers its last file.

        `durability` is `fsync`, or `relaxed`: then a kill loses nothing, and a power cut may.

        Raises QueueError where no slot is free, and apsw's or OS errors where the folder cannot be written.
        """
        self._root, self.durability = root, durability
        self._file_size, self._file_age, self._quota, self._reserve = file_size, file_age_ms, quota, reserve
        self._clock = clock
        self._folder, self._lock = _claim(root, slot, wait_s)
        self._db: apsw.Connection | None = None
        self._void: list[int] = []
        self._abandoned: list[apsw.Connection] = []
        self._fresh = False
        self._written = 0
        self._opened = clock()
        self._space_checked = 0.0
        self._asked_to_roll = False
        self._space_reason: str | None = None
        self._failure: str | None = None
        self._next = self._recover()
        self._relax()

    @property
    def shard(self) -> str:
        return self._folder.name

    def append(self, drafts: Sequence[Draft]) -> None:
        """See `queue.base.Writer.append`: one transaction for all drafts, its commit is fsynced."""
        if not drafts:
            return
        if reason := self._no_space():
            raise QueueFull(reason)
        first = self._next
        self._roll_where_asked()
        try:
            db = self._writable()
        except apsw.FullError as error:
            raise QueueFull(self._full()) from error
        except (apsw.Error, OSError) as error:
            # Nothing was written, so no seq is spent: a disk may refuse for days.
            self._failure = f"the queue's disk failed: {error}"
            raise QueueUnavailable(f"{self._folder}: {error}") from error
        try:
            self._write(db, drafts)
        except apsw.FullError as error:
            # SQLite rolled the transaction back: the file is as it was.
            raise QueueFull(self._full()) from error
        except (apsw.Error, OSError) as error:
            self._next = first + len(drafts)
            self._void.extend(range(first, self._next))
            self._abandon()
            self._failure = f"the queue's disk failed: {error}"
            raise QueueUnavailable(f"{self._folder}: {error}") from error
        self._failure = None
        self._fresh = False
        self._next = first + len(drafts)
        if self._written >= self._file_size or self._clock() - self._opened >= self._file_age:
            self._roll()

    def check(self) -> str | None:
        """See `queue.base.Writer.check`."""
        return self._no_space() or self._failure

    def close(self) -> None:
        """Moves the log into the file and frees the slot."""
        if self._db is not None:
            with suppress(apsw.Error):  # else the log stays beside the file and is recovered at the next start
                files.seal(self._db)
            self._db = None
        self._close_abandoned()
        os.close(self._lock)

    def _write(self, db: apsw.Connection, drafts: Sequence[Draft]) -> None:
        rows, counts = [], Counter[tuple[str, int]]()
        for place, draft in enumerate(drafts):
            high, low = signed(draft.receipt_high), signed(draft.receipt_low)
            fixed = (self._next + place, draft.topic, draft.received, draft.count, high, low)
            rows.append((*fixed, files.checksum(fixed, draft.heads, draft.body), draft.heads, draft.body))
            counts[draft.topic, draft.received // MINUTE_MS] += draft.count
            self._written += len(draft.body) + len(draft.heads) + 100
        db.execute("BEGIN IMMEDIATE")
        try:
            if self._void:
                db.executemany("INSERT OR IGNORE INTO void(seq) VALUES(?)", [(seq,) for seq in self._void])
            db.executemany(_INSERT, rows)
            db.executemany(_COUNT, [(topic, minute, n) for (topic, minute), n in counts.items()])
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        if self._void:
            self._void.clear()
            self._close_abandoned()
            self._poisoned.unlink(missing_ok=True)

    @property
    def _poisoned(self) -> Path:
        """Marks the newest file as one whose fsync failed, and names the seqs that no next file has voided yet."""
        return self._folder / "poisoned"

    def _writable(self) -> apsw.Connection:
        if self._db is None:
            path = self._folder / files.file_name(self._next)
            self._db = files.create(path)
            self._written, self._opened, self._fresh = 0, self._clock(), True
            self._relax()
        return self._db

    def _relax(self) -> None:
        if self._db is not None and self.durability == "relaxed":
            self._db.execute("PRAGMA synchronous=OFF").fetchall()

    def _recover(self) -> int:
        """Opens the newest file; where it is damaged it is left for the reader and a new one begins."""
        known = files.shard_files(self._folder)
        if not known:
            return 1
        newest = known[-1]
        if self._poisoned.exists():
            return self._after_poisoned(newest)
        try:
            db = files.open_writer(newest.path)
            (last,) = db.execute("SELECT ifnull(max(seq), 0) FROM entry").fetchone()  # type: ignore[misc]
            (oldest,) = db.execute("SELECT min(received) FROM entry").fetchone()  # type: ignore[misc]
        except files.NewerFormat:
            raise
        except apsw.Error:
            # Bounds are unknown, so leave room: no seq of the damaged file may be given again.
            return newest.first + 1_000_000_000
        self._db, self._written = db, files.bytes_on_disk(newest)
        self._opened = min(self._clock(), oldest or self._clock())
        return max(int(last) + 1, newest.first)

    def _after_poisoned(self, newest: files.ShardFile) -> int:
        """A stop came between a failed fsync and the next file. What the kernel no longer holds as unwritten may
        still be missing on the disk, so the file is not written to again."""
        try:
            self._void = [int(seq) for seq in json.loads(self._poisoned.read_text(encoding="ascii"))]
        except (OSError, ValueError):
            self._void = []  # cut short: then the refused events are merely stored
        try:
            db = files.open_reader(newest.path)
            (last,) = db.execute("SELECT ifnull(max(seq), 0) FROM entry").fetchone()  # type: ignore[misc]
            db.close(True)
        except apsw.Error:
            return newest.first + 1_000_000_000
        return max([int(last), newest.first, *self._void]) + 1

    def _roll_where_asked(self) -> None:
        """An erasure waits for this file to end. A file that holds nothing stays: the next would have its name."""
        if not self._asked_to_roll:
            return
        self._asked_to_roll = False
        if self._db is not None and Path(self._db.filename).name != files.file_name(self._next):
            self._roll()
        with suppress(OSError):
            (self._folder / ROLL).unlink(missing_ok=True)

    def _roll(self) -> None:
        """Ends the file; the next append begins another. A failing checkpoint leaves the log, which is as good."""
        db, self._db = self._db, None
        if db is not None:
            try:
                files.seal(db)
            except apsw.Error as error:
                self._failure = f"could not end a queue file: {error}"

    def _abandon(self) -> None:
        """Leaves a failed file as it is. It stays open until the next file says that the seqs of the failed
        append are void: closed before, a reader's recovery could bring the refused events back. A file in which
        nothing was ever committed is removed: the next one has to follow the file that its voids are about."""
        if self._db is not None:
            if self._fresh:
                path = Path(self._db.filename)
                with suppress(apsw.Error, OSError):
                    files.abandon(self._db)
                    for suffix in ("-wal", "-shm", ""):
                        Path(f"{path}{suffix}").unlink(missing_ok=True)
            else:
                self._abandoned.append(self._db)
            self._db = None
        with suppress(OSError):  # unsynced: it has to outlive this process, not the kernel that knows the failure
            self._poisoned.write_text(json.dumps(self._void), encoding="ascii")

    def _close_abandoned(self) -> None:
        while self._abandoned:
            try:
                files.abandon(self._abandoned.pop())
            except apsw.Error as error:
                self._failure = str(error)

    def _full(self) -> str:
        self._failure = "the disk is full"
        return "the disk is full: free some space, or lower queue.quota"

    def _no_space(self) -> str | None:
        now = time.monotonic()
        if now - self._space_checked >= _SPACE_CHECK_S:
            self._space_checked = now
            self._space_reason = _space_reason(self._root, self._quota, self._reserve)
            self._asked_to_roll = (self._folder / ROLL).exists()
        return self._space_reason


def _space_reason(root: Path, quota: int, reserve: int) -> str | None:
    try:
        disk = os.statvfs(root)
    except OSError as error:
        return f"{root}: {error}"
    if disk.f_flag & os.ST_RDONLY:
        return "the disk is mounted read-only: mount it for writing"
    if disk.f_bavail * disk.f_frsize < reserve:
        return "the disk is nearly full (queue.reserve): free some space"
    used = sum(files.bytes_on_disk(f) for shard in files.shards(root) for f in files.shard_files(root / shard))
    if used > quota:
        return "the queue is full (queue.quota): the worker lags, or the quota is too small"
    return None


def _claim(root: Path, slot: int | None, wait_s: float) -> tuple[Path, int]:
    root.mkdir(parents=True, exist_ok=True)
    for above in (root.parent, root.parent.parent):
        files.sync_directory(above)
    deadline = time.monotonic() + wait_s
    while True:
        for number in range(256) if slot is None else (slot,):
            folder = root / f"shard-{number:03d}"
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                files.sync_directory(root)
            descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return folder, descriptor
            except BlockingIOError:
                os.close(descriptor)
        if slot is None or time.monotonic() > deadline:
            raise QueueError(f"{root}: no free slot; another collector holds it (see `eventmill status`)")
        time.sleep(0.05)


def signed(number: int) -> int:
    """A 64-bit unsigned number as SQLite's signed one."""
    return number - (1 << 64) if number >= 1 << 63 else number


def unsigned(number: int) -> int:
    """The inverse of `signed`."""
    return number + (1 << 64) if number < 0 else number
