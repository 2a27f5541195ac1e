"""Days that are over are worked out once: the same answers as without that, also after late events and erasing."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from eventmill.query import requests, sessions
from eventmill.query.closed import ClosedDays
from eventmill.query.source import Store
from tests import behaviour_reference as plain
from tests.stored_events import Row, frame, row

TODAY = datetime(2026, 4, 5, 12, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 27), date(2026, 4, 5)


class Watched:
    """The store, and how many events its statements could read at most, by the length of the stretch of time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.days: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        self._note(params or {})
        return self._store.query(sql, params)

    def frame(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        self._note(params or {})
        return self._store.frame(sql, params)

    def _note(self, params: Mapping[str, Any]) -> None:
        if "since_read" in params:
            self.days.append((params["until_read"] - params["since_read"]) / 86_400)


@pytest.fixture
def store(opened: Callable[..., Store]) -> Watched:
    made = Watched(opened("UTC"))
    rows = plain.walk(19, 3000, datetime(2026, 3, 25, tzinfo=UTC), TODAY)
    for number, event in enumerate(rows):
        if event["topic"] == "request":
            event["duration_ms"] = float(number % 97)
    made.insert("events", frame(rows))
    return made


def days_of(store: Watched) -> ClosedDays:
    closed = ClosedDays(store, "UTC", lambda: TODAY)  # type: ignore[arg-type]
    closed.worth = 1
    return closed


def visits(store: Watched, closed: ClosedDays | None, **params: str) -> sessions.SessionsAnswer:
    params = {"from": FIRST.isoformat(), "to": LAST.isoformat(), **params}
    return sessions.sessions(store, sessions.parse(params, "UTC"), closed)  # type: ignore[arg-type]


def calls(store: Watched, closed: ClosedDays | None, **params: str) -> requests.Requests:
    params = {"from": FIRST.isoformat(), "to": LAST.isoformat(), **params}
    return requests.requests(store, requests.parse(params, "UTC"), closed)  # type: ignore[arg-type]


def test_the_second_time_reads_only_the_days_that_are_not_over(store: Watched) -> None:
    closed = days_of(store)
    for params in ({}, {"interval": "hour"}, {"site": "shop"}, {"filters": '[["is","browser","Chrome"]]'}):
        plainly = visits(store, None, **params)
        assert visits(store, closed, **params) == plainly
        store.days.clear()
        assert visits(store, days_of(store), **params) == plainly
        # Yesterday's sessions may go on today; a day before and after is read with them.
        assert store.days == [4.0]
        store.days.clear()
        assert visits(store, closed, **params) == plainly
        assert store.days == []  # nothing was stored since
    for params in ({}, {"by": "status"}, {"limit": "2"}):
        plainly = calls(store, None, **params)
        assert calls(store, closed, **params) == plainly
        store.days.clear()
        assert calls(store, days_of(store), **params) == plainly
        assert store.days == [1.0]


def test_a_late_event_changes_its_day_and_those_beside_it(store: Watched) -> None:
    closed = days_of(store)
    assert visits(store, closed) == visits(store, None)
    late: list[Row] = []
    for day in (29, 30):  # over midnight, and the next day's first visit may join it
        moment = datetime(2026, 3, day, 23, 50, tzinfo=UTC)
        late += [row(moment + timedelta(minutes=20 * n), user=f"u{n % 3}", site="shop", action="pv") for n in range(6)]
    store.insert("events", frame(late))
    assert visits(store, closed) == visits(store, None)
    store.insert("events", frame([row(datetime(2026, 3, 30, 9, tzinfo=UTC), topic="request", duration_ms=5.0)]))
    assert calls(store, closed) == calls(store, None)


def test_erasing_and_few_events(store: Watched) -> None:
    closed = days_of(store)
    visits(store, closed)
    kept = "SELECT count() FROM closed_answers"
    assert store.query(kept)[0][0] > 0
    closed.forget()
    assert store.query(kept)[0][0] == 0
    closed.worth = 1_000_000
    assert visits(store, closed) == visits(store, None)
    assert store.query(kept)[0][0] == 0


def test_zones_and_ranges_do_not_meet(store: Watched) -> None:
    closed = days_of(store)
    for zone in ("UTC", "Asia/Kolkata", "Europe/Berlin"):
        for first in ("2026-03-28", "2026-03-31"):
            given = {"tz": zone, "from": first, "to": "2026-04-03"}
            assert visits(store, closed, **given) == visits(store, None, **given)
            assert visits(store, closed, **given) == visits(store, None, **given)
    assert visits(store, closed, **{"from": "1800-01-01", "to": "1800-01-02"}).data == []
