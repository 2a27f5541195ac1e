"""The most frequent values of any field, with their share of all views."""

from collections.abc import Mapping, Sequence

import msgspec

from eventmill.query.closed import ClosedDays, Question
from eventmill.query.days import clamp
from eventmill.query.dimensions import COLUMNS, COMPUTED, is_dimension
from eventmill.query.filters import MAX_TEXT
from eventmill.query.model import (
    FILTERS,
    Range,
    RequestError,
    known,
    parse_compare,
    parse_filter,
    parse_number,
    parse_range,
)
from eventmill.query.ranking import Rankings, Wanted
from eventmill.query.ranking import question as asked
from eventmill.query.source import Store
from eventmill.query.spans import previous
from eventmill.settings import Product

PARAMETERS = ("from", "to", *FILTERS, "dimension", "search", "limit", "offset", "tz", "compare")
MAX_LIMIT = 10_000
MAX_OFFSET = 10_000_000


class TopRequest(msgspec.Struct, frozen=True):
    """`compare` asks for the figures of the period before, of the same values."""

    days: Range
    wanted: Wanted
    compare: bool = False


class Figures(msgspec.Struct):
    """Views and visitors."""

    pv: int
    uv: int


class Ranked(msgspec.Struct, omit_defaults=True):
    """A value; `share` is its part of all views in the range, 0 to 1."""

    value: str
    pv: int
    uv: int
    share: float
    before: Figures | None = None


class Total(msgspec.Struct, omit_defaults=True):
    """Views that the filters leave, and how many values there are (of those searched for); left out behind the end."""

    pv: int
    values: int | None = None


class Top(msgspec.Struct):
    """The answer, most views first, then by value."""

    data: list[Ranked]
    total: Total


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> TopRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    dimension, search = params.get("dimension") or "", params.get("search") or ""
    if not is_dimension(dimension):
        raise RequestError(f"unknown dimension {dimension!r}; one of {', '.join((*COLUMNS, *COMPUTED))}, props.NAME")
    if len(search) > MAX_TEXT:
        raise RequestError(f"search has more than {MAX_TEXT:,} characters")
    wanted = Wanted(
        dimension,
        parse_filter(params, products),
        limit=parse_number(params, "limit", 10, 1, MAX_LIMIT),
        offset=parse_number(params, "offset", 0, 0, MAX_OFFSET),
        search=search,
        products=tuple(products) if dimension == "product" else (),
    )
    return TopRequest(parse_range(params, default_tz), wanted, parse_compare(params))


def top(store: Store, request: TopRequest, store_zone: str, closed: ClosedDays | None = None) -> Top:
    """Events that have no such property are not listed; they count in the total that `share` refers to.

    `closed` has days that were counted before."""
    first, last = clamp(request.days)
    if first > last:
        return Top([], Total(0, 0))
    rankings = Rankings(store, request.wanted, request.days, store_zone, closed)
    entries, values = rankings.part()
    # An event stored between the two questions must not make a share above one.
    total = max([rankings.total(), *(entry.pv for entry in entries)])
    data = [Ranked(value, pv, uv, pv / total) for value, pv, uv in entries]
    if request.compare:
        earlier = Rankings(store, request.wanted, previous(request.days), store_zone, closed)
        before = earlier.among([entry.value for entry in entries])
        for row in data:
            found = before.get(row.value)
            row.before = Figures(found.pv, found.uv) if found else Figures(0, 0)
    return Top(data, Total(total, values))


def question(request: TopRequest) -> Question:
    """What of a request is counted for days that are over."""
    return asked(request.wanted, request.days.tz)
