"""What was received, by topic and minute: the left side of the ledger."""

from collections import Counter
from itertools import pairwise, zip_longest
from pathlib import Path

import apsw

from eventmill.clock import MINUTE_MS
from eventmill.queue.base import Received
from eventmill.queue.sqlite import files
from eventmill.queue.sqlite.positions import Positions, Sealed


def read_received(root: Path, positions: Positions, since: int, until: int) -> list[Received]:
    """Totals of the ended files as remembered, and of the files being written as they are now."""
    sealed = {(s.shard, s.first) for s in positions.sealed(deleted=True)}
    totals: Counter[tuple[str, int]] = Counter()
    live: list[tuple[files.ShardFile, files.ShardFile | None]] = []
    for shard in files.shards(root):
        known = files.shard_files(root / shard)
        live.extend(pair for pair in zip_longest(known, known[1:]) if (shard, pair[0].first) not in sealed)
    for row in positions.sealed_received(since, until):
        totals[row.topic, row.minute] += row.count
    for file, successor in live:
        for topic, minute, count in file_received(file, successor):
            if since <= minute <= until:
                totals[topic, minute] += count
    return [Received(topic, minute, count) for (topic, minute), count in sorted(totals.items()) if count]


def file_received(file: files.ShardFile, successor: files.ShardFile | None) -> list[tuple[str, int, int]]:
    """(topic, minute, count) of one file, less what its successor declares void."""
    voids = files.voids(successor) if successor else set()
    try:
        db = files.open_reader(file.path)
    except apsw.Error:
        return []
    try:
        with db:
            counts = Counter({(t, m): n for t, m, n in db.execute("SELECT topic, minute, count FROM received")})
            for seq in voids:
                for topic, minute, count in db.execute(
                    "SELECT topic, received / ?, count FROM entry WHERE seq = ?", (MINUTE_MS, seq)
                ):
                    counts[topic, minute] -= count
        return [(topic, minute, count) for (topic, minute), count in counts.items()]
    except apsw.Error:
        return []
    finally:
        db.close(True)


def seal_ended(root: Path, positions: Positions) -> None:
    """Remembers the totals of files that have a successor, once."""
    done = {(s.shard, s.first) for s in positions.sealed(deleted=True)}
    for shard in files.shards(root):
        known = files.shard_files(root / shard)
        for file, successor in pairwise(known):
            if (shard, file.first) in done:
                continue
            try:
                db = files.open_reader(file.path)
            except apsw.Error:
                continue
            try:
                row = db.execute("SELECT ifnull(max(seq),0), ifnull(sum(count),0), ifnull(max(received),0) FROM entry")
                last, events, newest = row.fetchone()  # type: ignore[misc]
            except apsw.Error:
                continue
            finally:
                db.close(True)
            positions.seal(
                Sealed(shard, file.first, max(last, file.first - 1), events, newest), file_received(file, successor)
            )
