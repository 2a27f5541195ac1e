"""How fast sessions, flows, funnels, retention and requests are answered over a month of visits.

    python -m bench.behaviour [--rows 20000000] [--keep DIR]

Fills a store by SQL with visits of one to twelve events, a fifth as many requests beside them, and asks each question
over all of it. Where days that are over are counted once, the first time and the times after it are two rows. CPU is
that of the whole process for one question: on a busy machine it says more than the clock.
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.part import alone, by_dose, say
from bench.query import settle
from bench.table import Row
from eventmill.query.ask import QUESTIONS, Sources
from eventmill.query.closed import ClosedDays
from eventmill.queue.memory import MemoryQueue
from eventmill.store.clickhouse import ClickHouseStore

_TODAY = datetime.now(UTC).date()
_FIRST = _TODAY - timedelta(days=29)
_BLOCK = 250_000
# Twelve rows are one or two visits; the second one is of somebody else. A visit is some hours off its place, so that
# neither time nor visitors come in order. Every tenth visit has a session of its own.
_VISITS = """INSERT INTO events
(site, topic, category, action, label, time, received, id_hash, receipt_high, receipt_low, user, session, url, referrer,
 source, channel, utm_campaign, browser, os, device, country, language, screen, stream, batch)
WITH
    intDiv(number, 12) AS block,
    number % 12 AS place,
    cityHash64(block, 'cut') % 12 AS cut,
    place >= cut AS second,
    cityHash64(block, second) AS visit,
    if(second, place - cut, place) AS step,
    if(step = 0, 1 + cityHash64(visit, 'from') % 5, 5) AS origin,
    cityHash64(number, 'what') AS dice,
    dice % 1000 / 1000 AS chance
SELECT
    ['shop', 'blog', 'docs'][1 + visit % 3], 'event', 'h5', if(dice % 10 < 8, 'pv', 'click'), toString(dice % 5003),
    toDateTime64({from:String}, 3, 'UTC') + (block * 12 / {rows:UInt64}) * 86400 * 29.5 + visit % 20000
        + step * (5 + visit % 120) + dice % 997 / 1000 AS time,
    time, cityHash64(number),
    bitOr(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(time)), 16), 0x7000),
    bitOr(0x8000000000000000, bitShiftLeft(cityHash64(number) % 1099511627776, 22)),
    concat('u', toString(visit % 1000000)), if(visit % 10 = 0, hex(visit), ''),
    concat('https://shop.example', multiIf(
        step = 0 AND dice % 3 < 2, '/',
        chance < 0.5, concat('/c/', toString(toUInt32(chance * 40))),
        concat('/item/', toString(toUInt32(pow(rand(1) / 4294967296, 4) * 20000))))),
    ['https://www.google.com/', 'https://www.bing.com/', 'https://weibo.com/', 'https://news.example/', ''][origin],
    ['google.com', 'bing.com', 'weibo.com', 'news.example', ''][origin],
    ['search', 'search', 'social', 'referral', 'direct'][origin], ['spring', 'sale', ''][1 + least(visit % 30, 2)],
    ['Chrome', 'Safari', 'Firefox'][1 + visit % 3], ['Windows', 'iOS', 'Android'][1 + visit % 3],
    ['desktop', 'phone'][1 + visit % 2], ['DE', 'CN', 'US', 'BR', 'IN', 'FR', 'JP', ''][1 + visit % 8],
    ['de', 'zh-CN', 'en-US', 'pt-BR'][1 + visit % 4], ['1920x1080', '390x844', '1440x900'][1 + visit % 3],
    'bench', intDiv(number, 50000)
FROM numbers({first:UInt64}, {block:UInt64})"""
_REQUESTS = """INSERT INTO events
(site, topic, category, action, label, value, time, received, id_hash, receipt_high, receipt_low, duration_ms, bytes,
 stream, batch)
SELECT
    'shop', 'request', 'shop', if(rand(1) % 5, 'GET', 'POST'), concat('/route/', toString(rand(2) % 60)),
    ['200', '200', '200', '200', '200', '200', '304', '404', '500', '503'][1 + rand(3) % 10],
    toDateTime64({from:String}, 3, 'UTC') + (number / {rows:UInt64}) * 86400 * 29.5 + rand(4) % 3600 AS time,
    time, cityHash64(number), number, number, exp(randNormal(3, 1)), rand(5) % 100000, 'bench-requests',
    intDiv(number, 50000)
FROM numbers({first:UInt64}, {block:UInt64})"""
FUNNEL = (
    '[{"name":"home","filters":[["is","page","/"]]},{"name":"item","filters":[["starts_with","page","/item/"]]},'
    '{"name":"click","filters":[["is","action","click"]]}]'
)


@dataclass(frozen=True)
class Asked:
    """A name, how many ms it may take, and the parameters beside the range; `cached`: days that are over are counted
    once, and `first` is how long that may take."""

    name: str
    must: float
    question: str
    params: dict[str, str]
    first: float | None = None


ASKED = (
    Asked("sessions by day", 300, "sessions", {}, first=3000),
    Asked("sessions by day, a third", 300, "sessions", {"site": "shop"}, first=3000),
    Asked("sessions by day, phones", 300, "sessions", {"filters": '[["is","device","phone"]]'}, first=3000),
    Asked("entry pages", 3000, "sessions/pages", {"kind": "entry"}, first=3000),
    Asked("flows, 4 steps", 1500, "flows", {}, first=3000),
    Asked("flows from a page", 1500, "flows", {"start": "/c/3"}),
    Asked("funnel of 3 steps", 3000, "funnel", {"steps": FUNNEL}),
    Asked("retention by day", 1500, "retention", {}),
    Asked("retention by week", 1500, "retention", {"interval": "week"}),
    Asked("requests by route", 300, "requests", {}, first=3000),
    Asked("requests by status", 300, "requests", {"by": "status"}, first=3000),
    Asked("visitors now", 300, "visitors", {}),
)


def fill(store: ClickHouseStore, rows: int) -> None:
    for statement, topic, count in ((_VISITS, "event", rows), (_REQUESTS, "request", rows // 5)):
        have = int(store.query(f"SELECT count() FROM events WHERE topic = '{topic}'")[0][0])
        for first in range(have, count, _BLOCK):
            size = min(_BLOCK, count - first)
            store.command(statement, {"from": f"{_FIRST} 00:00:00", "rows": count, "first": first, "block": size})
            if first // _BLOCK % 16 == 0:
                say(f"{first:,} of {count:,} rows of the topic {topic}")


def measure(sources: Sources, asked: Asked, times: int) -> list[Row]:
    question = QUESTIONS[asked.question]
    days = {} if asked.question == "visitors" else {"from": _FIRST.isoformat(), "to": _TODAY.isoformat()}

    def timed() -> float:
        began = time.perf_counter()
        question.ask(sources, {**days, **asked.params})
        return (time.perf_counter() - began) * 1000

    cpu = time.process_time()
    first = timed()
    first_cpu = (time.process_time() - cpu) * 1000
    cpu = time.process_time()
    spent = sorted(timed() for _ in range(times))
    cpu = (time.process_time() - cpu) * 1000 / times
    note = f"max {spent[-1]:.0f}, CPU {cpu:.0f}, first {first:.0f}, CPU of the first {first_cpu:.0f}"
    say(f"{asked.name}: {note}")
    rows = [Row(f"   {asked.name}, p50", spent[len(spent) // 2], "ms", asked.must, lower=True, note=note, detail=True)]
    if asked.first is not None:
        rows.append(
            Row(f"   {asked.name}, asked for the first time", first, "ms", asked.first, lower=True, detail=True)
        )
    return rows


def rows(given: argparse.Namespace) -> list[Row]:
    count, times = by_dose(given, "rows", 500_000, 20_000_000), by_dose(given, "times", 3, 5, 20)
    folder = given.keep or Path(tempfile.mkdtemp(prefix="eventmill-bench-", dir=os.environ.get("BENCH_DIR")))
    folder.mkdir(parents=True, exist_ok=True)
    # Longer than a server waits, so that a busy machine still shows what it would take.
    store = ClickHouseStore("chdb:", data=folder, zone="UTC", query_seconds=120)
    try:
        fill(store, count)
        settle(store)
        parts = store.query("SELECT count() FROM system.parts WHERE active AND table = 'events'")[0][0]
        say(f"{count:,} events of visits stored, {count // 5:,} requests, {parts} parts")
        closed = ClosedDays(store, "UTC")
        closed.worth = min(closed.worth, count // 10)
        closed.forget()  # of a store that was kept
        groups: Callable[[], dict[str, list[str]]] = dict
        sources = Sources(store, MemoryQueue(), "UTC", groups, closed=closed)
        found = [row for asked in ASKED for row in measure(sources, asked, times)]
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return [*found, Row("   memory of the one process, at most", most, "MB", detail=True)]
    finally:
        store.close()
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int)
    parser.add_argument("--times", type=int)
    parser.add_argument("--keep", type=Path, help="keep the store here, and use what it holds")


if __name__ == "__main__":
    sys.exit(alone("behaviour", __doc__, rows, options))
