"""Series: every bucket once, gaps as zeros, the same sums as a plain reference."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from eventmill.query import series
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests.stored_events import Row, frame, local, scattered, tally

ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Beirut")
FIRST, LAST = date(2026, 3, 25), date(2026, 4, 2)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return scattered(5, 3000, datetime(2026, 3, 24, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC))


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("Europe/Berlin")
    made.insert("events", frame(rows))
    return made


def ask(
    store: Store, zone: str, interval: str, first: date = FIRST, last: date = LAST, category: str = "h5"
) -> list[tuple[str, int, int]]:
    params = {"from": str(first), "to": str(last), "tz": zone, "interval": interval, "category": category}
    answer = series.series(store, series.parse(params, "UTC"), "Europe/Berlin")
    return [(point.time, point.pv, point.uv) for point in answer.data]


def begin(at: datetime, interval: str) -> str:
    if interval == "minute":
        return at.replace(second=0, microsecond=0).isoformat()
    if interval == "hour":
        return at.replace(minute=0, second=0, microsecond=0).isoformat()
    day = at.date()
    if interval == "week":
        day -= timedelta(days=day.weekday())
    elif interval == "month":
        day = day.replace(day=1)
    return day.isoformat()


@pytest.mark.parametrize("interval", series.INTERVALS)
@pytest.mark.parametrize("zone", ZONES)
def test_against_a_reference(store: Store, rows: list[Row], zone: str, interval: str) -> None:
    events = [e for e in rows if e["category"] == "h5" and FIRST <= local(e, zone).date() <= LAST]
    expected = tally((begin(local(e, zone), interval), e) for e in events)
    found = ask(store, zone, interval)
    assert {time: (pv, uv) for time, pv, uv in found if pv} == expected
    times = [time for time, _, _ in found]
    assert len(set(times)) == len(times)
    if interval == "day":
        assert times == [(FIRST + timedelta(days=n)).isoformat() for n in range((LAST - FIRST).days + 1)]


def test_a_day_of_23_and_one_of_25_hours(store: Store) -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert len(ask(store, "Europe/Berlin", "hour", spring, spring)) == 23
    hours = ask(store, "Europe/Berlin", "hour", autumn, autumn)
    assert len(hours) == 25
    assert [time for time, _, _ in hours][2:4] == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]


def test_too_many_points_are_refused() -> None:
    with pytest.raises(RequestError, match="too many"):
        series.parse({"from": "2020-01-01", "to": "2026-12-31", "interval": "minute"}, "UTC")


def test_days_that_the_store_cannot_hold_have_no_points(store: Store) -> None:
    assert ask(store, "UTC", "month", date(1800, 1, 15), date(1800, 3, 1)) == []
    assert ask(store, "Asia/Kolkata", "week", date(9999, 12, 30), date(9999, 12, 31)) == []
    assert len(ask(store, "Asia/Kolkata", "week", date(2148, 12, 30), date(9999, 12, 31))) == 1


def test_the_period_before(store: Store) -> None:
    params = {"from": "2026-03-28", "to": "2026-04-01", "compare": "previous", "tz": "Europe/Berlin"}
    for interval in ("day", "hour"):
        answer = series.series(store, series.parse({**params, "interval": interval}, "UTC"), "Europe/Berlin")
        assert answer.before is not None
        before = ask(store, "Europe/Berlin", interval, date(2026, 3, 23), date(2026, 3, 27), category="")
        assert [(point.time, point.pv, point.uv) for point in answer.before] == before
        assert len(answer.before) == len(answer.data) + (interval == "hour"), "the day of 23 hours is in the range"
    assert b"before" not in msgspec.json.encode(series.Series(answer.data))
