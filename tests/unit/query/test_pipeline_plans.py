"""What the dashboard asks first, and again and again, reads no rows: it comes from projections."""

from collections.abc import Callable
from datetime import UTC, datetime

from eventmill.query import pipeline
from eventmill.query.source import Store
from tests.stored_events import frame, scattered

FIRST, LAST = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)


def test_sites_come_from_the_daily_projection(opened: Callable[..., Store]) -> None:
    store = opened("UTC", force_optimize_projection=1, optimize_use_implicit_projections=0)
    store.insert("events", frame(scattered(1, 500, FIRST, LAST)))
    assert store.query("SELECT site, count() AS n FROM events GROUP BY site")


def test_first_and_last_come_from_the_books_of_the_parts(opened: Callable[..., Store]) -> None:
    store = opened("UTC", force_optimize_projection=1)
    assert pipeline.ends(store) is None
    rows = frame(scattered(1, 500, FIRST, LAST))
    store.insert("events", rows)
    moments = rows["received"].dt.epoch("ms")
    assert pipeline.ends(store) == (moments.min(), moments.max())
