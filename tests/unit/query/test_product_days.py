"""Views by product and day against a plain count in Python."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from eventmill.query import product_days
from eventmill.query.errors import RequestError
from eventmill.settings import Product
from eventmill.store.clickhouse import ClickHouseStore
from tests.stored_events import Row, frame, local, scattered, tally

ZONE = "Europe/Berlin"
FIRST, END = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC)
ASKED = {"from": "2026-10-20", "to": "2026-11-05"}
PRODUCTS = (
    Product(name="docs", site="shop", path="/docs/"),
    Product(name="blog", site="blog"),
    Product(name="items", path="/item/"),
)


@pytest.fixture(scope="module")
def events() -> list[Row]:
    rows = scattered(17, 2000, FIRST, END)
    for number, event in enumerate(rows):
        event["page"] = ("/docs/a", "/item/1", "/", "/docs")[number % 4]
        event["url"] = f"https://x.example{event['page']}" if number % 5 else ""
    return rows


@pytest.fixture(scope="module")
def store(opened: Callable[..., ClickHouseStore], events: list[Row]) -> ClickHouseStore:
    made = opened(ZONE)
    made.insert("events", frame(events))
    return made


def product_of(event: Row) -> str:
    if event["url"] and event["site"] == "shop" and event["page"].startswith("/docs/"):
        return "docs"
    if event["site"] == "blog":
        return "blog"
    return "items" if event["url"] and event["page"].startswith("/item/") else ""


def start_of(interval: str, event: Row) -> date:
    day = local(event, ZONE).date()
    return {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "total": FIRST.date(),
    }[interval]


@pytest.mark.parametrize("interval", product_days.INTERVALS)
@pytest.mark.parametrize("topic", ["", "request"])
def test_against_a_plain_count(store: ClickHouseStore, events: list[Row], interval: str, topic: str) -> None:
    request = product_days.parse({**ASKED, "interval": interval, "topic": topic}, ZONE, PRODUCTS)
    found = product_days.by_product(store, request, ZONE).data
    chosen = [event for event in events if topic in ("", event["topic"])]
    plain = tally(((start_of(interval, event), product_of(event)), event) for event in chosen)
    wanted = [(day.isoformat(), name, pv, uv) for (day, name), (pv, uv) in plain.items()]
    assert [(row.time, row.product, row.pv, row.uv) for row in found] == sorted(
        wanted, key=lambda row: (row[0], -row[2], row[1])
    )


def test_one_product_and_none_configured(store: ClickHouseStore, events: list[Row]) -> None:
    asked = {**ASKED, "filters": '[["is","product","docs"]]', "interval": "total"}
    found = product_days.by_product(store, product_days.parse(asked, ZONE, PRODUCTS), ZONE).data
    assert [(row.product, row.pv) for row in found] == [("docs", sum(product_of(e) == "docs" for e in events))]
    nothing = product_days.by_product(store, product_days.parse({**ASKED, "interval": "total"}, ZONE), ZONE).data
    assert [(row.product, row.pv) for row in nothing] == [("", len(events))]


@pytest.mark.parametrize("params", [{}, {**ASKED, "interval": "hour"}, {**ASKED, "dimension": "site"}])
def test_wrong_questions(params: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        product_days.parse(params, ZONE, PRODUCTS)


def test_days_that_no_store_holds(store: ClickHouseStore) -> None:
    request = product_days.parse({"from": "1900-01-01", "to": "1900-02-01"}, ZONE, PRODUCTS)
    assert product_days.by_product(store, request, ZONE).data == []
