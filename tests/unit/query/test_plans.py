"""The fast ways are taken: the engine must answer from the projection, or these queries fail."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from eventmill.query import counts, series, top
from eventmill.query.source import Store, StoreError
from tests.stored_events import frame, scattered

RANGE = {"from": "2026-11-01", "to": "2026-11-30"}


@pytest.fixture(scope="module")
def forced(opened: Callable[..., Store]) -> Store:
    made = opened("Asia/Shanghai", force_optimize_projection=1, optimize_use_implicit_projections=0)
    rows = scattered(1, 5000, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC))
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


def count(store: Store, **params: str) -> None:
    request = counts.parse({**RANGE, **params}, "Asia/Shanghai")
    assert counts.counts(Bare(store), request, "Asia/Shanghai").data


class Bare:
    """The store without the look for expired days, which no projection answers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def query(self, sql: str, params: object = None) -> object:
        return [] if "FROM meta" in sql else self._store.query(sql, params)


DEEP = {"category": "h5", "action": "pv"}


@pytest.mark.parametrize("prefix", [{}, {"category": "h5"}, DEEP, {"site": "shop"}, {"topic": "event", **DEEP}])
@pytest.mark.parametrize("interval", ["day", "total"])
def test_days_of_the_store_come_from_the_daily_projections(
    forced: Store, prefix: dict[str, str], interval: str
) -> None:
    count(forced, interval=interval, **prefix)
    count(forced, interval=interval, metrics="pv", **prefix)
    count(forced, interval=interval, by="action", **prefix)


@pytest.mark.parametrize("prefix", [{}, {"category": "h5"}, DEEP])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "Asia/Shanghai"])
@pytest.mark.parametrize("interval", ["day", "hour", "total"])
def test_views_in_any_zone_come_from_quarter_hours(
    forced: Store, prefix: dict[str, str], zone: str, interval: str
) -> None:
    count(forced, metrics="pv", tz=zone, interval=interval, **prefix)


def test_visitors_of_another_zone_and_deep_keys_read_rows(forced: Store) -> None:
    for params in ({"tz": "Europe/Berlin"}, {"interval": "hour"}, {**DEEP, "label": "85"}, {"bot": "true"}):
        with pytest.raises(StoreError, match="projection"):
            count(forced, **params)


COARSE = [
    '[["is","category","h5"]]',
    '[["is","site","shop"],["is","topic","event"]]',
    '[["in","action",["pv","click"]],["is_not","site","blog"]]',
    '[["contains","category","5"],["starts_with","action","p"]]',
]


@pytest.mark.parametrize("filters", COARSE)
def test_conditions_on_columns_of_the_projections_leave_them_usable(forced: Store, filters: str) -> None:
    for params in ({}, {"by": "action"}, {"interval": "total"}, {"metrics": "pv", "tz": "Europe/Berlin"}):
        count(forced, filters=filters, **params)
    ranked = top.parse({**RANGE, "dimension": "category", "filters": filters}, "Asia/Shanghai")
    assert top.top(Bare(forced), ranked, "Asia/Shanghai").data


@pytest.mark.parametrize("filters", ['[["is","browser","Chrome"]]', '[["is","label","85"]]', '[["is","bot","true"]]'])
def test_other_conditions_read_rows(forced: Store, filters: str) -> None:
    with pytest.raises(StoreError, match="projection"):
        count(forced, filters=filters)


def test_series_and_top_take_them_too(forced: Store) -> None:
    for interval in ("day", "week", "month"):
        request = series.parse({**RANGE, "interval": interval, **DEEP}, "Asia/Shanghai")
        assert series.series(Bare(forced), request, "Asia/Shanghai").data
    for dimension in ("category", "action", "site", "topic"):
        ranked = top.parse({**RANGE, "dimension": dimension}, "Asia/Shanghai")
        assert top.top(Bare(forced), ranked, "Asia/Shanghai").data
