"""The most frequent values of any field, with their share of all views."""

from collections.abc import Mapping, Sequence

import msgspec

from eventmill.query.closed import ClosedDays, Cover, Question, by_value
from eventmill.query.days import clamp, instants
from eventmill.query.dimensions import (
    COLUMNS,
    COMPUTED,
    DAILY,
    KEPT,
    NUMBERS,
    as_text,
    expression,
    is_dimension,
    prop_json,
    prop_name,
    reads,
)
from eventmill.query.expired import Expired, Group, expired, grouped
from eventmill.query.model import FILTERS, Filter, Range, RequestError, known, parse_filter, parse_number, parse_range
from eventmill.query.select import Statement, matching, plan
from eventmill.query.source import Store
from eventmill.settings import Product

FEW_VALUES = {
    *DAILY, "url_host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "browser", "os", "device", "bot",
    "language", "screen", "route", "source", "channel", "country", "product",
}  # fmt: skip
"""Of few values: one pass counts visitors too. The rest is ranked by views first."""
PARAMETERS = ("from", "to", *FILTERS, "dimension", "limit", "tz")
MAX_LIMIT = 10_000
_PRESENT = {"route": "topic = 'request'"}
"""Where events of other kinds have no such dimension at all: they are not listed under ''."""
_MERGED = "uniqCombined64Merge(16)(visitors) AS uv"


class TopRequest(msgspec.Struct, frozen=True):
    """`dimension` is one of `query.dimensions`: a column, a computed one, or `props.x` for a property of the event."""

    days: Range
    filter: Filter
    dimension: str
    limit: int = 10
    products: tuple[Product, ...] = ()
    """The configured ones, where they are what is ranked."""


class Ranked(msgspec.Struct):
    """A value; `share` is its part of all views in the range, 0 to 1."""

    value: str
    pv: int
    uv: int
    share: float


class Top(msgspec.Struct):
    """The answer, most views first, then by value."""

    data: list[Ranked]


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> TopRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    dimension = params.get("dimension") or ""
    if not is_dimension(dimension):
        raise RequestError(f"unknown dimension {dimension!r}; one of {', '.join((*COLUMNS, *COMPUTED))}, props.NAME")
    return TopRequest(
        days=parse_range(params, default_tz),
        filter=parse_filter(params, products),
        dimension=dimension,
        limit=parse_number(params, "limit", 10, 1, MAX_LIMIT),
        products=tuple(products) if dimension == "product" else (),
    )


def top(store: Store, request: TopRequest, store_zone: str, closed: ClosedDays | None = None) -> Top:
    """Events that have no such property are not listed; they count in the total that `share` refers to.

    `closed` has days that were counted before."""
    first, last = clamp(request.days)
    if first > last:
        return Top([])
    days = Range(first, last, request.days.tz)
    old = expired(store, request.filter, request.days, store_zone) if reads(request.dimension) <= KEPT else None
    if request.dimension in DAILY or old is not None:
        rows = _few(store, request, old, store_zone)
    else:
        rows = _from_days(store, request, days, closed)
    total = _total(store, request, old, store_zone)
    # An event stored between the two questions must not make a share above one.
    return Top([Ranked(value, pv, uv, pv / max(total, pv)) for value, pv, uv in rows])


def _few(store: Store, request: TopRequest, old: Expired | None, store_zone: str) -> list[tuple[str, int, int]]:
    """Parts of the key: from projections where they have it, joined with expired days."""
    if request.dimension in DAILY:
        depth = {"category": 1, "action": 2}.get(request.dimension, 0)
        made = plan(request.filter, request.days, depth=depth, store_zone=store_zone, finest="day", uniques=True)
        statement = made.statement
    else:
        statement = matching(request.filter)
        since, until = instants(request.days)
        statement.where += ["time >= {since:DateTime64(3, 'UTC')}", "time < {until:DateTime64(3, 'UTC')}"]
        statement.params |= {"since": since, "until": until}
    statement.params["limit"] = request.limit
    name = expression(request.dimension, statement.params, "dimension")
    tail = "HAVING pv > 0 ORDER BY pv DESC, 1 ASC LIMIT {limit:UInt32}"
    rows = grouped(store, statement, [Group(name, name)], old, uniques=True,
                   present=_PRESENT.get(request.dimension), tail=tail)  # fmt: skip
    return [(str(row[0]), int(row[1]), int(row[2])) for row in rows]


def _from_days(store: Store, request: TopRequest, days: Range, closed: ClosedDays | None) -> list[tuple[str, int, int]]:
    """Any other dimension: days counted before, and the events of the rest. Where a field has many values they are
    ranked by views first: states of visitors for all of them cost five times more."""
    statement, value, shown = _values(request)
    cover = closed.cover(question(request), days) if closed else None
    cover = cover or Cover(0, [], [days])
    few = request.dimension in FEW_VALUES or request.dimension.startswith("props.")
    made, table = by_value(cover, value, statement.where, statement.params, uniques=few)
    made.params["limit"] = request.limit
    name = shown.replace("%s", "counted")
    columns = [f"{name} AS shown", "sum(views) AS pv", *([_MERGED] if few else [])]
    tail = "ORDER BY pv DESC, shown ASC LIMIT {limit:UInt32}"
    rows = store.query(made.build(columns, ["shown"], table, tail), made.params)
    if few:
        return [(str(row[0]), int(row[1]), int(row[2])) for row in rows]
    names = [str(row[0]) for row in rows]
    made, table = by_value(
        cover, value, statement.where, {**statement.params, "names": names},
        uniques=True, only=f"has({{names:Array(String)}}, {shown})" if shown != "%s" else "%s IN {names:Array(String)}",
    )  # fmt: skip
    found = store.query(made.build([f"{name} AS shown", _MERGED], ["shown"], table), made.params)
    visitors = {str(row[0]): int(row[1]) for row in found}
    return [(name, int(row[1]), visitors.get(name, 0)) for name, row in zip(names, rows, strict=True)]


def question(request: TopRequest) -> Question:
    """What of a request is counted for days that are over."""
    statement, value, _ = _values(request)
    return Question(value, tuple(statement.where), statement.params, request.filter, request.days.tz)


def _values(request: TopRequest) -> tuple[Statement, str, str]:
    """Conditions, the expression that is counted, and how it is shown, `%s` standing for it."""
    statement = matching(request.filter)
    prop = prop_name(request.dimension)
    if prop is None:
        if request.dimension in NUMBERS:
            statement.where.append(f"{request.dimension} IS NOT NULL")
            return statement, f"toString({request.dimension})", "%s"
        statement.where += [_PRESENT[request.dimension]] if request.dimension in _PRESENT else []
        value = expression(request.dimension, statement.params, "dimension", request.products)
        return statement, value, "%s"
    # Counted as JSON, shown as text where it is text.
    value = prop_json(prop, statement.params)
    statement.where.append(f"{value} != ''")
    return statement, value, as_text("%s")


def _total(store: Store, request: TopRequest, old: Expired | None, store_zone: str) -> int:
    made = plan(request.filter, request.days, depth=0, store_zone=store_zone, finest="day", uniques=False)
    rows = grouped(store, made.statement, [], old, uniques=False)
    return int(rows[0][0]) if rows else 0
