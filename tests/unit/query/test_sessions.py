"""Sessions: equal to a plain reference over random, shuffled events, in any zone and any range."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from eventmill.query import sessions
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests import behaviour_reference as plain
from tests.stored_events import Row, frame, local, row

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe")
FIRST, LAST = date(2026, 3, 27), date(2026, 4, 5)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return plain.walk(3, 4000, datetime(2026, 3, 24, tzinfo=UTC), datetime(2026, 4, 8, tzinfo=UTC))


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("Europe/Berlin")
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


def ask(store: Store, first: date = FIRST, last: date = LAST, **params: str) -> sessions.SessionsAnswer:
    params = {"from": first.isoformat(), "to": last.isoformat(), **params}
    return sessions.sessions(store, sessions.parse(params, "UTC"))


def figures(visits: list[plain.Visit]) -> tuple[int, int, int, float | None]:
    """Sessions, bounces, pages, mean duration."""
    views = [sum(map(plain.is_view, visit)) for visit in visits]
    lengths = [visit[-1]["time"] - visit[0]["time"] for visit in visits]
    mean = sum(lengths) / 1000 / len(visits) if visits else None
    return len(visits), views.count(1), sum(views), mean


def shown(found: sessions.Sessions | sessions.SessionsTotal) -> tuple[int, int, int, float | None]:
    return found.sessions, found.bounces, found.pages, found.duration_s


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "params", [{}, {"site": "shop"}, {"topic": "request"}, {"filters": '[["is","browser","Chrome"]]'}]
)
def test_days_against_a_reference(store: Store, rows: list[Row], zone: str, params: dict[str, str]) -> None:
    events = [e for e in rows if "site" not in params or e["site"] == "shop"]
    events = [e for e in events if "filters" not in params or e["browser"] == "Chrome"]
    visits = plain.begun(plain.visits(events, params.get("topic")), zone, FIRST, LAST)
    by_day: dict[str, list[plain.Visit]] = defaultdict(list)
    for visit in visits:
        by_day[local(visit[0], zone).date().isoformat()].append(visit)
    answer = ask(store, tz=zone, **params)
    days = [(FIRST + timedelta(days=n)).isoformat() for n in range((LAST - FIRST).days + 1)]
    assert [each.time for each in answer.data] == days
    assert {each.time: shown(each) for each in answer.data} == {day: figures(by_day[day]) for day in days}
    assert shown(answer.total) == figures(visits)
    assert answer.total.sessions > 50


@pytest.mark.parametrize("zone", ZONES)
def test_hours_against_a_reference(store: Store, rows: list[Row], zone: str) -> None:
    by_hour: dict[str, list[plain.Visit]] = defaultdict(list)
    for visit in plain.begun(plain.visits(rows), zone, FIRST, LAST):
        at = local(visit[0], zone)
        if zone == "Australia/Lord_Howe" and at.date() == date(2026, 4, 5):
            continue  # clocks go back by half an hour: which hour a moment belongs to has no one answer
        by_hour[at.replace(minute=0, second=0, microsecond=0).isoformat()].append(visit)
    found = ask(store, tz=zone, interval="hour").data
    assert len({each.time for each in found}) == len(found)
    wanted = {hour: figures(visits) for hour, visits in by_hour.items()}
    assert {e.time: shown(e) for e in found if e.sessions and (e.time in wanted or "Lord_Howe" not in zone)} == wanted


def test_one_day_says_the_same_alone_as_in_a_longer_range(store: Store) -> None:
    together = {each.time: shown(each) for each in ask(store).data}
    alone = {day: shown(ask(store, date.fromisoformat(day), date.fromisoformat(day)).total) for day in together}
    assert alone == together


def test_total_and_the_period_before(store: Store, rows: list[Row]) -> None:
    answer = ask(store, interval="total", compare="previous", first=date(2026, 4, 1), last=date(2026, 4, 3))
    assert [each.time for each in answer.data] == ["2026-04-01"]
    assert answer.before is not None
    assert shown(answer.before) == shown(ask(store, date(2026, 3, 29), date(2026, 3, 31)).total)
    assert answer.total.bounce_rate == answer.total.bounces / answer.total.sessions
    assert answer.total.pages_per_session == answer.total.pages / answer.total.sessions


def test_nothing_is_null_and_zero(store: Store) -> None:
    answer = ask(store, date(2020, 1, 1), date(2020, 1, 2))
    assert [(each.time, each.sessions, each.duration_s) for each in answer.data] == [
        ("2020-01-01", 0, None), ("2020-01-02", 0, None),
    ]  # fmt: skip
    assert answer.total.bounce_rate is None
    assert ask(store, date(1, 1, 1), date(1, 1, 2), compare="previous").data == []


def test_late_events_join_two_sessions(opened: Callable[..., Store]) -> None:
    store = opened("UTC")
    midnight = datetime(2026, 11, 20, tzinfo=ZoneInfo("UTC"))
    at = [midnight + timedelta(minutes=minutes) for minutes in (-20, 20, 45)]
    store.insert("events", frame([row(moment, action="pv") for moment in at]))
    day = date(2026, 11, 20)
    assert shown(ask(store, day, day).total) == (1, 0, 2, 25 * 60.0)
    store.insert("events", frame([row(midnight, action="pv")]))
    assert ask(store, day, day).total.sessions == 0, "it began the day before"
    assert shown(ask(store, day - timedelta(days=1), day).total) == (1, 0, 4, 65 * 60.0)


@pytest.mark.parametrize(
    ("params", "message"),
    [({"interval": "week"}, "unknown interval"), ({"compare": "last"}, "unknown compare"),
     ({"step": "1"}, "unknown parameter"), ({"from": "1971-01-01", "interval": "hour"}, "hours")],
)  # fmt: skip
def test_what_is_wrong_is_said(params: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        sessions.parse({"from": "2026-11-20", "to": "2026-11-20", **params}, "UTC")
