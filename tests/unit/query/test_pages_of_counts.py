"""Counts by pages: together they are the whole answer, in order, whatever comes in meanwhile; also of expired days."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from eventmill.query import counts, top
from eventmill.query.cursor import Place
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from eventmill.store.retention import expire
from tests.stored_events import Row, frame, row, scattered

RANGE = {"from": "2026-11-01", "to": "2026-11-09"}
KEEP_MS = 5 * 86_400_000


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    odd = [row(datetime(2026, 11, 3, tzinfo=UTC), category=c, action="ü") for c in ("h5!", "H5", "日", "h", "h5\x7f")]
    return scattered(4, 2000, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)) + odd


@pytest.fixture(scope="module", params=["live", "partly expired"])
def store(opened: Callable[..., Store], rows: list[Row], request: pytest.FixtureRequest) -> Store:
    made = opened("UTC")
    made.insert("events", frame(rows))
    if request.param != "live":
        expire(made, KEEP_MS, int(datetime(2026, 11, 10, tzinfo=UTC).timestamp() * 1000), "UTC")
        assert made.query("SELECT count() FROM daily")[0][0] > 0
    return made


def ask(store: Store, **params: str) -> counts.Counts:
    return counts.counts(store, counts.parse({**RANGE, **params}, "UTC"), "UTC")


@pytest.mark.parametrize("limit", ["1", "7", "1000", "100000"])
@pytest.mark.parametrize("params", [
    {"by": "all", "interval": "total"}, {"by": "all"}, {"by": "label", "category": "h5"}, {"by": "category"},
    {"by": "action", "interval": "hour", "site": "shop"}, {}, {"category": "h5", "by": "value", "metrics": "pv"},
])  # fmt: skip
def test_pages_are_the_whole(store: Store, params: dict[str, str], limit: str) -> None:
    whole = ask(store, **params).data
    pages = max(1, -(-len(whole) // int(limit)))
    if pages > 60:
        whole = whole[: int(limit) * 60]
    shown: list[counts.Count] = []
    cursor = ""
    for _ in range(min(pages, 60)):
        answer = ask(store, **params, limit=limit, cursor=cursor)
        shown += answer.data
        cursor = answer.next or ""
    assert shown == whole
    assert (cursor == "") == (pages <= 60)


def test_a_cursor_says_where_it_stands_not_how_far(store: Store) -> None:
    first = ask(store, by="category", interval="total", limit="3")
    last = first.data[-1].eventKey
    assert (
        ask(store, by="all", interval="total", cursor=first.next or "", limit="1")
        .data[0]
        .eventKey.startswith(last + ".")
    )


@pytest.mark.parametrize("cursor", ["x", "%", "ü", "W10", "AAAA", Place(None, ("h5",)).text(), Place(7, ("h5",)).text(),
                                    Place(None, ("a",) * 9).text()])  # fmt: skip
def test_a_cursor_of_something_else_is_refused(cursor: str) -> None:
    with pytest.raises(RequestError, match="cursor is the `next`"):
        counts.parse({**RANGE, "cursor": cursor}, "UTC")


def test_a_limit_is_a_number() -> None:
    for limit in ("0", "100001", "-1", "x"):
        with pytest.raises(RequestError, match="limit is a whole number"):
            counts.parse({**RANGE, "limit": limit}, "UTC")


@pytest.mark.parametrize("filters", [
    '[["is","label","85"]]', '[["starts_with","key","h5.pv"]]', '[["in","site",["shop"]]]',
                                     '[["contains","category","5"],["is_not","value",""]]'])  # fmt: skip
def test_expired_days_are_filtered_by_what_is_kept_of_them(store: Store, rows: list[Row], filters: str) -> None:
    def holds(event: Row) -> bool:
        if "label" in filters:
            return bool(event["label"] == "85")
        if "key" in filters:
            return bool(event["category"] == "h5" and event["action"] == "pv")
        if "site" in filters:
            return bool(event["site"] == "shop")
        return "5" in event["category"] and event["value"] != ""

    chosen = [event for event in rows if holds(event)]
    (total,) = ask(store, filters=filters, interval="total").data
    assert (total.eventData.pv, total.eventData.uv) == (len(chosen), len({event["user"] for event in chosen} - {""}))
    for dimension in ("label", "key"):
        ranked = top.top(store, top.parse({**RANGE, "dimension": dimension, "filters": filters}, "UTC"), "UTC")
        assert ranked.total.pv == len(chosen)
        assert ranked.total.values is not None
        assert ranked.data[0].pv > 0
