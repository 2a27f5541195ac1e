"""The most frequent values of any field, with their share of all views."""

import re
from collections.abc import Mapping

import msgspec

from eventmill.query.days import clamp, instants
from eventmill.query.model import FILTERS, Filter, Range, RequestError, known, parse_filter, parse_number, parse_range
from eventmill.query.select import UNIQUES, matching, plan
from eventmill.query.source import Store

COLUMNS = (
    "site", "topic", "category", "action", "label", "value", "user", "session", "url", "url_host", "referrer",
    "referrer_host", "utm_source", "utm_medium", "utm_campaign", "user_agent", "browser", "os", "device", "bot", "ip",
    "language", "screen", "duration_ms", "bytes", "id",
)  # fmt: skip
"""The dimensions, beside `props.NAME`."""
DAILY = ("site", "topic", "category", "action")
PARAMETERS = ("from", "to", *FILTERS, "dimension", "limit", "tz")
MAX_LIMIT = 10_000
_PROP = re.compile(r"props\.(.{1,128})", re.DOTALL)


class TopRequest(msgspec.Struct, frozen=True):
    """`dimension` is a column, or `props.x` for a property of the event."""

    days: Range
    filter: Filter
    dimension: str
    limit: int = 10


class Ranked(msgspec.Struct):
    """A value; `share` is its part of all views in the range, 0 to 1."""

    value: str
    pv: int
    uv: int
    share: float


class Top(msgspec.Struct):
    """The answer, most views first, then by value."""

    data: list[Ranked]


def parse(params: Mapping[str, str], default_tz: str) -> TopRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    dimension = params.get("dimension") or ""
    if dimension not in COLUMNS and not _PROP.fullmatch(dimension):
        raise RequestError(f"unknown dimension {dimension!r}; one of {', '.join(COLUMNS)}, props.NAME")
    return TopRequest(
        days=parse_range(params, default_tz),
        filter=parse_filter(params),
        dimension=dimension,
        limit=parse_number(params, "limit", 10, 1, MAX_LIMIT),
    )


def top(store: Store, request: TopRequest, store_zone: str) -> Top:
    """Events that have no such property are not listed; they count in the total that `share` refers to."""
    first, last = clamp(request.days)
    if first > last:
        return Top([])
    prop = _PROP.fullmatch(request.dimension)
    daily = request.dimension in DAILY
    if daily:
        depth = {"category": 1, "action": 2}.get(request.dimension, 0)
        made = plan(
            request.filter, request.days, depth=depth, store_zone=store_zone, finest="day", uniques=True
        ).statement
    else:
        made = matching(request.filter)
        since, until = instants(request.days)
        made.where += ["time >= {since:DateTime64(3, 'UTC')}", "time < {until:DateTime64(3, 'UTC')}"]
        made.params |= {"since": since, "until": until}
    total_sql = made.build(["count()"], [])
    value, present = f"toString({request.dimension})", ""
    if prop:
        made.params["prop"] = prop[1]
        # Text as it is, everything else as JSON: 1 and "1" are one value.
        value = (
            "if(JSONType(props, {prop:String}) = 'String', JSONExtractString(props, {prop:String}), "
            "JSONExtractRaw(props, {prop:String}))"
        )
        present = "JSONHas(props, {prop:String})"
    elif request.dimension in ("duration_ms", "bytes"):
        present = f"{request.dimension} IS NOT NULL"
    if present:
        made.where.append(present)
    group = request.dimension if not prop else value
    columns = [f"{value} AS shown", "count() AS pv", f"{UNIQUES} AS uv"]
    made.params["limit"] = request.limit
    sql = made.build(columns, [group], tail="ORDER BY pv DESC, shown ASC LIMIT {limit:UInt32}")
    total = int(store.query(total_sql, made.params)[0][0])
    rows = store.query(sql, made.params)
    return Top([Ranked(str(shown), int(pv), int(uv), int(pv) / total) for shown, pv, uv in rows])
