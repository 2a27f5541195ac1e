"""Requests: how many, how fast, how many failed, by route, status or method, and over time.

Events of the topic `request` (or another one that the filter names): the key is site, method, route, status. An error
is a status of 500 or more. Quantiles: `latency`.
"""

import base64
import io
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from eventmill.query import latency, spans
from eventmill.query.answers import Parts, by_day
from eventmill.query.closed import ClosedDays
from eventmill.query.days import rfc3339
from eventmill.query.model import (
    FILTERS,
    Filter,
    Range,
    known,
    parse_choice,
    parse_compare,
    parse_filter,
    parse_number,
    parse_range,
)
from eventmill.query.select import matching
from eventmill.query.source import Store
from eventmill.query.statements import statement
from eventmill.query.visits import names_topic, within
from eventmill.settings import Product

if TYPE_CHECKING:
    import polars as pl

_COLUMN = {"route": "label", "status": "value", "method": "action"}
BY = tuple(_COLUMN)
PARAMETERS = ("from", "to", *FILTERS, "by", "limit", "compare", "tz")
MAX_LIMIT = 10_000
HOURS_UP_TO = 3
"""Days up to which the series is of hours; beyond, of days."""
_LEVELS = (0.5, 0.95, 0.99)
_ERROR = "toUInt16OrZero(value) >= 500"


class RequestsRequest(msgspec.Struct, frozen=True):
    """`compare` asks for the period of equal length right before, too."""

    days: Range
    filter: Filter
    by: str = "route"
    limit: int = 50
    compare: bool = False


class Measured(msgspec.Struct):
    """Requests, `rate` per second over the whole range, errors, quantiles of duration in ms (within 1 %; null where no
    request says how long it took), bytes sent."""

    count: int
    share: float
    rate: float
    errors: int
    error_rate: float
    p50: float | None
    p95: float | None
    p99: float | None
    bytes: int


class RequestsRow(Measured):
    """The same of one route, status or method; `share` is of all requests, 0 to 1."""

    value: str = ""


class RequestsPoint(msgspec.Struct):
    """One hour (RFC 3339) or one day of the range."""

    time: str
    count: int = 0
    errors: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Bar(msgspec.Struct):
    """Requests that took `ms` at most, and longer than those of the bar before."""

    ms: float
    count: int


class Requests(msgspec.Struct, omit_defaults=True):
    """The answer, most requests first, then by value. The series has hours up to three days, else days."""

    data: list[RequestsRow]
    total: Measured
    series: list[RequestsPoint]
    histogram: list[Bar]
    before: Measured | None = None


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> RequestsRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    return RequestsRequest(
        days=parse_range(params, default_tz),
        filter=parse_filter(params, products),
        by=parse_choice(params, "by", BY, "route"),
        limit=parse_number(params, "limit", 50, 1, MAX_LIMIT),
        compare=parse_compare(params),
    )


def requests(store: Store, request: RequestsRequest, closed: ClosedDays | None = None) -> Requests:
    """`closed` has days that were counted before. Raises what the store raises."""
    days = request.days
    frame = _all(store, request, days, closed)
    whole, before = _measured(_whole(frame), days), None
    if request.compare:
        earlier = spans.previous(days)
        before = _measured(_whole(_all(store, request, earlier, closed)), earlier)
    return Requests(
        _ranked(frame, request, whole.count),
        whole,
        _series(frame, days),
        [Bar(ms, count) for ms, count in latency.histogram(_buckets(frame))],
        before,
    )


def _all(store: Store, request: RequestsRequest, days: Range, closed: ClosedDays | None) -> "pl.DataFrame":
    """Rows of `at` (the day, or the hour in s since the epoch), `named`, `bucket`, and how many requests, errors and
    bytes."""
    chosen = request.filter
    if not names_topic(chosen):
        chosen = msgspec.structs.replace(chosen, topic="request")
    if _hourly(days):
        return _counted(store, chosen, request.by, days, f"toUnixTimestamp(toStartOfHour(time, '{days.tz}'))")
    import polars as pl

    def make(some: Range) -> dict[date, "pl.DataFrame"]:
        found = _counted(store, chosen, request.by, some, f"toDate(time, '{some.tz}')")
        return {day: part for (day,), part in found.partition_by("at", as_dict=True).items()}

    parts = Parts(name=f"requests 1 {request.by}", filter=chosen, margin=0, make=make, encode=_encoded, decode=_decoded)
    found = by_day(closed, parts, days)
    return pl.concat(found.values()) if found else _counted(store, chosen, request.by, days, "toDate(time)", "0")


def _counted(
    store: Store, chosen: Filter, by: str, days: Range, at: str, condition: str | None = None
) -> "pl.DataFrame":
    made = within(matching(chosen), days)
    sql = statement(
        "requests", at=at, value=_COLUMN[by], bucket=latency.BUCKET, error=_ERROR,
        conditions=condition or " AND ".join(["0"] if spans.empty(days) else made.where),
    )  # fmt: skip
    return store.frame(sql, made.params)


def _encoded(frame: "pl.DataFrame") -> str:
    block = io.BytesIO()
    frame.write_ipc(block, compression="zstd")
    return base64.b64encode(block.getvalue()).decode()


def _decoded(text: str) -> "pl.DataFrame":
    import polars as pl

    return pl.read_ipc(io.BytesIO(base64.b64decode(text)))


def _hourly(days: Range) -> bool:
    return (days.last - days.first).days < HOURS_UP_TO


def _buckets(frame: "pl.DataFrame") -> Counter[int]:
    found: Counter[int] = Counter()
    for bucket, count in frame.select("bucket", "count").group_by("bucket").sum().rows():
        found[bucket] = count
    return found


class _Sum(NamedTuple):
    """Requests of one value or time together."""

    total: int
    errors: int
    size: int
    buckets: Mapping[int, int]


def _whole(frame: "pl.DataFrame") -> _Sum:
    count, errors, size = frame.select("count", "errors", "size").sum().row(0)
    return _Sum(count, errors, size, _buckets(frame))


def _sums(frame: "pl.DataFrame", by: str) -> dict[Any, _Sum]:
    """The sum of each value of a column, in one go: a frame for each of them costs a hundred times more."""
    import polars as pl

    buckets: dict[Any, dict[int, int]] = defaultdict(dict)
    for value, bucket, count in frame.group_by(by, "bucket").agg(pl.col("count").sum()).rows():
        buckets[value][bucket] = count
    rows = frame.group_by(by).agg(pl.col("count", "errors", "size").sum()).rows()
    return {value: _Sum(count, errors, size, buckets[value]) for value, count, errors, size in rows}


def _measured(found: _Sum, days: Range, of: int | None = None) -> Measured:
    count, errors, size, buckets = found
    p50, p95, p99 = latency.quantiles(buckets, *_LEVELS)
    share = count / max(count if of is None else of, 1)
    rate = count / max(spans.seconds(days), 1)
    return Measured(count, share, rate, errors, errors / max(count, 1), p50, p95, p99, size)


def _ranked(frame: "pl.DataFrame", request: RequestsRequest, total: int) -> list[RequestsRow]:
    import polars as pl

    ranked = frame.group_by("named").agg(pl.col("count").sum()).sort(["count", "named"], descending=[True, False])
    shown = ranked.head(request.limit).select("named")
    found = _sums(frame.join(shown, on="named", how="semi"), "named")
    rows = []
    for (value,) in shown.rows():
        measured = _measured(found[value], request.days, total)
        rows.append(RequestsRow(**msgspec.structs.asdict(measured), value=value))
    return rows


def _series(frame: "pl.DataFrame", days: Range) -> list[RequestsPoint]:
    """Gaps as zeros."""
    found = _sums(frame, "at")
    if _hourly(days):
        starts = {hour: rfc3339(hour, days.zone) for hour in sorted({*spans.hours(days), *found})}
        return [_point(time, found.get(hour)) for hour, time in starts.items()]
    return [_point(day.isoformat(), found.get(day)) for day in spans.dates(days)]


def _point(time: str, found: _Sum | None) -> RequestsPoint:
    if found is None:
        return RequestsPoint(time)
    return RequestsPoint(time, found.total, found.errors, *latency.quantiles(found.buckets, *_LEVELS))
