"""The embedded queue from the settings: shards under the data directory, or under `sqlite:DIR`."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from eventmill.queue.base import QueueError
from eventmill.queue.sqlite.reader import SqliteReader
from eventmill.queue.sqlite.writer import SqliteWriter
from eventmill.settings import Settings, duration, size

_SHORTEST_FILE_MS, _LONGEST_FILE_MS = 60_000, 86_400_000


def open_writer(settings: Settings, slot: int | None) -> SqliteWriter:
    """Takes the slot, or the first free one. Files roll often enough for the shortest retention."""
    shortest = min((duration(topic.retention) for topic in settings.topics.values()), default=_LONGEST_FILE_MS)
    return SqliteWriter(
        _root(settings),
        file_size=size(settings.queue.file_size),
        file_age_ms=max(_SHORTEST_FILE_MS, min(_LONGEST_FILE_MS, shortest // 4)),
        quota=size(settings.queue.quota),
        reserve=size(settings.queue.reserve),
        slot=slot,
        durability=durability(settings),
    )


def durability(settings: Settings) -> str:
    """The class that the URL asks for: `fsync` unless `?durability=relaxed`. Raises QueueError."""
    asked = parse_qs(urlsplit(settings.queue.url).query)
    wanted = asked.pop("durability", ["fsync"])[-1]
    if wanted not in ("fsync", "relaxed") or asked:
        raise QueueError(
            f"queue: {settings.queue.url!r}: this queue gives durability=fsync, or relaxed where asked for; "
            "it has no other option"
        )
    return wanted


def open_reader(settings: Settings) -> SqliteReader:
    """Reads all shards; positions lie beside them, in a file that only readers write."""
    root = _root(settings)
    return SqliteReader(root, root / "positions" / "positions.db", quota=size(settings.queue.quota))


def _root(settings: Settings) -> Path:
    root = settings.queue_dir
    assert root is not None  # the table of queues leads here for sqlite: only
    return root
