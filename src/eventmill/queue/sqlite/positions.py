"""The readers' own file: where each group stands, and what files that ended held.

It is apart from the shards, since nobody but its collector writes a shard.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import apsw

from eventmill.queue.base import Position, Received, Replay
from eventmill.queue.sqlite import files

SCHEMA = """
CREATE TABLE IF NOT EXISTS position(grp TEXT, shard TEXT, seq INTEGER, PRIMARY KEY(grp, shard)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch(grp TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS replay(grp TEXT PRIMARY KEY, since INTEGER, number INTEGER, until TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed(
    shard TEXT, first INTEGER, last INTEGER, events INTEGER, newest INTEGER, deleted INTEGER DEFAULT 0,
    PRIMARY KEY(shard, first)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed_received(
    shard TEXT, first INTEGER, topic TEXT, minute INTEGER, count INTEGER,
    PRIMARY KEY(shard, first, topic, minute)) WITHOUT ROWID;
"""


@dataclass(slots=True, frozen=True)
class Sealed:
    """A file that will not grow: its bounds, its events, and ms since the epoch of the newest."""

    shard: str
    first: int
    last: int
    events: int
    newest: int


class Positions:
    """Durable positions. Every change is one fsynced transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not path.exists()
        self._db = apsw.Connection(str(path))
        self._db.set_busy_timeout(10_000)
        self._db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL").fetchall()
        self._db.execute(SCHEMA)
        if fresh:
            files.sync_directory(path.parent)

    def get(self, group: str) -> Position:
        seqs = dict(self._db.execute("SELECT shard, seq FROM position WHERE grp = ?", (group,)))
        row = self._db.execute("SELECT number FROM batch WHERE grp = ?", (group,)).fetchone()
        return Position(seqs, row[0] if row else 0, self._replay(group, seqs))

    def _replay(self, group: str, seqs: Mapping[str, int]) -> Replay | None:
        row = self._db.execute("SELECT since, number, until FROM replay WHERE grp = ?", (group,)).fetchone()
        if row is None:
            return None
        replay = Replay(row[0], row[1], json.loads(row[2]))
        return None if all(seqs.get(shard, 0) >= seq for shard, seq in replay.until.items()) else replay

    def seek(self, group: str, seqs: Mapping[str, int], since_minute: int) -> None:
        """Moves a group and notes what it had read, in one transaction. A replay within a replay ends no sooner."""
        now = self.get(group)
        until, batch = dict(now.seqs), now.batch
        if now.replay is not None:
            until |= {shard: max(seq, until.get(shard, 0)) for shard, seq in now.replay.until.items()}
            since_minute = min(since_minute, now.replay.since_minute)
        with self._db:
            self._put(group, seqs)
            if until:
                self._db.execute(
                    "INSERT OR REPLACE INTO replay VALUES(?,?,?,?)", (group, since_minute, batch, json.dumps(until))
                )

    def groups(self) -> list[str]:
        return [row[0] for row in self._db.execute("SELECT DISTINCT grp FROM position")]

    def put(self, group: str, seqs: Mapping[str, int], batch: int | None = None) -> None:
        with self._db:
            self._put(group, seqs)
            if batch is not None:
                self._db.execute("INSERT OR REPLACE INTO batch VALUES(?,?)", (group, batch))

    def _put(self, group: str, seqs: Mapping[str, int]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO position VALUES(?,?,?)", [(group, shard, seq) for shard, seq in seqs.items()]
        )

    def seal(self, sealed: Sealed, received: list[tuple[str, int, int]]) -> None:
        """Remembers an ended file and its totals (topic, minute, count): they outlive the file."""
        with self._db:
            self._db.execute(
                "INSERT OR IGNORE INTO sealed(shard, first, last, events, newest) VALUES(?,?,?,?,?)",
                (sealed.shard, sealed.first, sealed.last, sealed.events, sealed.newest),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO sealed_received VALUES(?,?,?,?,?)",
                [(sealed.shard, sealed.first, *row) for row in received],
            )

    def mark_deleted(self, sealed: Sealed) -> None:
        self._db.execute("UPDATE sealed SET deleted = 1 WHERE shard = ? AND first = ?", (sealed.shard, sealed.first))

    def sealed(self, *, deleted: bool = False, kept: bool = True) -> list[Sealed]:
        """The ended files: those kept, and those that retention has marked as deleted."""
        rows = self._db.execute(
            "SELECT shard, first, last, events, newest FROM sealed WHERE deleted BETWEEN ? AND ? ORDER BY shard, first",
            (int(not kept), int(deleted)),
        )
        return [Sealed(*row) for row in rows]

    def sealed_received(self, since_minute: int, until_minute: int) -> list[Received]:
        rows = self._db.execute(
            "SELECT topic, minute, sum(count) FROM sealed_received WHERE minute BETWEEN ? AND ? GROUP BY topic, minute",
            (since_minute, until_minute),
        )
        return [Received(*row) for row in rows]

    def sealed_totals(self, shard: str, first: int) -> list[tuple[str, int, int]]:
        """(topic, minute, events) of one ended file; empty where it was not sealed."""
        rows = self._db.execute(
            "SELECT topic, minute, count FROM sealed_received WHERE shard = ? AND first = ?", (shard, first)
        )
        return list(rows)

    def close(self) -> None:
        self._db.close()
