"""Entry and exit pages: where sessions begin and end."""

from collections.abc import Mapping, Sequence

import msgspec

from eventmill.query.closed import ClosedDays
from eventmill.query.model import FILTERS, Filter, Range, known, parse_choice, parse_filter, parse_number, parse_range
from eventmill.query.source import Store
from eventmill.query.spans import empty
from eventmill.query.walks import Walks
from eventmill.settings import Product

KINDS = ("entry", "exit")
PARAMETERS = ("from", "to", *FILTERS, "kind", "limit", "tz")
MAX_LIMIT = 10_000


class PagesRequest(msgspec.Struct, frozen=True):
    """`kind`: the first page of each session, or the last one."""

    days: Range
    filter: Filter
    kind: str = "entry"
    limit: int = 10


class EntryPage(msgspec.Struct):
    """Sessions that began (or ended) with this page; `bounces` saw no other. `share` is of all sessions with a page,
    0 to 1."""

    value: str
    sessions: int
    bounces: int
    share: float


class Pages(msgspec.Struct):
    """The answer, most sessions first, then by page."""

    data: list[EntryPage]


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> PagesRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    return PagesRequest(
        days=parse_range(params, default_tz),
        filter=parse_filter(params, products),
        kind=parse_choice(params, "kind", KINDS, "entry"),
        limit=parse_number(params, "limit", 10, 1, MAX_LIMIT),
    )


def pages(store: Store, request: PagesRequest, closed: ClosedDays | None = None) -> Pages:
    """`closed` has days that were counted before. Raises what the store raises."""
    if empty(request.days):
        return Pages([])
    import polars as pl

    walks = Walks(store, request.filter, request.days, closed=closed)
    found = walks.ask("pages", ("kind", "page"), place="1" if request.kind == "entry" else "-1").drop("kind")
    found = found.sort("sessions", descending=True)
    total = int(found["sessions"].sum())
    if not total:
        return Pages([])
    # Pages of equal rank are ordered by name, so that the same ones are left out each time.
    least = found["sessions"][min(request.limit, found.height) - 1]
    rows = found.filter(pl.col("sessions") >= least).rows()
    names = walks.names(row[0] for row in rows)
    data = [EntryPage(names.get(page, ""), count, bounces, count / total) for page, count, bounces in rows]
    return Pages(sorted(data, key=lambda row: (-row.sessions, row.value))[: request.limit])
