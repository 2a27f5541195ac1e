"""The figures of a period in one line: visitors, views, visits and what they were like."""

from collections.abc import Mapping, Sequence

import msgspec

from eventmill.query import sessions
from eventmill.query.closed import ClosedDays
from eventmill.query.model import FILTERS, Filter, Range, known, parse_compare, parse_filter, parse_range
from eventmill.query.source import Store
from eventmill.query.spans import previous
from eventmill.query.visits import MACHINE_TOPICS, names_topic
from eventmill.query.whole import whole
from eventmill.settings import Product

PARAMETERS = ("from", "to", *FILTERS, "tz", "compare")


class SummaryRequest(msgspec.Struct, frozen=True):
    """`compare` asks for the period of equal length right before, too."""

    days: Range
    filter: Filter
    compare: bool = False


class Figures(msgspec.Struct):
    """`views` are events of people: without requests and log lines, unless the filter names their topic; `visitors` who
    made them. `visits` are sessions, `duration_s` their mean; it and `bounce_rate` are null where there is none."""

    visitors: int
    views: int
    visits: int
    bounce_rate: float | None
    duration_s: float | None
    events: int


class Summary(msgspec.Struct, omit_defaults=True):
    """The answer."""

    data: Figures
    before: Figures | None = None


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> SummaryRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    return SummaryRequest(parse_range(params, default_tz), parse_filter(params, products), parse_compare(params))


def summary(store: Store, request: SummaryRequest, store_zone: str, closed: ClosedDays | None = None) -> Summary:
    """`closed` has days that were counted before. Raises what the store raises."""
    asked = sessions.SessionsRequest(request.days, request.filter, "total", request.compare)
    visits = sessions.sessions(store, asked, closed)
    before = None
    if visits.before is not None:
        before = _figures(store, request.filter, previous(request.days), store_zone, closed, visits.before)
    return Summary(_figures(store, request.filter, request.days, store_zone, closed, visits.total), before)


def _figures(
    store: Store,
    chosen: Filter,
    days: Range,
    store_zone: str,
    closed: ClosedDays | None,
    visits: sessions.SessionsTotal,
) -> Figures:
    people = None if names_topic(chosen) else f"topic NOT IN {MACHINE_TOPICS}"
    views, visitors = whole(store, chosen, days, store_zone, closed, uniques=True, present=people)
    events = whole(store, chosen, days, store_zone, closed, uniques=False).pv
    return Figures(visitors, views, visits.sessions, visits.bounce_rate, visits.duration_s, events)
