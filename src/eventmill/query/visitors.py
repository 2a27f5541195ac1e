"""Who is there now: visitors and views of the last minutes, and the pages that they look at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from eventmill.query.days import rfc3339
from eventmill.query.model import FILTERS, Filter, known, parse_filter, parse_number, parse_tz
from eventmill.query.source import Store
from eventmill.query.statements import statement
from eventmill.query.visits import PAGE, PAGE_VIEW, by_people
from eventmill.settings import Product

PARAMETERS = (*FILTERS, "minutes", "tz")
MAX_MINUTES, PAGES = 60, 10


class VisitorsRequest(msgspec.Struct, frozen=True):
    """The running minute and those before it; `tz` is the zone in which times are shown."""

    filter: Filter
    tz: str
    minutes: int = 5


class Minute(msgspec.Struct):
    """`time` is where the minute begins, RFC 3339."""

    time: str
    visitors: int = 0
    views: int = 0


class PageNow(msgspec.Struct):
    """A page, and how many looked at it."""

    value: str
    visitors: int


class Visitors(msgspec.Struct):
    """The answer: `views` are all events that no machine sent. Every minute, the running one last; at most ten pages,
    most visitors first."""

    visitors: int
    views: int
    data: list[Minute]
    pages: list[PageNow]


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> VisitorsRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    return VisitorsRequest(
        filter=parse_filter(params, products),
        tz=parse_tz(params, default_tz),
        minutes=parse_number(params, "minutes", 5, 1, MAX_MINUTES),
    )


def visitors(store: Store, request: VisitorsRequest, now: datetime | None = None) -> Visitors:
    """By the time of events, up to `now`. Raises what the store raises."""
    until = int((now or datetime.now(UTC)).timestamp())
    first = until // 60 * 60 - 60 * (request.minutes - 1)
    made = by_people(request.filter)
    made.where += ["time >= {since:DateTime64(3, 'UTC')}", "time < {until:DateTime64(3, 'UTC')}"]
    made.params |= {"since": first, "until": until + 1, "pages": PAGES}
    conditions = " AND ".join(made.where)
    found = {int(minute): (int(people), int(views)) for minute, people, views in
             store.query(statement("visitors", conditions=conditions), made.params)}  # fmt: skip
    pages = statement("visitors_pages", page=PAGE, page_view=PAGE_VIEW, conditions=conditions)
    zone = ZoneInfo(request.tz)
    starts = range(first, until + 1, 60)
    return Visitors(
        *found.get(0, (0, 0)),
        [Minute(rfc3339(start, zone), *found.get(start, (0, 0))) for start in starts],
        [PageNow(str(page), int(people)) for page, people in store.query(pages, made.params)],
    )
