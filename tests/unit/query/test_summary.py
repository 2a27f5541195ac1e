"""The summary agrees with the other statistics, and with a plain count."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from eventmill.query import counts, sessions, summary
from eventmill.query.source import Store
from tests.stored_events import Row, frame, local
from tests.unit.query.reference import holds, varied

FIRST, LAST = date(2026, 11, 11), date(2026, 11, 20)
RANGE = {"from": FIRST.isoformat(), "to": LAST.isoformat()}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return varied(12, 3000, datetime(2026, 10, 28, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("UTC")
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


def ask(store: Store, **params: str) -> summary.Summary:
    return summary.summary(store, summary.parse({**RANGE, **params}, "UTC"), "UTC")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
@pytest.mark.parametrize(
    "filters", [[], [["is", "browser", "Chrome"]], [["is", "category", "h5"], ["contains", "page", "/"]]]
)
def test_against_a_plain_count(store: Store, rows: list[Row], zone: str, filters: list[Any]) -> None:
    answer = ask(store, tz=zone, filters=json.dumps(filters), compare="previous")
    assert answer.before is not None
    for figures, first, last in ((answer.data, FIRST, LAST), (answer.before, date(2026, 11, 1), date(2026, 11, 10))):
        events = [e for e in rows if first <= local(e, zone).date() <= last and holds(e, filters)]
        views = [e for e in events if e["topic"] not in ("request", "log")]
        assert figures.events == len(events) > len(views) == figures.views > 0
        assert figures.visitors == len({e["user"] for e in views} - {""})
        params = {"from": str(first), "to": str(last), "tz": zone, "filters": json.dumps(filters), "interval": "total"}
        total = sessions.sessions(store, sessions.parse(params, "UTC")).total
        found = (figures.visits, figures.bounce_rate, figures.duration_s)
        assert found == (total.sessions, total.bounce_rate, total.duration_s)
    assert ask(store, tz=zone, filters=json.dumps(filters)).before is None


def test_a_topic_that_is_named_counts_as_views(store: Store, rows: list[Row]) -> None:
    figures = ask(store, topic="request").data
    count = counts.counts(store, counts.parse({**RANGE, "topic": "request", "interval": "total"}, "UTC"), "UTC").data[0]
    assert figures.views == figures.events == count.eventData.pv > 0
    assert figures.visitors == count.eventData.uv


def test_no_events_and_no_days(store: Store) -> None:
    nothing = summary.Figures(0, 0, 0, None, None, 0)
    assert ask(store, site="nobody", compare="previous") == summary.Summary(nothing, nothing)
    assert ask(store, **{"from": "1800-01-01", "to": "1800-01-01"}).data == nothing
