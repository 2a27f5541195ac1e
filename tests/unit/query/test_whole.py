"""Series and summaries with conditions, from days that were counted before: the same as from all events."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from eventmill.query import series, summary, top
from eventmill.query.closed import ClosedDays
from eventmill.query.source import Store
from tests.stored_events import frame, row
from tests.unit.query.reference import varied

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RANGE = {"from": "2026-11-03", "to": "2026-11-25"}
ASKED = [
    {"filters": '[["is","browser","Chrome"]]'},
    {"filters": '[["contains","page","/item/"]]', "site": "shop"},
    {"filters": '[["is","browser","Chrome"]]', "tz": "Asia/Shanghai"},
    {"filters": '[["is","browser","nobody\'s"]]'},
    {"label": "85", "bot": "false"},
    {"category": "h5"},
]


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store]) -> Store:
    made = opened("UTC")
    made.insert(
        "events", frame(varied(21, 4000, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)))
    )
    return made


@pytest.fixture(scope="module")
def closed(store: Store) -> ClosedDays:
    made = ClosedDays(store, "UTC", now=lambda: NOW)
    made.worth = 1
    return made


def ask(store: Store, closed: ClosedDays | None, params: dict[str, str]) -> list[object]:
    given = {**RANGE, **params}
    lines = [
        series.series(store, series.parse({**given, "interval": interval}, "UTC"), "UTC", closed)
        for interval in ("hour", "day", "week")
    ]
    figures = summary.summary(store, summary.parse({**given, "compare": "previous"}, "UTC"), "UTC", closed)
    ranked = top.top(store, top.parse({**given, "dimension": "os"}, "UTC"), "UTC", closed)
    return [*lines, figures, ranked.total]


@pytest.mark.parametrize("params", ASKED, ids=str)
def test_the_same_from_kept_days_and_with_late_events(store: Store, closed: ClosedDays, params: dict[str, str]) -> None:
    plain = ask(store, None, params)
    assert ask(store, closed, params) == plain
    closed.work()
    assert ask(store, closed, params) == plain, "from kept days"
    given = {"browser": "Chrome", "site": "shop", "url": "https://s/item/9", "label": "85", "user": f"late {params}"}
    late = [row(datetime(2026, 11, day, 8, tzinfo=UTC), **given) for day in (4, 15, 20)]
    store.insert("events", frame(late))
    assert ask(store, closed, params) == ask(store, None, params), "a late event is counted at once"
    closed.work()
    assert ask(store, closed, params) == ask(store, None, params)


def test_days_are_read_once(store: Store, closed: ClosedDays) -> None:
    params = {**RANGE, "to": "2026-11-19", "filters": '[["is","browser","Safari"]]'}
    series.series(store, series.parse(params, "UTC"), "UTC", closed)
    top.top(store, top.parse({**params, "dimension": "os"}, "UTC"), "UTC", closed)
    closed.work()
    read: list[str] = []

    class Watched:
        def query(self, sql: str, given: object = None) -> object:
            read.append(sql)
            return store.query(sql, given)  # type: ignore[arg-type]

    before = series.series(Watched(), series.parse(params, "UTC"), "UTC", closed)  # type: ignore[arg-type]
    assert sum(point.pv for point in before.data) > 0
    assert not [sql for sql in read if "FROM events" in sql]
