"""The most frequent values of any field, with their share of all views."""

import re
from collections.abc import Mapping

import msgspec

from eventmill.query.days import clamp, instants
from eventmill.query.expired import Expired, Group, expired, grouped
from eventmill.query.model import FILTERS, Filter, Range, RequestError, known, parse_filter, parse_number, parse_range
from eventmill.query.select import UNIQUES, Statement, matching, plan
from eventmill.query.source import Store

COLUMNS = (
    "site", "topic", "category", "action", "label", "value", "user", "session", "url", "url_host", "referrer",
    "referrer_host", "utm_source", "utm_medium", "utm_campaign", "user_agent", "browser", "os", "device", "bot", "ip",
    "language", "screen", "duration_ms", "bytes", "id",
)  # fmt: skip
"""The dimensions, beside `props.NAME`."""
DAILY = ("site", "topic", "category", "action")
NUMBERS = ("bot", "duration_ms", "bytes")
KEPT = {*DAILY, "label", "value"}
"""What `daily` keeps of expired events."""
FEW_VALUES = {
    *DAILY, "url_host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "browser", "os", "device", "bot",
    "language", "screen",
}  # fmt: skip
"""Of few values: one pass counts visitors too. The rest is ranked by views first."""
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
    made, value = _values(request, store_zone)
    made.params["limit"] = request.limit
    tail = "HAVING pv > 0 ORDER BY pv DESC, 1 ASC LIMIT {limit:UInt32}"
    old = expired(store, request.filter, request.days, store_zone) if request.dimension in KEPT else None
    few = request.dimension in FEW_VALUES or old is not None
    rows = grouped(store, made, [Group(value, value)], old, uniques=few, tail=tail)
    visitors = {} if few else _visitors(store, made, value, [str(row[0]) for row in rows])
    total = _total(store, request, old, store_zone)
    ranked = []
    for row in rows:
        shown, pv = str(row[0]), int(row[1])
        # An event stored between the two questions must not make a share above one.
        ranked.append(Ranked(shown, pv, int(row[2]) if few else visitors.get(shown, 0), pv / max(total, pv)))
    return Top(ranked)


def _values(request: TopRequest, store_zone: str) -> tuple[Statement, str]:
    """Conditions, and the expression of the dimension as text."""
    if request.dimension in DAILY:
        depth = {"category": 1, "action": 2}.get(request.dimension, 0)
        made = plan(request.filter, request.days, depth=depth, store_zone=store_zone, finest="day", uniques=True)
        return made.statement, request.dimension
    statement = matching(request.filter)
    since, until = instants(request.days)
    statement.where += ["time >= {since:DateTime64(3, 'UTC')}", "time < {until:DateTime64(3, 'UTC')}"]
    statement.params |= {"since": since, "until": until}
    prop = _PROP.fullmatch(request.dimension)
    if prop is None:
        if request.dimension in NUMBERS:
            statement.where.append(f"{request.dimension} IS NOT NULL")
            return statement, f"toString({request.dimension})"
        return statement, request.dimension
    statement.params["prop"] = prop[1]
    statement.where.append("JSONHas(props, {prop:String})")
    # Text as it is, everything else as JSON: 1 and "1" are one value.
    text, other = "JSONExtractString(props, {prop:String})", "JSONExtractRaw(props, {prop:String})"
    return statement, f"if(JSONType(props, {{prop:String}}) = 'String', {text}, {other})"


def _visitors(store: Store, made: Statement, value: str, shown: list[str]) -> dict[str, int]:
    """Uniques of these values only: where a field has many values, states for all of them cost five times more."""
    statement = Statement([*made.where, f"{value} IN {{shown:Array(String)}}"], {**made.params, "shown": shown})
    rows = store.query(statement.build([f"{value} AS shown_value", UNIQUES], ["shown_value"]), statement.params)
    return {str(row[0]): int(row[1]) for row in rows}


def _total(store: Store, request: TopRequest, old: Expired | None, store_zone: str) -> int:
    made = plan(request.filter, request.days, depth=0, store_zone=store_zone, finest="day", uniques=False)
    rows = grouped(store, made.statement, [], old, uniques=False)
    return int(rows[0][0]) if rows else 0
