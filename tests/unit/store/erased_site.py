"""A store, a queue and a worker for tests of forgetting, and who is forgotten in them."""

import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from eventmill.forget import ForgetRequest, Forgetting, Forgotten
from eventmill.query.closed import ClosedDays
from eventmill.queue.sqlite.reader import SqliteReader
from eventmill.queue.sqlite.writer import SqliteWriter
from eventmill.store.clickhouse import ClickHouseStore
from eventmill.topics import Topic, with_defaults
from eventmill.work.loop import Worker
from tests.unit.work.lines import draft

Opened = Callable[..., ClickHouseStore]
DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_MS = int(DAY.timestamp() * 1000)
WHO = "zebra-4711-person"
OTHER = "okapi-1-person"
DAY_MS = 86_400_000


def reject_rows(*texts: str, received: int = NOW_MS, identity: str = "") -> pl.DataFrame:
    rows = [
        {
            "topic": "event", "reason": "invalid_time", "detail": "", "received": received, "id": identity,
            "receipt_high": 7, "receipt_low": 9, "receipt_index": place, "bytes": text, "stream": "s", "batch": 1,
        }
        for place, text in enumerate(texts)
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(
        pl.col("received").cast(pl.Datetime("ms", "UTC")),
        *(pl.col(name).cast(pl.UInt64) for name in ("receipt_high", "receipt_low", "batch")),
        pl.col("receipt_index").cast(pl.UInt32),
    )


class Site:
    """A data directory with a store, a queue, and a worker in step with the test."""

    def __init__(self, store: ClickHouseStore, data: Path) -> None:
        self.store, self.data, self.now = store, data, NOW_MS
        self.writer = SqliteWriter(data / "queue", reserve=0, clock=lambda: self.now)
        self.reader = SqliteReader(data / "queue", data / "queue" / "positions" / "positions.db")
        self.closed = ClosedDays(store, "UTC", now=lambda: DAY)
        self.start()

    def start(self) -> None:
        """What a new process does."""
        self.worker = Worker(
            self.reader, self.store, group="store", topics=with_defaults({"event": Topic(field_count=2)}),
            zone=ZoneInfo("UTC"), folder=self.data / "engine",
        )  # fmt: skip
        self.forgetting = Forgetting(
            self.store, self.reader, self.worker.set_marks, self.closed.forget, lambda: self.now
        )
        self.forgetting.patience_s = 0.0
        self.worker.set_marks(self.forgetting.marks())

    def send(self, *events: dict[str, Any], **head: str) -> None:
        self.writer.append([draft(events, received=self.now, **head)])

    def work(self) -> None:
        stop = threading.Event()
        self.worker.recover(stop)
        while self.worker.step(stop):
            pass

    def forget(self, **who: str) -> Forgotten:
        return self.forgetting.submit(ForgetRequest(**who), 60)

    def balance(self) -> tuple[int, int, int, int]:
        """received, stored, duplicate, rejected."""
        ((stored, duplicate, rejected),) = self.store.query(
            "SELECT sum(stored), sum(duplicate), sum(rejected) FROM ledger FINAL"
        )
        return sum(r.count for r in self.reader.received()), int(stored), int(duplicate), int(rejected)

    def users(self) -> list[str]:
        return [user for (user,) in self.store.query("SELECT user FROM events ORDER BY user")]

    def reasons(self) -> list[tuple[str, str, str]]:
        rows = self.store.query("SELECT reason, id, bytes FROM rejects ORDER BY reason, bytes")
        return [(str(reason), str(identity), str(text)) for reason, identity, text in rows]

    def files_with(self, text: str) -> list[str]:
        """Files under the data directory that hold the text as it is."""
        found = subprocess.run(["grep", "-rlaF", text, str(self.data)], capture_output=True, text=True, check=False)
        return [line.removeprefix(str(self.data)) for line in found.stdout.splitlines()]


def event(user: str | None = None, **more: Any) -> dict[str, Any]:
    named = {"user": user} if user else {}
    return {"category": "h5", **named, **more, "_n": 2}


def fresh_file(site: Site, at: int) -> None:
    """What the collector does at the next event after it was asked to begin another file."""
    site.now = at
    site.writer._space_checked = 0.0
    site.send(event(OTHER))
