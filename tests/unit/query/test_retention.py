"""Retention: equal to a plain reference, by day, week and month."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from eventmill.query import retention
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests import behaviour_reference as plain
from tests.days_over import thrice
from tests.stored_events import Row, frame, local

FIRST, LAST = date(2026, 2, 20), date(2026, 4, 9)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    made = plain.walk(13, 1500, datetime(2026, 2, 15, tzinfo=UTC), datetime(2026, 4, 14, tzinfo=UTC))
    # Most are there in all periods; some only now and then.
    for number, event in enumerate(made):
        if number % 3 == 0 and event["user"]:
            event["user"] = f"v{number % 150}"
    return made


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("Europe/Berlin")
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


def ask(store: Store, **params: str) -> list[tuple[str, int, list[int]]]:
    params = {"from": FIRST.isoformat(), "to": LAST.isoformat(), **params}
    request = retention.parse(params, "UTC")
    found = thrice(store, lambda closed: retention.retention(store, request, closed)).data
    return [(row.cohort, row.visitors, row.returned) for row in found]


def expected(
    base: list[Row], again: list[Row], zone: str, interval: str, periods: int
) -> list[tuple[str, int, list[int]]]:
    base = [e for e in base if FIRST <= local(e, zone).date() <= LAST]
    again = [e for e in again if FIRST <= local(e, zone).date() <= LAST]
    found = plain.cohorts(base, again, zone, interval)
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    starts = sorted({plain.period(day, interval) for day in days})
    answer = []
    for place, start in enumerate(starts):
        visitors, there = found.get(start, (0, {}))
        answer.append((start.isoformat(), visitors, [there.get(at, 0) for at in starts[place : place + periods]]))
    return answer


@pytest.mark.parametrize("periods", [1, 8, 31])
@pytest.mark.parametrize("interval", retention.INTERVALS)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
def test_against_a_reference(store: Store, rows: list[Row], zone: str, interval: str, periods: int) -> None:
    people = plain.by_people(rows)
    answer = ask(store, tz=zone, interval=interval, periods=str(periods))
    assert answer == expected(people, people, zone, interval, periods)
    assert sum(visitors for _, visitors, _ in answer) > 40
    assert all(returned[0] == visitors for _, visitors, returned in answer)


def test_the_first_event_and_the_return_are_two_conditions(store: Store, rows: list[Row]) -> None:
    base = [e for e in plain.by_people(rows) if e["site"] == "shop" and e["browser"] == "Chrome" and e["label"] == "a"]
    again = [e for e in plain.by_people(rows) if e["site"] == "shop" and e["action"] == "click"]
    found = ask(
        store, site="shop", label="a", filters='[["is","browser","Chrome"]]', again='[["is","action","click"]]',
        interval="week",
    )  # fmt: skip
    assert found == expected(base, again, "UTC", "week", 8)
    assert any(returned[0] < visitors for _, visitors, returned in found)


def test_a_topic_holds_for_both(store: Store, rows: list[Row]) -> None:
    requests = [e for e in rows if e["topic"] == "request"]
    assert ask(store, topic="request") == expected(requests, requests, "UTC", "day", 8)
    named = '[["is","topic","request"]]'
    people = plain.by_people(rows)
    assert ask(store, again=named) == expected(people, requests, "UTC", "day", 8)
    assert ask(store, filters=named) == expected(requests, people, "UTC", "day", 8)


def test_nothing(store: Store) -> None:
    assert ask(store, **{"from": "1900-01-01", "to": "1900-01-02"}) == []
    assert ask(store, **{"from": "2001-01-01", "to": "2001-01-02"}) == [
        ("2001-01-01", 0, [0, 0]),
        ("2001-01-02", 0, [0]),
    ]


@pytest.mark.parametrize(
    ("params", "message"),
    [({"interval": "hour"}, "unknown interval"), ({"periods": "32"}, "from 1 to 31"),
     ({"periods": "0"}, "from 1 to 31"), ({"again": "x"}, "again: "), ({"from": "2020-01-01"}, "cohorts are too many")],
)  # fmt: skip
def test_what_is_wrong_is_said(params: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        retention.parse({"from": "2026-11-20", "to": "2026-11-20", **params}, "UTC")
