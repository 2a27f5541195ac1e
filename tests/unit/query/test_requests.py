"""Requests: counts and bytes exact, quantiles within 1 % of the duration at their rank."""

import math
import random
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventmill.query import latency, requests
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests.stored_events import Row, frame, local, row

FIRST, LAST = date(2026, 3, 28), date(2026, 4, 5)
LEVELS = (0.5, 0.95, 0.99)


def made(seed: int, count: int) -> list[Row]:
    chance = random.Random(seed)
    begin, end = (int(datetime(2026, month, day, tzinfo=UTC).timestamp() * 1000) for month, day in ((3, 26), (4, 8)))
    return [
        row(
            chance.randrange(begin, end), topic=chance.choice(["request"] * 9 + ["event"]), site="shop",
            category="shop", action=chance.choice(["GET", "POST"]),
            label=chance.choice(["/", "/item/:id", "/c%2Ejs", "/api"]),
            value=chance.choice(["200"] * 3 + ["404", "500", "503", "", "odd"]),
            duration_ms=None if chance.random() < 0.05 else chance.choice([0.0, chance.lognormvariate(3, 2)]),
            bytes=None if chance.random() < 0.05 else chance.randrange(10**9), user="",
        )
        for _ in range(count)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return made(1, 6000)


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    opened_store = opened("Europe/Berlin")
    for part in range(3):
        opened_store.insert("events", frame(rows[part::3]))
    return opened_store


def ask(store: Store, first: date = FIRST, last: date = LAST, **params: str) -> requests.Requests:
    params = {"from": first.isoformat(), "to": last.isoformat(), **params}
    return requests.requests(store, requests.parse(params, "UTC"))


def chosen(rows: Iterable[Row], zone: str, first: date = FIRST, last: date = LAST) -> list[Row]:
    return [e for e in rows if e["topic"] == "request" and first <= local(e, zone).date() <= last]


def exact(events: Iterable[Row], level: float) -> float | None:
    took = sorted(e["duration_ms"] for e in events if e["duration_ms"] is not None)
    return took[max(1, math.ceil(level * len(took))) - 1] if took else None


def failed(event: Row) -> bool:
    return event["value"] in ("500", "503")


def agree(found: Any, events: list[Row]) -> None:
    """Counts exactly, quantiles within 1 %."""
    assert (found.count, found.errors) == (len(events), sum(map(failed, events)))
    for shown, level in zip((found.p50, found.p95, found.p99), LEVELS, strict=True):
        wanted = exact(events, level)
        assert (shown is None) is (wanted is None)
        assert wanted is None or shown == pytest.approx(wanted, rel=0.0101, abs=latency.LEAST_MS)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
@pytest.mark.parametrize(("by", "field"), [("route", "label"), ("status", "value"), ("method", "action")])
def test_against_a_reference(store: Store, rows: list[Row], zone: str, by: str, field: str) -> None:
    events = chosen(rows, zone)
    seconds = 9 * 86_400 - (3600 if zone == "Europe/Berlin" else 0)
    answer = ask(store, tz=zone, by=by)
    groups = {value: [e for e in events if e[field] == value] for value in {e[field] for e in events}}
    ranked = sorted(groups, key=lambda value: (-len(groups[value]), value))
    assert [each.value for each in answer.data] == ranked
    for each in answer.data:
        agree(each, groups[each.value])
        assert each.share == len(groups[each.value]) / len(events)
        assert each.rate == len(groups[each.value]) / seconds
        assert each.error_rate == each.errors / each.count
        assert each.bytes == sum(e["bytes"] or 0 for e in groups[each.value])
    agree(answer.total, events)
    assert (answer.total.share, answer.total.bytes) == (1.0, sum(e["bytes"] or 0 for e in events))
    for point in answer.series:
        agree(point, [e for e in events if local(e, zone).date().isoformat() == point.time])
    assert sum(point.count for point in answer.series) == len(events)
    assert sum(bar.count for bar in answer.histogram) == sum(e["duration_ms"] is not None for e in events)
    assert [each.value for each in ask(store, tz=zone, by=by, limit="2").data] == ranked[:2]


def test_hours_of_a_day_of_23(store: Store, rows: list[Row]) -> None:
    day = date(2026, 3, 29)
    answer = ask(store, day, day, tz="Europe/Berlin")
    events = chosen(rows, "Europe/Berlin", day, day)
    assert len(answer.series) == 23
    for point in answer.series:
        hour = datetime.fromisoformat(point.time)
        agree(point, [e for e in events if 0 <= e["time"] - hour.timestamp() * 1000 < 3_600_000])


def test_the_histogram_counts_what_took_at_most_so_long(store: Store, rows: list[Row]) -> None:
    bars = ask(store).histogram
    took = [e["duration_ms"] for e in chosen(rows, "UTC") if e["duration_ms"] is not None]
    assert [bar.ms for bar in bars] == sorted({bar.ms for bar in bars})
    for at, bar in enumerate(bars):
        below = sum(each.count for each in bars[: at + 1])
        assert sum(t < bar.ms * 0.98 for t in took) <= below <= sum(t <= bar.ms * 1.02 for t in took)


def test_the_period_before_and_filters(store: Store) -> None:
    answer = ask(store, date(2026, 4, 3), date(2026, 4, 4), compare="previous", filters='[["is","route","/api"]]')
    alone = ask(store, date(2026, 4, 1), date(2026, 4, 2), label="/api")
    assert answer.before == alone.total
    assert [each.value for each in answer.data] == ["/api"]
    assert ask(store, topic="event").total.count > 0


def test_nothing(store: Store) -> None:
    for answer in (ask(store, date(1900, 1, 1), date(1900, 1, 2)), ask(store, site="nowhere", compare="previous")):
        assert (answer.data, answer.histogram) == ([], [])
        assert (answer.total.count, answer.total.rate, answer.total.p50, answer.total.error_rate) == (0, 0.0, None, 0.0)


@given(st.floats(latency.LEAST_MS, 1e12))
def test_a_bucket_stands_for_what_is_in_it(ms: float) -> None:
    bucket = math.floor(math.log(ms) / math.log(latency.GROWTH))
    assert latency.middle(bucket) == pytest.approx(ms, rel=0.0101)


@pytest.mark.parametrize(
    ("params", "message"),
    [({"by": "url"}, "unknown by"), ({"limit": "x"}, "limit is"), ({"compare": "yes"}, "unknown compare")],
)
def test_what_is_wrong_is_said(params: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        requests.parse({"from": "2026-11-20", "to": "2026-11-20", **params}, "UTC")
