"""How fast the API's questions are answered with many events stored.

    python -m bench.query [--rows 20000000] [--keep DIR]

Fills a store by SQL, then asks each question and prints p50, p95 and the slowest against its target; then all of
them again while a thread inserts 40,000 rows of today a second, more than the door takes as single events on two
cores. Rankings are asked once before, so that the days that are over have been counted, as they are on a server;
what that first time cost is printed too.
The table has the worst of each family.
CPU is that of the whole process for one question: on a busy machine it says more than the clock.
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.part import alone, by_dose, say
from bench.table import Row
from eventmill.query import counts, series, top
from eventmill.query.closed import ClosedDays
from eventmill.store.clickhouse import ClickHouseStore

_TODAY = datetime.now(UTC).date()
_FIRST = _TODAY - timedelta(days=29)
RANGE = {"from": _FIRST.isoformat(), "to": _TODAY.isoformat()}
_BLOCK = 250_000
_RATE, _INSERT = 40_000, 8_000
_FILL = """INSERT INTO events
(site, topic, category, action, label, value, time, received, id, id_hash, receipt_high, receipt_low, user, url,
 url_host, referrer_host, source, channel, country, browser, os, device, props, stream, batch)
SELECT 'shop', 'event', ['h5', 'web', 'app'][1 + rand(1) % 3], ['pv', 'click', 'share', 'buy'][1 + rand(2) % 4],
 toString(rand(3) % 5003), toString(rand(4) % 51),
 toDateTime64({from:String}, 3, 'UTC') + (number / {rows:UInt64}) * 86400 * 29.9 + rand(5) % 3600 AS time,
 time, toString(number), cityHash64(number), number, number, concat('u', toString(rand(6) % 300000)),
 concat('https://shop.example/item/', toString(rand(7) % 20000)), 'shop.example',
 ['google.com', 'bing.com', '', 'weibo.com'][1 + rand(8) % 4] AS came_from, came_from,
 ['search', 'search', 'direct', 'social'][1 + rand(8) % 4],
 ['DE', 'CN', 'US', 'BR', 'IN', 'FR', 'JP', ''][1 + rand(13) % 8],
 ['Chrome', 'Safari', 'Firefox', 'Edge'][1 + rand(9) % 4],
 ['Windows', 'Android', 'iOS', 'macOS'][1 + rand(10) % 4], ['desktop', 'phone', 'tablet'][1 + rand(11) % 3],
 concat('{"plan":"', ['free', 'pro', 'team'][1 + rand(12) % 3], '"}'), 'bench', intDiv(number, {block:UInt64})
FROM numbers({first:UInt64}, {block:UInt64})"""


@dataclass(frozen=True)
class Question:
    """A name, the p95 that must and that should be reached in ms (the same where only one is set), and the call."""

    name: str
    must: float
    aim: float
    ask: Callable[[], object]


def questions(store: ClickHouseStore, closed: ClosedDays) -> list[Question]:
    def count(**params: str) -> Callable[[], object]:
        return lambda: counts.counts(store, counts.parse({**RANGE, **params}, "UTC"), "UTC")

    def ranked(**params: str) -> Callable[[], object]:
        return lambda: top.top(store, top.parse({**RANGE, **params}, "UTC"), "UTC", closed)

    def lines(**params: str) -> Callable[[], object]:
        return lambda: series.series(store, series.parse({**RANGE, **params}, "UTC"), "UTC", closed)

    key = {"category": "h5", "action": "pv", "label": "85", "value": "41"}
    at = [dict(list(key.items())[:depth]) for depth in range(5)]
    coarse = '[["in","category",["h5","web"]],["is_not","action","buy"]]'
    chrome = '[["is","browser","Chrome"]]'
    pages = '[["starts_with","page","/item/1"],["in","country",["DE","FR"]]]'
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
        Question("series by hour, h5 (raw)", 300, 300, lines(**at[1], interval="hour")),
        Question("series by day, two periods", 300, 300, lines(**at[1], compare="previous")),
        Question("filter: series, categories and actions", 300, 300, lines(filters=coarse)),
        Question("filter: series, Chrome", 300, 300, lines(filters=chrome)),
        Question("filter: series, pages and countries", 300, 300, lines(filters=pages)),
        Question("top category", 300, 300, ranked(dimension="category")),
        Question("top label of h5.pv", 300, 300, ranked(**at[2], dimension="label")),
        Question("top browser", 300, 300, ranked(dimension="browser")),
        Question("top channel", 300, 300, ranked(dimension="channel")),
        Question("top country, two periods", 300, 300, ranked(dimension="country", compare="previous")),
        Question("top page", 300, 300, ranked(dimension="page")),
        Question("top page of Chrome, searched", 300, 300, ranked(dimension="page", search="99", filters=chrome)),
        Question("top url", 300, 300, ranked(dimension="url")),
        Question("top props.plan", 300, 300, ranked(dimension="props.plan")),
        Question("top props.plan of h5.pv", 300, 300, ranked(**at[2], dimension="props.plan")),
    ]  # fmt: skip


def fill(store: ClickHouseStore, rows: int) -> None:
    have = int(store.query("SELECT count() FROM events")[0][0])
    for first in range(have, rows, _BLOCK):
        store.command(
            _FILL, {"from": f"{_FIRST} 00:00:00", "rows": rows, "first": first, "block": min(_BLOCK, rows - first)}
        )
        if first // _BLOCK % 16 == 0:
            say(f"{first:,} of {rows:,} rows")


def settle(store: ClickHouseStore, seconds: float = 180.0) -> None:
    """Waits until the parts of the fill are merged: a month of real events did not arrive a minute ago."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and store.query("SELECT count() FROM system.merges")[0][0]:
        time.sleep(1)


_FAMILIES = (
    ("pv by ", "pv of any key by day or hour of a month"),
    ("pv + uv by day, h5 (a third)", "pv + uv by day of a third of the rows"),
    ("pv + uv", "pv + uv, any of the questions"),
    ("top", "top of any dimension"),
    ("filter", "series of events by any condition"),
)


def measure(asked: list[Question], times: int, rows: int, *, ingest: bool) -> list[Row]:
    """Each question as a detail, then the worst of each family. Beside an ingest all may take twice as long."""
    factor, beside = (2.0, ", under full ingest") if ingest else (1.0, "")
    found: dict[Question, Row] = {}
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
        note = f"p50 {spent[len(spent) // 2]:.1f}, max {spent[-1]:.1f}, CPU {cpu:.1f}"
        must, aim = question.must * factor, question.aim * factor
        found[question] = Row(
            f"   {question.name}, p95{beside}", p95, "ms", must, aim if aim < must else None,
            lower=True, note=note, detail=True,
        )  # fmt: skip
        say(f"{question.name}{beside}: p95 {p95:.1f} ms, {note}")
    worst = []
    for start, name in _FAMILIES:
        family = [(row.figure, question, row) for question, row in found.items() if question.name.startswith(start)]
        _, question, row = max(family, key=lambda entry: entry[0] / entry[1].must)
        of = f"worst of {len(family)}: {question.name}" if len(family) > 1 else ""
        shown = f"{name}, {rows / 1e6:g} M rows{beside}, p95"
        worst.append(replace(row, name=shown, note=of, detail=False))
    return [*worst, *found.values()]


def first_asks(asked: list[Question]) -> list[Row]:
    """What a ranking costs that nobody asked for before: all from the events. A detail, since it happens once."""
    rows = []
    for question in asked:
        if question.name.startswith("top"):
            began = time.perf_counter()
            question.ask()
            spent = (time.perf_counter() - began) * 1000
            rows.append(Row(f"   {question.name}, asked for the first time", spent, "ms", lower=True, detail=True))
    return rows


def ingesting(store: ClickHouseStore, stop: threading.Event) -> Callable[[], int]:
    """Inserts as the worker does under full load (40,000 events a second, five inserts of all columns) until told to
    stop; the returned function says how many rows."""
    today = "now64(3, 'UTC')"
    frame = store.frame(f"SELECT * REPLACE ({today} AS time, {today} AS received) FROM events LIMIT {_INSERT}")
    done = 0

    def run() -> None:
        nonlocal done
        due = time.monotonic()
        while not stop.is_set():
            store.insert("events", frame)
            done += frame.height
            due = max(due + _INSERT / _RATE, time.monotonic() - 1)
            stop.wait(max(0.0, due - time.monotonic()))

    threading.Thread(target=run, daemon=True).start()
    return lambda: done


def rows(given: argparse.Namespace) -> list[Row]:
    count, times = by_dose(given, "rows", 500_000, 20_000_000), by_dose(given, "times", 5, 20, 100)
    folder = given.keep or Path(tempfile.mkdtemp(prefix="eventmill-bench-", dir=os.environ.get("BENCH_DIR")))
    folder.mkdir(parents=True, exist_ok=True)
    store = ClickHouseStore("chdb:", data=folder, zone="UTC")
    try:
        fill(store, count)
        settle(store)
        parts = store.query("SELECT count() FROM system.parts WHERE active AND table = 'events'")[0][0]
        say(f"{count:,} events stored in {parts} parts")
        closed = ClosedDays(store, "UTC")
        closed.worth = min(closed.worth, count // 2)
        asked = questions(store, closed)
        firsts = first_asks(asked)
        say("counting the days that are over, for the questions asked")
        closed.work()
        found = measure(asked, times, count, ingest=False)
        stop = threading.Event()
        inserted, began = ingesting(store, stop), time.monotonic()
        try:
            found += measure(asked, times, count, ingest=True)
        finally:
            stop.set()
        rate = inserted() / (time.monotonic() - began)
        found.append(Row("   rows inserted meanwhile", rate, "/s", detail=True))
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return [*found, *firsts, Row("   memory of the one process, at most", most, "MB", detail=True)]
    finally:
        store.close()
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int)
    parser.add_argument("--times", type=int)
    parser.add_argument("--keep", type=Path, help="keep the store here, and use what it holds")


if __name__ == "__main__":
    sys.exit(alone("query", __doc__, rows, options))
