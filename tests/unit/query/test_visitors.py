"""Visitors now: equal to a plain count of the last minutes."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from eventmill.query import visitors
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests import behaviour_reference as plain
from tests.stored_events import Row, frame

NOW = datetime(2026, 3, 28, 12, 30, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return plain.walk(17, 3000, NOW - timedelta(hours=2), NOW + timedelta(minutes=10))


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("Europe/Berlin")
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


def ask(store: Store, **params: str) -> visitors.Visitors:
    return visitors.visitors(store, visitors.parse(params, "UTC"), NOW)


def people(events: list[Row]) -> int:
    return len({e["user"] for e in events if e["user"]})


@pytest.mark.parametrize("minutes", [1, 5, 60])
@pytest.mark.parametrize("site", ["", "shop"])
def test_against_a_reference(store: Store, rows: list[Row], minutes: int, site: str) -> None:
    first = NOW.replace(second=0) - timedelta(minutes=minutes - 1)
    end = (NOW.timestamp() + 1) * 1000
    events = [
        e for e in plain.by_people(rows) if first.timestamp() * 1000 <= e["time"] < end and site in ("", e["site"])
    ]
    answer = ask(store, minutes=str(minutes), site=site)
    assert (answer.visitors, answer.views) == (people(events), len(events))
    assert events
    starts = [first + timedelta(minutes=n) for n in range(minutes)]
    assert [each.time for each in answer.data] == [start.isoformat() for start in starts]
    for each, start in zip(answer.data, starts, strict=True):
        then = [e for e in events if 0 <= e["time"] - start.timestamp() * 1000 < 60_000]
        assert (each.visitors, each.views) == (people(then), len(then))
    seen: dict[str, list[Row]] = defaultdict(list)
    for event in events:
        if plain.is_view(event) and event["user"]:
            seen[plain.page(event)].append(event)
    ranked = sorted(((-people(found), page) for page, found in seen.items()))[:10]
    assert [(-each.visitors, each.value) for each in answer.pages] == ranked


def test_five_minutes_by_default_in_the_zone_asked_for(store: Store) -> None:
    answer = ask(store, tz="Asia/Kolkata")
    assert [each.time for each in answer.data][::4] == ["2026-03-28T17:56:00+05:30", "2026-03-28T18:00:00+05:30"]
    assert len(answer.data) == 5


def test_nobody(store: Store) -> None:
    answer = ask(store, site="nowhere", minutes="2")
    assert (answer.visitors, answer.views, answer.pages) == (0, 0, [])
    assert [(each.visitors, each.views) for each in answer.data] == [(0, 0), (0, 0)]


@pytest.mark.parametrize("minutes", ["0", "61", "x"])
def test_what_is_wrong_is_said(minutes: str) -> None:
    with pytest.raises(RequestError, match="from 1 to 60"):
        visitors.parse({"minutes": minutes}, "UTC")
