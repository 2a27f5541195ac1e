"""PV and UV of keys: each prefix of `category.action.label.value`, by day, hour or over the range."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from eventmill.event import KEY_PARTS, key_text
from eventmill.query import cursor
from eventmill.query.days import clamp, rfc3339
from eventmill.query.expired import Expired, Group, expired, grouped
from eventmill.query.model import (
    DEPTH,
    FILTERS,
    Filter,
    Range,
    RequestError,
    known,
    parse_choice,
    parse_filter,
    parse_number,
    parse_range,
)
from eventmill.query.select import bucket, plan
from eventmill.query.source import QueryRefused, Store
from eventmill.settings import Product

INTERVALS = ("day", "hour", "total")
BY = ("", *KEY_PARTS, "all")
METRICS = ("pv,uv", "pv")
MAX_ROWS = 1_000_000
MAX_LIMIT = 100_000
PARAMETERS = ("from", "to", *FILTERS, "by", "interval", "tz", "metrics", "limit", "cursor")


class CountsRequest(msgspec.Struct, frozen=True):
    """`by` is "" (the prefix itself), a part of the key, or `all`. `uniques` False asks for views only. `limit` cuts
    the answer, 0 does not; `after` is the row behind which it begins."""

    days: Range
    filter: Filter
    by: str = ""
    interval: str = "day"
    uniques: bool = True
    limit: int = 0
    after: cursor.Place | None = None


class Figures(msgspec.Struct, omit_defaults=True):
    """Views and visitors (estimated, p95 error below 1 %)."""

    pv: int
    uv: int | None = None


class Count(msgspec.Struct):
    """One key in one bucket. `eventDate` is a date; RFC 3339 with `hour`; the first day with `total`."""

    eventDate: str  # noqa: N815 - names of the interface
    eventKey: str  # noqa: N815
    eventData: Figures  # noqa: N815


class Counts(msgspec.Struct):
    """The answer. `next` is the `cursor` of the page behind it; null says that this is all."""

    data: list[Count]
    next: str | None = None


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> CountsRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    chosen = parse_filter(params, products)
    by = parse_choice(params, "by", BY, "")
    if by in DEPTH and DEPTH[by] < chosen.depth:
        deepest = KEY_PARTS[chosen.depth - 1]
        raise RequestError(f"by={by} is above the given {deepest}: ask by={deepest} or deeper, or leave {deepest} out")
    interval = parse_choice(params, "interval", INTERVALS, "day")
    return CountsRequest(
        days=parse_range(params, default_tz),
        filter=chosen,
        by=by,
        interval=interval,
        uniques=parse_choice(params, "metrics", METRICS, "pv,uv") == "pv,uv",
        limit=parse_number(params, "limit", 0, 1, MAX_LIMIT) if params.get("limit") else 0,
        after=cursor.parse(params.get("cursor") or "", interval),
    )


def counts(store: Store, request: CountsRequest, store_zone: str) -> Counts:
    """The counts, by date, then key. Raises `QueryRefused` where they are too many and no limit was given."""
    first, last = clamp(request.days)
    if first > last:
        return Counts([])
    rows: list[tuple[Any, tuple[str, ...], int, int | None]] = []
    old = expired(store, request.filter, request.days, store_zone) if request.interval != "hour" else None
    for depth in _depths(request):
        rows += _at_depth(store, request, depth, old, store_zone, MAX_ROWS - len(rows))
    rows.sort(key=lambda row: (row[0], row[1]))
    following = None
    if request.limit and len(rows) > request.limit:
        del rows[request.limit :]
        when, key, *_ = rows[-1]
        following = cursor.Place(None if request.interval == "total" else when, key).text()
    shown: dict[Any, str] = {}
    data = []
    for when, key, pv, uv in rows:
        if when not in shown:
            shown[when] = _date_text(when, request)
        data.append(Count(shown[when], key_text(*key), Figures(pv, uv)))
    return Counts(data, following)


def _depths(request: CountsRequest) -> list[int]:
    if request.by == "all":
        return list(range(request.filter.depth, len(KEY_PARTS) + 1))
    return [DEPTH.get(request.by, request.filter.depth)]


def _at_depth(
    store: Store, request: CountsRequest, depth: int, old: Expired | None, store_zone: str, limit: int
) -> list[tuple[Any, tuple[str, ...], int, int | None]]:
    """(bucket, key parts, pv, uv) of every key of that depth below the prefix."""
    days, interval = request.days, request.interval
    finest = "hour" if interval == "hour" else "day"
    made = plan(request.filter, days, depth=depth, store_zone=store_zone, finest=finest, uniques=request.uniques)
    parts = list(KEY_PARTS[:depth])
    # A key that ends earlier has no prefix of this depth.
    present = f"{parts[-1]} != ''" if depth > request.filter.depth else None
    when = bucket(made, interval, days.tz)
    group = [*([Group(when, "day")] if when else []), *(Group(part, part) for part in parts)]
    having = request.after.behind(depth, made.statement.params) if request.after else "1"
    order = f"ORDER BY {', '.join(f'g{place}' for place in range(len(group)))}" if request.limit and group else ""
    most = min(request.limit or limit, limit)
    found = grouped(
        store, made.statement, group, old, uniques=request.uniques, present=present,
        tail=f"HAVING pv > 0 AND {having} {order} LIMIT {most + 1}",
    )  # fmt: skip
    if len(found) > limit:
        raise QueryRefused(f"more than {MAX_ROWS} rows: ask for fewer days, a prefix, or a key less deep")
    rows = []
    for row in found:
        at = row[0] if when else days.hours[0] if days.hours else days.first
        rest = row[1:] if when else row
        key = tuple(str(part) for part in rest[:depth])
        rows.append((at, key, int(rest[depth]), int(rest[depth + 1]) if request.uniques else None))
    return rows


def _date_text(when: Any, request: CountsRequest) -> str:
    if isinstance(when, date):
        return when.isoformat()
    return rfc3339(int(when), request.days.zone)
