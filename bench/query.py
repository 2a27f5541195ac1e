"""How fast the API's questions are answered with many events stored.

    .venv/bin/python bench/query.py [--rows 20000000] [--ingest] [--keep DIR]

Fills a store by SQL, then asks each question and prints p50, p95 and the slowest against its target. With
`--ingest` the questions are asked again while a thread inserts batches of 50,000 rows without a pause.
CPU is that of the whole process for one question: on a busy machine it says more than the clock.
"""

import argparse
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eventmill.query import counts, series, top
from eventmill.store.clickhouse import ClickHouseStore

RANGE = {"from": "2026-11-01", "to": "2026-11-30"}
_BLOCK = 250_000
_FILL = """INSERT INTO events
(site, topic, category, action, label, value, time, received, id, id_hash, receipt_high, receipt_low, user, url,
 url_host, referrer_host, browser, os, device, props, stream, batch)
SELECT 'shop', 'event', ['h5', 'web', 'app'][1 + rand(1) % 3], ['pv', 'click', 'share', 'buy'][1 + rand(2) % 4],
 toString(rand(3) % 5003), toString(rand(4) % 51),
 toDateTime64('2026-11-01 00:00:00', 3, 'UTC') + (number / {rows:UInt64}) * 86400 * 29.9 + rand(5) % 3600 AS time,
 time, toString(number), cityHash64(number), number, number, concat('u', toString(rand(6) % 300000)),
 concat('https://shop.example/item/', toString(rand(7) % 20000)), 'shop.example',
 ['google.com', 'bing.com', '', 'weibo.com'][1 + rand(8) % 4], ['Chrome', 'Safari', 'Firefox', 'Edge'][1 + rand(9) % 4],
 ['Windows', 'Android', 'iOS', 'macOS'][1 + rand(10) % 4], ['desktop', 'phone', 'tablet'][1 + rand(11) % 3],
 concat('{"plan":"', ['free', 'pro', 'team'][1 + rand(12) % 3], '"}'), 'bench', intDiv(number, {block:UInt64})
FROM numbers({first:UInt64}, {block:UInt64})"""


@dataclass(frozen=True)
class Question:
    """A name, the p95 that must and that should be reached in ms, and the call."""

    name: str
    must: float
    aim: float
    ask: Callable[[], object]


def questions(store: ClickHouseStore) -> list[Question]:
    def count(**params: str) -> Callable[[], object]:
        return lambda: counts.counts(store, counts.parse({**RANGE, **params}, "UTC"), "UTC")

    def ranked(**params: str) -> Callable[[], object]:
        return lambda: top.top(store, top.parse({**RANGE, **params}, "UTC"), "UTC")

    key = {"category": "h5", "action": "pv", "label": "85", "value": "41"}
    at = [dict(list(key.items())[:depth]) for depth in range(5)]
    line = {**RANGE, "category": "h5", "interval": "hour"}
    return [
        Question("pv by day, h5", 50, 20, count(**at[1], metrics="pv")),
        Question("pv by day, h5.pv", 50, 20, count(**at[2], metrics="pv")),
        Question("pv by day, h5.pv.85", 50, 20, count(**at[3], metrics="pv")),
        Question("pv by day, h5.pv.85.41", 50, 20, count(**at[4], metrics="pv")),
        Question("pv by day in Shanghai, h5", 50, 20, count(**at[1], metrics="pv", tz="Asia/Shanghai")),
        Question("pv by hour, h5", 50, 20, count(**at[1], metrics="pv", interval="hour")),
        Question("pv + uv by day, everything", 100, 40, count()),
        Question("pv + uv by day, h5 (a third)", 100, 40, count(**at[1])),
        Question("pv + uv by day, h5.pv", 100, 40, count(**at[2])),
        Question("pv + uv by day, h5.pv.85", 100, 40, count(**at[3])),
        Question("pv + uv by day, all categories", 100, 40, count(by="category")),
        Question("pv + uv total, by=action", 100, 40, count(by="action", interval="total")),
        Question("series by hour, h5 (raw)", 300, 300,
                 lambda: series.series(store, series.parse(line, "UTC"), "UTC")),
        Question("top category", 300, 300, ranked(dimension="category")),
        Question("top label of h5.pv", 300, 300, ranked(**at[2], dimension="label")),
        Question("top browser", 300, 300, ranked(dimension="browser")),
        Question("top url", 300, 300, ranked(dimension="url")),
        Question("top props.plan of h5.pv", 300, 300, ranked(**at[2], dimension="props.plan")),
    ]  # fmt: skip


def fill(store: ClickHouseStore, rows: int) -> None:
    have = int(store.query("SELECT count() FROM events")[0][0])
    for first in range(have, rows, _BLOCK):
        store.command(_FILL, {"rows": rows, "first": first, "block": min(_BLOCK, rows - first)})
        print(f"\r{first + _BLOCK:,} rows", end="", file=sys.stderr)
    print(file=sys.stderr)


def settle(store: ClickHouseStore, seconds: float = 180.0) -> None:
    """Waits until the parts of the fill are merged: a month of real events did not arrive a minute ago."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and store.query("SELECT count() FROM system.merges")[0][0]:
        time.sleep(1)


def measure(asked: list[Question], times: int, factor: float = 1.0) -> bool:
    """Prints the table; True where every target that must be reached is."""
    good = True
    print(f"{'':34} {'p50':>8} {'p95':>8} {'max':>8} {'CPU':>7}   {'must':>5} {'aim':>5}   ms")
    for question in asked:
        question.ask()
        spent = []
        cpu = time.process_time()
        for _ in range(times):
            began = time.perf_counter()
            question.ask()
            spent.append((time.perf_counter() - began) * 1000)
        cpu = (time.process_time() - cpu) * 1000 / times
        spent.sort()
        p95 = spent[min(len(spent) - 1, int(len(spent) * 0.95))]
        must, aim = question.must * factor, question.aim * factor
        verdict = "aim" if p95 <= aim else "ok" if p95 <= must else "SLOW"
        good = good and p95 <= must
        print(
            f"{question.name:34} {spent[len(spent) // 2]:8.1f} {p95:8.1f} {spent[-1]:8.1f} {cpu:7.1f}   "
            f"{must:5.0f} {aim:5.0f}   {verdict}"
        )
    return good


def ingesting(store: ClickHouseStore, stop: threading.Event) -> Callable[[], int]:
    """Inserts batches until told to stop; the returned function says how many rows."""
    frame = store.frame("SELECT * FROM events LIMIT 50000")
    done = 0

    def run() -> None:
        nonlocal done
        while not stop.is_set():
            store.insert("events", frame)
            done += frame.height

    threading.Thread(target=run, daemon=True).start()
    return lambda: done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--ingest", action="store_true", help="ask again under full ingest")
    parser.add_argument("--keep", type=Path, help="keep the store here, and use what it holds")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="eventmill-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    store = ClickHouseStore("chdb:", data=folder, zone="UTC")
    try:
        fill(store, given.rows)
        settle(store)
        parts = store.query("SELECT count() FROM system.parts WHERE active AND table = 'events'")[0][0]
        print(f"{given.rows:,} events stored in {parts} parts")
        good = measure(questions(store), given.times)
        if given.ingest:
            stop = threading.Event()
            inserted = ingesting(store, stop)
            began = time.monotonic()
            print("\nunder full ingest")
            good = measure(questions(store), given.times, factor=2.0) and good
            stop.set()
            print(f"{inserted() / (time.monotonic() - began):,.0f} rows/s inserted meanwhile")
        print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    finally:
        store.close()
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
