"""What alerts measure, against a plain count over the same events; the week before on the clocks of the zone."""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.alerts.evaluate import measure, week_before
from eventmill.alerts.model import Spec
from eventmill.query.ask import Sources
from eventmill.queue.base import Lag, Received
from eventmill.settings import Product
from eventmill.store.clickhouse import ClickHouseStore
from tests.stored_events import Row, frame, row, scattered
from tests.unit.query.queues import FakeQueue

ZONE = "Europe/Berlin"
FIRST, END = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 10, 28, tzinfo=UTC)  # clocks go back on the 25th
FIRST_MS, END_MS = (int(moment.timestamp() * 1000) for moment in (FIRST, END))
HOUR = 3_600_000


def made_events() -> list[Row]:
    chance = random.Random(3)
    rows = scattered(11, 3000, FIRST, END)
    for event in rows:
        event["received"] = event["time"] + chance.randrange(60_000)
    for number in range(1500):
        status, took = chance.choice(["200", "200", "404", "500", "503", ""]), chance.random() * 900
        rows.append(
            row(
                chance.randrange(FIRST_MS, END_MS), topic="request", site="shop", category="shop", action="GET",
                label="/a", value=status, duration_ms=took, receipt_low=100_000 + number,
            )
        )  # fmt: skip
    return rows


EVENTS = made_events()


@pytest.fixture(scope="module")
def store(opened: Callable[..., ClickHouseStore]) -> ClickHouseStore:
    made = opened(ZONE)
    made.insert("events", frame(EVENTS))
    rejects = [
        {"topic": ("order", "event")[n % 2], "reason": "r", "detail": "", "received": FIRST_MS + n * HOUR // 7,
         "id": "", "receipt_high": 1, "receipt_low": n, "receipt_index": 0, "bytes": "", "stream": "s", "batch": 1}
        for n in range(500)
    ]  # fmt: skip
    made.insert(
        "rejects",
        pl.DataFrame(rejects).with_columns(
            pl.col("received").cast(pl.Datetime("ms", "UTC")), pl.col("receipt_index").cast(pl.UInt32),
            *(pl.col(name).cast(pl.UInt64) for name in ("receipt_high", "receipt_low", "batch")),
        ),
    )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture(scope="module")
def sources(store: ClickHouseStore, queue: FakeQueue) -> Sources:
    return Sources(store, queue, ZONE, lambda: {"store": ["event", "order", "request"]})


def plainly(spec: Spec, since: int, until: int) -> float | None:
    """The statistic by the plainest means."""
    if spec.statistic == "rejected":
        moments = [(("order", "event")[n % 2], FIRST_MS + n * HOUR // 7) for n in range(500)]
        return float(sum(since <= at < until and spec.topic in ("", topic) for topic, at in moments))
    topic = spec.topic or ("" if spec.statistic in ("pv", "uv") else "request")
    found = [
        event
        for event in EVENTS
        if since <= event["time"] < until
        and topic in ("", event["topic"])
        and spec.site in ("", event["site"])
        and all(event[name] == value for _, name, value in spec.filters)
    ]
    errors = sum(event["value"] in ("500", "503") for event in found)
    if spec.statistic == "uv":
        return float(len({event["user"] for event in found} - {""}))
    if spec.statistic == "errors":
        return float(errors)
    if spec.statistic == "error_rate":
        return errors / len(found) if found else None
    return float(len(found))


SPEC = st.builds(
    Spec,
    kind=st.sampled_from(["threshold", "change"]),
    statistic=st.sampled_from(["pv", "uv", "requests", "errors", "error_rate", "rejected"]),
    topic=st.sampled_from(["", "", "event", "order", "request"]),
    site=st.sampled_from(["", "", "shop", "blog"]),
    filters=st.sampled_from(
        [[], [], [("is", "browser", "Chrome")], [("is", "category", "h5"), ("is", "action", "pv")]]
    ),
    window=st.sampled_from(["1m", "1h", "90m", "1d", "7d"]),
    percent=st.just(1.0),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SPEC, st.integers(0, 9 * 24 * 60))
def test_statistics_against_a_plain_count(sources: Sources, spec: Spec, minutes: int) -> None:
    now = FIRST_MS + minutes * 60_000 + 17
    if spec.statistic == "rejected":
        spec = Spec(kind=spec.kind, statistic="rejected", topic=spec.topic, window=spec.window, percent=1.0)
    found = measure(spec, sources, now, 0)
    assert found.value == plainly(spec, now - spec.window_ms, now)
    if spec.kind == "change":
        then = week_before(now, ZONE)
        assert found.before == plainly(spec, then - spec.window_ms, then)
    else:
        assert found.before is None


def test_the_slowest_requests(sources: Sources) -> None:
    spec = Spec(kind="threshold", statistic="p95_ms", above=1.0, window="8d")
    times = sorted(event["duration_ms"] for event in EVENTS if event["duration_ms"] is not None)
    found = measure(spec, sources, END_MS, 0).value
    assert found is not None
    assert math.isclose(found, times[int(len(times) * 0.95)], rel_tol=0.02)
    assert measure(Spec(kind="threshold", statistic="p95_ms", window="1m"), sources, FIRST_MS, 0).value is None


@given(st.integers(1_578_000_000, 1_893_000_000), st.sampled_from([ZONE, "UTC", "America/New_York"]))
def test_a_week_before_is_the_same_time_on_the_clocks(second: int, zone: str) -> None:
    now = second * 1000
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone))
    before = datetime.fromtimestamp(week_before(now, zone) / 1000, UTC).astimezone(ZoneInfo(zone))
    wanted = (local.replace(tzinfo=None) - timedelta(days=7)).replace(tzinfo=ZoneInfo(zone))
    skipped = wanted.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wanted.replace(tzinfo=None)
    if not skipped:  # there is no 2:30 when the clocks go forward
        assert abs(before.replace(tzinfo=None) - wanted.replace(tzinfo=None)) < timedelta(milliseconds=2)


def test_products_are_the_configured_ones(store: ClickHouseStore, queue: FakeQueue) -> None:
    named = Sources(store, queue, ZONE, dict, products=(Product(name="the blog", site="blog"),))
    spec = Spec(kind="threshold", above=1, window="8d", filters=[("is", "product", "the blog")])
    assert measure(spec, named, END_MS, 0).value == sum(event["site"] == "blog" for event in EVENTS)


def test_silence(sources: Sources, queue: FakeQueue) -> None:
    spec = Spec(kind="silence", window="10m")
    last = max(event["received"] for event in EVENTS)
    assert measure(spec, sources, last + 60_000, 0).value == 1.0
    assert measure(spec, sources, last + 599_000, 0).value == 1.0
    assert measure(spec, sources, last + 601_000, 0).value == 0.0
    assert measure(spec, sources, last + 601_000, last + 300_000).value is None  # made five minutes ago
    assert measure(Spec(kind="silence", window="10m", topic="order"), sources, last, 0).value == 0.0
    assert measure(Spec(kind="silence", window="10m", site="elsewhere"), sources, last, 0).value == 0.0
    queue.waiting = [Lag("store", "event", "shard-000", 5, 1000)]
    try:
        assert measure(spec, sources, last + 601_000, 0).value is None  # what waits may be what is missed
        assert measure(Spec(kind="silence", window="10m", topic="order"), sources, last, 0).value == 0.0
    finally:
        queue.waiting = []


def test_the_pipeline(sources: Sources, queue: FakeQueue) -> None:
    def now(statistic: str, topic: str = "") -> float | None:
        return measure(Spec(kind="pipeline", statistic=statistic, topic=topic), sources, END_MS, 0).value

    assert (now("lag_events"), now("lag_seconds"), now("unbalanced")) == (0.0, 0.0, 0.0)
    queue.waiting = [Lag("store", "event", "a", 5, 61_000), Lag("store", "order", "a", 7, 2_500)]
    queue.got = [Received("event", END_MS // 60_000, 5), Received("order", END_MS // 60_000, 7)]
    try:
        assert (now("lag_events"), now("lag_seconds"), now("unbalanced")) == (12.0, 61.0, 0.0)
        assert (now("lag_events", "order"), now("lag_seconds", "order")) == (7.0, 2.5)
        queue.got.append(Received("event", END_MS // 60_000 - 5, 1))  # neither waiting nor handled
        assert (now("unbalanced"), now("unbalanced", "order"), now("unbalanced", "event")) == (1.0, 0.0, 1.0)
    finally:
        queue.waiting, queue.got = [], []
