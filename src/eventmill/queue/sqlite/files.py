"""The files of a shard: their names, their schema, how one is opened.

A shard is a folder `shard-NNN`; its files are named by the first `seq` that they may hold, so that their order
and the bounds of each are known without opening one.
"""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import apsw

from eventmill.queue.base import QueueRefused

SCHEMA = """
CREATE TABLE entry(
    seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, received INTEGER NOT NULL, count INTEGER NOT NULL,
    high INTEGER NOT NULL, low INTEGER NOT NULL, crc INTEGER NOT NULL, heads BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE received(
    topic TEXT NOT NULL, minute INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY(topic, minute)) WITHOUT ROWID;
CREATE TABLE void(seq INTEGER PRIMARY KEY);
"""
APPLICATION_ID = 0x65766D71  # "evmq"
FORMAT = 1


DAMAGE = (
    apsw.CorruptError, apsw.NotADBError, apsw.IOError, apsw.SQLError, apsw.CantOpenError, apsw.FormatError,
    UnicodeDecodeError,
)  # fmt: skip
"""What reading a damaged file raises: SQLite's own findings, and text that is none."""


class NewerFormat(QueueRefused):
    """The file was written by a newer eventmill; its bytes are left alone."""


@dataclass(slots=True, frozen=True)
class ShardFile:
    """A queue file: `first` is the least seq that it may hold."""

    path: Path
    first: int


def shards(root: Path) -> list[str]:
    """The names of the shards under a queue's folder, in order."""
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if entry.name.startswith("shard-") and entry.is_dir())


def shard_files(folder: Path) -> list[ShardFile]:
    """A shard's files, oldest first."""
    entries = folder.iterdir() if folder.is_dir() else ()
    found = (ShardFile(e, int(e.stem)) for e in entries if e.suffix == ".db" and e.stem.isdigit())
    return sorted(found, key=lambda file: file.first)


def file_name(first: int) -> str:
    return f"{first:020d}.db"


def checksum(place: tuple[int, str, int, int, int, int], heads: bytes, body: bytes) -> int:
    """CRC-32 of an entry; `place` is its (seq, topic, received, count, high, low) as stored."""
    return zlib.crc32(body, zlib.crc32(heads, zlib.crc32(repr(place).encode())))


def sync_directory(folder: Path) -> None:
    """Makes names in the folder durable: without it a new file can vanish in a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def bytes_on_disk(file: ShardFile) -> int:
    """Bytes of the file and of its write-ahead log."""
    total = 0
    for suffix in ("", "-wal", "-shm"):
        try:
            total += Path(f"{file.path}{suffix}").stat().st_size
        except FileNotFoundError:
            continue
    return total


def create(path: Path) -> apsw.Connection:
    """A new empty file, durable on return, open for writing. A crash leaves no half-made file behind."""
    building = path.with_suffix(".new")
    building.unlink(missing_ok=True)
    db = apsw.Connection(str(building), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    try:
        db.execute(f"PRAGMA synchronous=FULL; PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT}")
        with db:
            db.execute(SCHEMA)
    finally:
        db.close(True)
    building.rename(path)
    sync_directory(path.parent)
    return open_writer(path)


def open_writer(path: Path) -> apsw.Connection:
    """An existing file for writing on; SQLite recovers its log. Raises NewerFormat or apsw's errors."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        _check_format(db, path)
        _durable(db)
    except BaseException:
        db.close(True)
        raise
    return db


def open_reader(path: Path) -> apsw.Connection:
    """An existing file for reading. It never checkpoints: only the collector writes its files."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        db.set_busy_timeout(2000)
        db.execute("PRAGMA query_only=1; PRAGMA wal_autocheckpoint=0")
        _check_format(db, path)
    except BaseException:
        db.close(True)
        raise
    return db


def voids(file: ShardFile) -> set[int]:
    """Seqs of the file before this one that were refused to their senders and must not count."""
    try:
        db = open_reader(file.path)
    except (*DAMAGE, NewerFormat):
        return set()
    try:
        return {row[0] for row in db.execute("SELECT seq FROM void")}
    except DAMAGE:
        return set()
    finally:
        db.close(True)


def abandon(db: apsw.Connection) -> None:
    """Closes a file whose fsync failed, touching nothing more of it: a second fsync may lie."""
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    db.close(True)


def seal(db: apsw.Connection) -> None:
    """Moves the log into the file and closes it: nothing will be written to it any more."""
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        db.close(True)


def _durable(db: apsw.Connection) -> None:
    db.set_busy_timeout(10_000)
    db.execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA temp_store=MEMORY"
    ).fetchall()


def _check_format(db: apsw.Connection, path: Path) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()  # type: ignore[misc]
    if version > FORMAT:
        raise NewerFormat(f"{path} has queue format {version}, this eventmill reads up to {FORMAT}: upgrade eventmill")
