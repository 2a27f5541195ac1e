"""Expired raw events leave their daily counts; a crash at any point changes no number."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from eventmill.query import counts, series, top
from eventmill.store import retention
from eventmill.store.clickhouse import ClickHouseStore
from tests.stored_events import frame, row, scattered

Opened = Callable[..., ClickHouseStore]
ZONE = "Europe/Berlin"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
DAY_MS = 86_400_000


class Crash(Exception):
    """Stops the expiry where the test says."""


def figures(store: ClickHouseStore) -> list[object]:
    found: list[object] = []
    given = {"from": "2026-08-01", "to": "2026-11-30"}
    for params in ({}, {"by": "all", "interval": "total"}, {"by": "label"}, {"category": "h5", "site": "shop"},
                   {"metrics": "pv", "by": "action"}):  # fmt: skip
        found.append(counts.counts(store, counts.parse({**given, **params}, ZONE), ZONE))
    for interval in ("day", "week", "month"):
        found.append(series.series(store, series.parse({**given, "interval": interval}, ZONE), ZONE))
    for dimension in ("category", "label", "site"):
        found.append(top.top(store, top.parse({**given, "dimension": dimension}, ZONE), ZONE))
    return found


@pytest.fixture
def store(opened: Opened) -> ClickHouseStore:
    made = opened(zone=ZONE)
    events = scattered(7, 4000, NOW - timedelta(days=80), NOW)
    for event in events[::20]:
        event["received"] = event["time"] + 2 * DAY_MS  # late: their day of time has other days of receipt
    made.insert("events", frame(events))
    return made


@pytest.mark.parametrize("point", [None, "counted", "deleted"])
def test_statistics_stay(store: ClickHouseStore, point: str | None) -> None:
    before = figures(store)
    reached = 0

    def at(place: str) -> None:
        nonlocal reached
        reached += place == point
        if place == point and (reached == 3 or point == "deleted"):
            raise Crash

    if point is not None:
        with pytest.raises(Crash):
            retention.expire(store, 10 * DAY_MS, NOW_MS, ZONE, at)
        assert figures(store) == before
    retention.expire(store, 10 * DAY_MS, NOW_MS, ZONE)
    assert figures(store) == before
    oldest = store.query("SELECT toString(toDate(min(received))), count() < 1500 FROM events")
    assert oldest == [("2026-11-10", True)]
    assert {source.state for source in retention.sources(store).values()} == {retention.DELETED}
    assert retention.expire(store, 10 * DAY_MS, NOW_MS, ZONE) == 0
    assert figures(store) == before


def test_a_worker_days_behind_adds_a_generation(store: ClickHouseStore) -> None:
    retention.expire(store, 10 * DAY_MS, NOW_MS, ZONE)
    store.insert("events", frame(row(NOW - timedelta(days=20), user=f"late{n}") for n in range(5)))
    before = figures(store)
    assert retention.expire(store, 10 * DAY_MS, NOW_MS, ZONE) == 5
    assert figures(store) == before


def test_for_ever(store: ClickHouseStore) -> None:
    assert retention.expire(store, 0, NOW_MS, ZONE) == 0
    assert store.query("SELECT count() FROM events") == [(4000,)]
