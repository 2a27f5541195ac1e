"""Views and visitors of each product by day: the table that a team of several products opens in the morning."""

from collections.abc import Mapping, Sequence

import msgspec

from eventmill.event import KEY_PARTS
from eventmill.query import products
from eventmill.query.days import beginning, clamped
from eventmill.query.expired import Group, grouped
from eventmill.query.model import FILTERS, Filter, Range, known, parse_choice, parse_filter, parse_range
from eventmill.query.select import bucket, plan
from eventmill.query.source import Store
from eventmill.settings import Product

INTERVALS = ("day", "week", "month", "total")
PARAMETERS = ("from", "to", *FILTERS, "interval", "tz")


class ProductsRequest(msgspec.Struct, frozen=True):
    """`products` are the configured ones."""

    days: Range
    filter: Filter
    interval: str = "day"
    products: tuple[Product, ...] = ()


class ProductCount(msgspec.Struct):
    """One product in one bucket. `time` is the date where it begins, the first day with `total`; `product` is ""
    for events of none."""

    time: str
    product: str
    pv: int
    uv: int


class Products(msgspec.Struct):
    """The answer, by time, then most views first; only rows that have events."""

    data: list[ProductCount]


def parse(params: Mapping[str, str], default_tz: str, configured: Sequence[Product] = ()) -> ProductsRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    return ProductsRequest(
        days=parse_range(params, default_tz),
        filter=parse_filter(params, configured),
        interval=parse_choice(params, "interval", INTERVALS, "day"),
        products=tuple(configured),
    )


def by_product(store: Store, request: ProductsRequest, store_zone: str) -> Products:
    """Live events only: what is kept of expired days has no pages."""
    days = clamped(request.days)
    if days.first > days.last:
        return Products([])
    # As deep as keys go: no projection has the page.
    made = plan(request.filter, days, depth=len(KEY_PARTS), store_zone=store_zone, finest="day", uniques=True)
    name = products.expression(request.products, made.statement.params, "product")
    when = bucket(made, request.interval, days.tz)
    group = [*([Group(when, "day")] if when else []), Group(name, "''")]
    rows = grouped(store, made.statement, group, None, uniques=True)
    found = [
        ProductCount(row[0].isoformat() if when else beginning(request.days), str(row[-3]), int(row[-2]), int(row[-1]))
        for row in rows
    ]
    return Products(sorted(found, key=lambda row: (row.time, -row.pv, row.product)))
