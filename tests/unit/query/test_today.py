"""A busy today is counted up to a batch: the answer never differs from the one that reads every event."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.query import top
from eventmill.query.closed import ClosedDays
from eventmill.query.source import Store
from tests.stored_events import frame, row

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RANGE = {"from": "2026-11-18", "to": "2026-11-20"}


@pytest.fixture(scope="module")
def module_store(opened: Callable[..., Store]) -> Store:
    return opened()


@pytest.fixture
def store(module_store: Store) -> Iterator[Store]:
    yield module_store
    for table in ("events", "closed_days", "closed_values"):
        module_store.command(f"TRUNCATE TABLE {table}")


def days(store: Store) -> ClosedDays:
    closed = ClosedDays(store, "UTC", now=lambda: NOW)
    closed.worth = closed.counted_today.worth = closed.counted_today.more = 1
    closed.counted_today.pause_s = 0.0
    return closed


def insert(store: Store, batch: int, count: int, day: int = 20, stream: str = "store", browser: str = "Chrome") -> None:
    rows = [
        row(datetime(2026, 11, day, n % 12, tzinfo=UTC), browser=browser, user=f"u{n % 7}", action="pv")
        for n in range(count)
    ]
    made = frame(rows).with_columns(pl.lit(stream).alias("stream"), pl.lit(batch, dtype=pl.UInt64).alias("batch"))
    store.insert("events", made)


def ask(store: Store, closed: ClosedDays | None, **params: str) -> top.Top:
    return top.top(store, top.parse({**RANGE, "dimension": "browser", **params}, "UTC"), "UTC", closed)


def part_of(closed: ClosedDays) -> dict[str, int]:
    asked = top.parse({**RANGE, "dimension": "browser"}, "UTC")
    cover = closed.cover(top.question(asked), asked.days)
    assert cover is not None
    return dict(cover.part.batches) if cover.part else {}


def test_what_came_since_is_read_and_the_rest_is_not(store: Store) -> None:
    insert(store, 1, 40, day=18)
    for batch in (2, 3, 4):
        insert(store, batch, 100)
    closed = days(store)
    ask(store, closed)
    closed.work()
    assert part_of(closed) == {"store": 3}, "the greatest batch may be on its way"
    insert(store, 5, 10, browser="Lynx")
    insert(store, 1, 5, stream="other", browser="Links")
    assert ask(store, closed) == ask(store, None)
    # What was counted is not read again: a change behind the store's back is not seen.
    store.command("ALTER TABLE events UPDATE browser = 'Changed' WHERE batch = 2 SETTINGS mutations_sync = 1")
    assert "Changed" not in {entry.value for entry in ask(store, closed).data}
    assert "Changed" in {entry.value for entry in ask(store, None).data}


def test_forgetting_begins_anew(store: Store) -> None:
    insert(store, 1, 40, day=18)
    for batch in (2, 3):
        insert(store, batch, 50)
    closed = days(store)
    ask(store, closed)
    closed.work()
    store.command("ALTER TABLE events DELETE WHERE batch = 2 SETTINGS mutations_sync = 1")
    closed.forget()
    assert part_of(closed) == {}
    assert ask(store, closed) == ask(store, None)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from([18, 19, 20]), st.sampled_from(["a", "b"]), st.booleans(),
                  st.sampled_from(["Chrome", "Lynx"])),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_the_same_answer_whatever_comes_in_between(store: Store, steps: list[tuple[int, int, str, bool, str]]) -> None:
    for table in ("events", "closed_days", "closed_values"):
        store.command(f"TRUNCATE TABLE {table}")
    closed = days(store)
    batches = {"a": 0, "b": 0}
    for count, day, stream, work, browser in steps:
        batches[stream] += 1
        insert(store, batches[stream], count, day, stream, browser)
        if work:
            ask(store, closed)
            closed.work()
        assert ask(store, closed) == ask(store, None)
        assert ask(store, closed, filters='[["is","browser","Lynx"]]') == ask(
            store, None, filters='[["is","browser","Lynx"]]'
        )
