"""Dimensions that follow from columns: pages, keys, routes and products."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from eventmill.event import key_text
from eventmill.query import counts, goals, top
from eventmill.query.ask import QUESTIONS, Sources
from eventmill.query.dimensions import COLUMNS, COMPUTED, is_dimension, reads
from eventmill.query.source import Store
from eventmill.registry.base import Goal
from eventmill.settings import Product
from tests.stored_events import frame, row
from tests.unit.query.queues import FakeQueue

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = {"from": "2026-11-20", "to": "2026-11-20"}


@pytest.fixture
def store(opened: Callable[..., Store]) -> Store:
    return opened()


def ranked(store: Store, dimension: str, products: tuple[Product, ...] = (), **params: str) -> dict[str, int]:
    answer = top.top(store, top.parse({**DAY, "dimension": dimension, **params}, "UTC", products), "UTC")
    return {each.value: each.pv for each in answer.data}


def test_pages(store: Store) -> None:
    urls = {
        "https://shop.example": "/", "https://shop.example/": "/", "https://shop.example?to=/x": "/",
        "https://shop.example/a/b?x=1#c": "/a/b", "https://shop.example:8443/a/": "/a/", "/relative?x": "/relative",
        "https://shop.example/#/route": "/", "//cdn.example/y": "/y",
    }  # fmt: skip
    for url, page in urls.items():
        store.insert("events", frame([row(NOW, url=url)]))
        assert ranked(store, "page") == {page: 1}, url
        store.command("TRUNCATE TABLE events")


def test_an_event_without_url_is_on_the_page_of_its_key(store: Store) -> None:
    keys = [
        ("h5", "pv", "85", "41"),
        ("h5", "", "", ""),
        ("a.b", "50%", "", "x"),
        ("a", "", "b", ""),
        ("..", "", "", ""),
    ]
    named = ("category", "action", "label", "value")
    store.insert("events", frame(row(NOW, **dict(zip(named, key, strict=True))) for key in keys))
    shown = {key_text(*key): 1 for key in keys}
    assert ranked(store, "key") == ranked(store, "page") == shown
    for key in shown:
        filters = f'[["is","key","{key}"]]'
        assert ranked(store, "page", filters=filters) == {key: 1}
    assert ranked(store, "page", filters='[["is","key","h5."]]') == {}
    assert ranked(store, "page", filters='[["is","key","h5.pv.85.41.5"]]') == {}


def test_routes_are_of_requests(store: Store) -> None:
    store.insert(
        "events", frame([row(NOW, topic="request", label="/a"), row(NOW, label="85"), row(NOW, topic="request")])
    )
    assert ranked(store, "route") == {"/a": 1, "": 1}


def test_the_first_product_that_fits_counts(store: Store) -> None:
    products = (
        Product(name="docs", path="/docs/"),
        Product(name="shop", site="shop"),
        Product(name="docs", site="blog", path="/help"),
    )
    events = [
        row(NOW, site="shop", url="https://shop/docs/x"), row(NOW, site="shop", url="https://shop/docs"),
        row(NOW, site="shop"), row(NOW, site="blog", url="https://blog/help?x"), row(NOW, site="blog", url="https://blog/"),
        row(NOW, site="blog", category="/docs/", action=""),
    ]  # fmt: skip
    store.insert("events", frame(events))
    assert ranked(store, "product", products) == {"docs": 2, "shop": 2, "": 2}
    assert ranked(store, "product") == {"": 6}
    sources = Sources(store, FakeQueue(), "UTC", dict, products=products)
    asked = {**DAY, "filters": '[["is","product","shop"]]', "interval": "total"}
    answer = QUESTIONS["counts"].ask(sources, asked)
    assert isinstance(answer, counts.Counts)
    assert answer.data[0].eventData.pv == 2
    goal = Goal(1, "help", "", '[["is","product","docs"],["contains","page","help"]]', "")
    (reached,) = goals.report(store, goals.parse(DAY, "UTC", products), [goal], "UTC").data
    assert reached.conversions == 1


def test_every_name_is_known() -> None:
    for name in (*COLUMNS, *COMPUTED, "props.plan"):
        assert is_dimension(name)
        assert reads(name)
    for name in ("time", "props.", "receipt_low", "user_hash", ""):
        assert not is_dimension(name)
