"""The embedded store: inserts whole, reads limited, one process, errors of the contract."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from eventmill.store.base import QueryRefused, StoreError, StoreUnavailable
from eventmill.store.clickhouse import READERS, ClickHouseStore
from tests.stored_events import frame, row

Opened = Callable[..., ClickHouseStore]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
REFUSED = [
    "SELECT file('/etc/passwd')", "SELECT * FROM file('/etc/passwd')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV')",
    "SELECT * FROM s3('http://127.0.0.1:1/a/b')", "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM executable('ls', 'CSV', 'a String')", "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT * FROM sqlite('/tmp/x', 'y')",
    "SELECT * FROM azureBlobStorage('a', 'b', 'c')", "SELECT * FROM hdfs('hdfs://127.0.0.1:1/x')",
    "SELECT * FROM redis('127.0.0.1:1', 'k', 'k String')",
    "SELECT * FROM mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'e')",
    "SELECT * FROM icebergS3('http://x')", "SELECT * FROM deltaLake('http://x')", "SELECT * FROM filesystem('/')",
    "SELECT * FROM Python(x)", "SELECT * FROM cluster('default', system.one)",
    "DESCRIBE TABLE url('http://127.0.0.1:1/')",
    "SELECT 1 INTO OUTFILE '/tmp/eventmill-must-not-exist'", "INSERT INTO events (site) VALUES ('x')",
    "ALTER TABLE events DELETE WHERE 1", "KILL QUERY WHERE 1", "SYSTEM STOP MERGES",
    "SET readonly = 0", "DROP TABLE events",
    "SELECT 1 SETTINGS readonly = 0", "SELECT 1 SETTINGS max_memory_usage = 0",
    "SELECT 1 SETTINGS max_execution_time = 0",
]  # fmt: skip


def test_insert_query_frame(opened: Opened) -> None:
    store = opened()
    store.insert(
        "events", frame(row(NOON, user=f"u{n}", value='"; DROP TABLE events --', bot=n == 1) for n in range(3))
    )
    assert store.query("SELECT user, bot FROM events ORDER BY user") == [("u0", False), ("u1", True), ("u2", False)]
    found = store.frame("SELECT value, time FROM events WHERE value = {v:String}", {"v": '"; DROP TABLE events --'})
    assert found.height == 3
    assert found.schema == {"value": pl.String, "time": pl.Datetime("ms", "UTC")}
    assert store.frame("SELECT user FROM events WHERE 0").schema == {"user": pl.String}
    store.insert("events", found.clear())


def test_bytes_are_kept_exactly(opened: Opened) -> None:
    store = opened()
    raw = bytes(range(256))
    columns = {"topic": ["t"], "reason": ["r"], "received": [NOON], "bytes": [raw]}
    store.insert("rejects", pl.DataFrame(columns, schema_overrides={"received": pl.Datetime("ms", "UTC")}))
    assert store.frame("SELECT hex(bytes) AS h FROM rejects")["h"][0] == raw.hex().upper()


def test_an_insert_is_one_part_a_month(opened: Opened) -> None:
    store = opened()
    store.command("SYSTEM STOP MERGES events")
    rows = [row(NOON.replace(month=10 + n % 2), user=str(n)) for n in range(120_000)]
    store.insert("events", pl.concat([frame(rows[:60_000]), frame(rows[60_000:])], rechunk=False))
    parts = store.query("SELECT rows FROM system.parts WHERE active AND table = 'events'")
    assert parts == [(60_000,), (60_000,)]


def test_rows_at_fault_are_told_from_a_store_in_need(opened: Opened) -> None:
    store = opened()
    with pytest.raises(StoreError, match="nosuch") as refused:
        store.insert("events", frame([row(NOON)]).with_columns(pl.lit(1).alias("nosuch")))
    assert not isinstance(refused.value, StoreUnavailable)
    months = [row(NOON.replace(year=1990 + n // 12, month=n % 12 + 1)) for n in range(150)]
    with pytest.raises(StoreError, match="partitions") as refused:
        store.insert("events", frame(months))
    assert not isinstance(refused.value, StoreUnavailable)
    assert store.query("SELECT count() FROM events") == [(0,)]


@pytest.mark.parametrize("second_lock", [False, True])
def test_reads_stay_inside(opened: Opened, monkeypatch: pytest.MonkeyPatch, second_lock: bool) -> None:
    store = opened()
    if (
        second_lock
    ):  # the engine's own read-only mode, without the check of words; what only the check stops is left out
        monkeypatch.setattr("eventmill.store.guard.check", lambda sql, _: sql)
    only_words = ("SELECT file(", "INTO OUTFILE", "KILL", "SYSTEM", "DESCRIBE")
    for sql in REFUSED:
        if second_lock and any(text in sql for text in only_words):
            continue
        with pytest.raises(StoreError):
            store.query(sql)
        with pytest.raises(StoreError):
            store.frame(sql)
    assert not Path("/tmp/eventmill-must-not-exist").exists()
    assert store.query("SELECT count() FROM events") == [(0,)]


def test_a_query_over_its_limits_dies_and_ingest_lives(opened: Opened) -> None:
    store = opened(query_seconds=1.0, query_bytes=100_000_000)
    failures: list[Exception] = []

    def ingest() -> None:
        try:
            for number in range(5):
                store.insert("events", frame(row(NOON, user=str(n), batch=number) for n in range(1000)))
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    worker = threading.Thread(target=ingest)
    worker.start()
    with pytest.raises(QueryRefused, match="memory"):
        store.query("SELECT number, groupArray(toString(number)) FROM numbers_mt(100000000) GROUP BY number")
    with pytest.raises(QueryRefused, match=r"[Tt]imeout"):
        store.query("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)")
    worker.join()
    assert failures == []
    assert store.query("SELECT count() FROM events") == [(5000,)]


def test_reads_run_side_by_side(opened: Opened) -> None:
    store = opened()
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(store.query("SELECT {n:UInt8}", {"n": n})))
        for n in range(READERS * 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [[(n,)] for n in range(READERS * 4)]


def test_one_process_a_directory(opened: Opened, data_dir: Path) -> None:
    opened()
    with pytest.raises(StoreUnavailable, match=r"open in another process \(pid \d+"):
        ClickHouseStore("chdb:", data=data_dir, zone="UTC", wait_s=0.05)


def test_closed(opened: Opened) -> None:
    store = opened()
    store.close()
    for call in (lambda: store.query("SELECT 1"), lambda: store.command("SELECT 1")):
        with pytest.raises(StoreError, match="closed"):
            call()
    store.close()


def test_nothing_is_written_outside_the_data_directory(opened: Opened, data_dir: Path, tmp_path: Path) -> None:
    opened().insert("events", frame(row(NOON) for _ in range(10)))
    assert [path.name for path in tmp_path.iterdir()] == [data_dir.name]


def test_an_unknown_address(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="write chdb:"):
        ClickHouseStore("mysql://x", data=tmp_path, zone="UTC")
    with pytest.raises(StoreUnavailable):
        ClickHouseStore("clickhouse://127.0.0.1:1/x", data=tmp_path, zone="UTC")
