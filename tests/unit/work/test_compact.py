"""Old rows of the ledger become sums: whatever is interrupted, what the ledger says does not change."""

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from eventmill.query import ledger
from eventmill.queue.base import Received
from eventmill.store.clickhouse import ClickHouseStore
from eventmill.work.compact import compact, mark, reopen
from tests.unit.query.queues import FakeQueue

DAY = 1440
START = 29_900_160


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ClickHouseStore]:
    opened = ClickHouseStore("chdb:", data=tmp_path, zone="UTC")
    yield opened
    opened.close()


def deliveries(seed: int, stream: str, minutes: int, count: int) -> pl.DataFrame:
    chance = random.Random(seed)
    rows = [
        {
            "stream": stream, "shard": chance.choice("01"), "first_high": 7, "first_low": number,
            "topic": chance.choice(["event", "order"]), "minute": START + chance.randrange(minutes),
            "stored": chance.randrange(9), "duplicate": chance.randrange(3), "rejected": chance.randrange(2),
            "batch": number,
        }
        for number in range(1, count + 1)
    ]  # fmt: skip
    numbers = ("first_high", "first_low", "stored", "duplicate", "rejected", "batch")
    return pl.DataFrame(rows, schema_overrides={**dict.fromkeys(numbers, pl.UInt64), "minute": pl.UInt32})


def answer(store: ClickHouseStore) -> dict[tuple[str, str], tuple[int, int, int]]:
    queue = FakeQueue()
    queue.got = [Received("event", START, 1)]
    found = ledger.ledger(store, queue, ledger.parse({}, "UTC"), {})
    return {(row.topic, row.minute): (row.stored, row.duplicate, row.rejected) for row in found.data}


def rows(store: ClickHouseStore) -> int:
    return int(store.query("SELECT count() FROM ledger FINAL")[0][0])


def test_sums_count_what_the_deliveries_counted(store: ClickHouseStore) -> None:
    for stream in ("store", "other"):
        store.insert("ledger", deliveries(1, stream, 3 * DAY, 20_000))
    before = answer(store)
    compact(store, "store", START + 2 * DAY)
    assert answer(store) == before, "sums written, nothing deleted yet"
    compact(store, "store", START + 2 * DAY + 5)
    assert answer(store) == before
    assert rows(store) < 36_000
    assert mark(store, "store") == START + 2 * DAY, "a day at a time"
    assert mark(store, "other") == 0
    compact(store, "other", START + 3 * DAY)
    compact(store, "store", START + 3 * DAY)
    assert answer(store) == before


def test_a_stop_between_any_two_steps_changes_nothing(store: ClickHouseStore) -> None:
    store.insert("ledger", deliveries(2, "store", 2 * DAY, 5_000))
    before = answer(store)

    class Stopped(Exception):
        pass

    real, allowed = store.command, 0

    def command(sql: str, params: object = None) -> None:
        nonlocal left
        if left == 0:
            raise Stopped
        left -= 1
        real(sql, params)  # type: ignore[arg-type]

    store.command = command  # type: ignore[method-assign]
    for round_ in range(3):
        for allowed in range(4):
            left = allowed
            with suppress(Stopped):
                compact(store, "store", START + DAY + round_ * DAY)
            assert answer(store) == before, (round_, allowed)


def test_a_replay_writes_its_minutes_anew(store: ClickHouseStore) -> None:
    made = deliveries(3, "store", 2 * DAY, 5_000)
    store.insert("ledger", made)
    before = answer(store)
    compact(store, "store", START + 2 * DAY)
    compact(store, "store", START + 2 * DAY)
    since = START + DAY
    reopen(store, "store", since)
    store.command(
        "ALTER TABLE ledger DELETE WHERE stream = 'store' AND minute >= {since:UInt32} SETTINGS mutations_sync = 1",
        {"since": since},
    )
    store.insert("ledger", made.filter(pl.col("minute") >= since))
    assert answer(store) == before
    compact(store, "store", START + 2 * DAY)
    compact(store, "store", START + 2 * DAY)
    assert answer(store) == before
