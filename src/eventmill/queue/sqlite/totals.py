"""What was received, by topic and minute: the left side of the ledger."""

from collections import Counter
from functools import lru_cache
from itertools import pairwise, zip_longest
from pathlib import Path

from eventmill.clock import MINUTE_MS
from eventmill.queue.base import Received
from eventmill.queue.sqlite import files
from eventmill.queue.sqlite.positions import Positions, Sealed
from eventmill.queue.sqlite.scan import sound_entries


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
    """(topic, minute, count) of one file, less what its successor declares void. Where the totals themselves are
    damaged, the sum of the entries that can still be read: then at least these balance."""
    voids = files.voids(successor) if successor else set()
    try:
        db = files.open_reader(file.path)
    except files.DAMAGE:
        return []  # no entry of it can be read either
    try:
        with db:
            counts = Counter({(t, m): n for t, m, n in db.execute("SELECT topic, minute, count FROM received")})
            for seq in voids:
                for topic, minute, count in db.execute(
                    "SELECT topic, received / ?, count FROM entry WHERE seq = ?", (MINUTE_MS, seq)
                ):
                    counts[topic, minute] -= count
        return [(topic, minute, count) for (topic, minute), count in counts.items()]
    except files.DAMAGE:
        return _counted(file, frozenset(voids), files.bytes_on_disk(file))
    finally:
        db.close(True)


@lru_cache(maxsize=64)
def _counted(file: files.ShardFile, voids: frozenset[int], _size: int) -> list[tuple[str, int, int]]:
    """Totals of a damaged file by reading all of it, once for each size that it has."""
    entries, _ = sound_entries(file, "", None)
    counts: Counter[tuple[str, int]] = Counter()
    for entry in entries.values():
        if entry.seq not in voids:
            counts[entry.topic, entry.received // MINUTE_MS] += entry.count
    return [(topic, minute, count) for (topic, minute), count in counts.items()]


def seal_ended(root: Path, positions: Positions) -> None:
    """Remembers the totals of files that have a successor, once. A damaged file is never sealed, so it is kept."""
    done = {(s.shard, s.first) for s in positions.sealed(deleted=True)}
    for shard in files.shards(root):
        known = files.shard_files(root / shard)
        for file, successor in pairwise(known):
            if (shard, file.first) not in done and (sealed := _sealed(shard, file)) is not None:
                positions.seal(sealed, file_received(file, successor))


def _sealed(shard: str, file: files.ShardFile) -> Sealed | None:
    try:
        db = files.open_reader(file.path)
    except files.DAMAGE:
        return None
    try:
        row = db.execute("SELECT ifnull(max(seq),0), ifnull(sum(count),0), ifnull(max(received),0) FROM entry")
        last, events, newest = row.fetchone()  # type: ignore[misc]
        return Sealed(shard, file.first, max(last, file.first - 1), events, newest)
    except (*files.DAMAGE, TypeError):
        return None
    finally:
        db.close(True)
