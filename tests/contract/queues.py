"""Every queue backend, opened the same way: a function from a folder and its server's address to an opened pair."""

import itertools
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import apsw

from eventmill.event import ReceiptSource
from eventmill.queue.base import Draft, Reader, Writer
from eventmill.settings import Queue, Settings
from eventmill.topics import Topic

_receipts = ReceiptSource()
_counter = itertools.count()


@dataclass
class Opened:
    """A writer and what opens readers on the same queue."""

    writer: Writer
    reader: Callable[[], Reader]


def sqlite(folder: Path, url: str) -> Opened:
    from eventmill.queue.sqlite.reader import SqliteReader
    from eventmill.queue.sqlite.writer import SqliteWriter

    return Opened(
        SqliteWriter(folder / "q", file_size=20_000, reserve=0),
        lambda: SqliteReader(folder / "q", folder / "positions.db"),
    )


def memory(folder: Path, url: str) -> Opened:
    from eventmill.queue.memory import MemoryQueue

    queue = MemoryQueue()
    return Opened(queue, lambda: queue)


def broker(folder: Path, url: str) -> Opened:
    """A queue of its own on the running server: one partition, so that there is one order."""
    from eventmill.queue.open import open_reader, open_writer

    name = f"t{secrets.token_hex(6)}"
    topics = {topic: Topic() for topic in ("event", "log")}
    settings = Settings(data=str(folder), queue=Queue(url=f"{url}?partitions=1&prefix={name}"), topics=topics)
    return Opened(open_writer(settings, 0), lambda: open_reader(settings))


BACKENDS = {
    "sqlite": sqlite,
    "memory": memory,
    "redis": broker,
    "kafka": broker,
    "rabbitmq": broker,
    "beanstalk": broker,
}
SERVERS = {"redis": "redis-server", "kafka": "kafka", "rabbitmq": "rabbitmq", "beanstalk": "beanstalkd"}
"""The server of `scripts.services` that a backend needs."""


class FailingCommit:
    """A connection whose COMMITs fail as a failed sync does."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def execute(self, sql: str, *args):
        if sql == "COMMIT":
            raise apsw.IOError("disk I/O error")
        return self._db.execute(sql, *args)

    def __getattr__(self, name: str):
        return getattr(self._db, name)


def draft(count: int = 3, topic: str = "event", received: int = 1_790_000_000_000, text: str = "x") -> Draft:
    """A draft of `count` events, each with a number of its own in `label`."""
    lines = b"".join(
        json.dumps({"category": text, "label": str(next(_counter))}).encode() + b"\n" for _ in range(count)
    )
    return Draft(topic, received, *_receipts.block(received), count, b'{"n":%d}\n' % count, lines)


def merged(drafts: list[Draft]) -> Draft:
    """The requests of several drafts as one commit."""
    first = drafts[0]
    return Draft(
        first.topic, first.received, first.receipt_high, first.receipt_low, sum(one.count for one in drafts),
        b"".join(one.heads for one in drafts), b"".join(one.body for one in drafts),
    )  # fmt: skip
