"""What waits in a collector's folder: a queue of the embedded kind, with one group that forwards."""

from pathlib import Path

from eventmill.queue.sqlite.reader import SqliteReader

GROUP = "forward"


def open_spill(folder: Path) -> SqliteReader:
    """Reads what waits in a collector's folder."""
    return SqliteReader(folder, folder / "positions" / "positions.db")


def topics_of(reader: SqliteReader) -> list[str]:
    """All topics that wait or waited there."""
    return sorted({row.topic for row in reader.received()})


def waiting(reader: SqliteReader) -> bool:
    """Whether something is left to be forwarded."""
    return bool(reader.lag({GROUP: topics_of(reader)}))
