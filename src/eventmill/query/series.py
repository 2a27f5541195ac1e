"""PV and UV over time, gaps as zeros: what a line chart draws."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from eventmill.query.answers import Parts, by_day
from eventmill.query.closed import ClosedDays
from eventmill.query.days import clamp, clamped, instants, midnight, rfc3339
from eventmill.query.expired import Group, expired, grouped
from eventmill.query.model import (
    FILTERS,
    Filter,
    Range,
    RequestError,
    known,
    parse_choice,
    parse_compare,
    parse_filter,
    parse_range,
)
from eventmill.query.select import bucket, plan
from eventmill.query.source import Store
from eventmill.query.spans import dates, previous
from eventmill.settings import Product

INTERVALS = ("minute", "hour", "day", "week", "month")
PARAMETERS = ("from", "to", *FILTERS, "interval", "tz", "compare")
MAX_POINTS = 100_000
_SECONDS = {"minute": 60, "hour": 3600}


class SeriesRequest(msgspec.Struct, frozen=True):
    """Buckets of `interval` that meet the range; weeks begin on Monday."""

    days: Range
    filter: Filter
    interval: str = "day"
    compare: bool = False


class Point(msgspec.Struct):
    """`time` is where the bucket begins: RFC 3339 for minutes and hours, else a date."""

    time: str
    pv: int = 0
    uv: int = 0


class Series(msgspec.Struct, omit_defaults=True):
    """The answer. `before` is the period of equal length right before, where asked for: its buckets follow the
    calendar, so there may be one more or less where clocks change, or of weeks and months."""

    data: list[Point]
    before: list[Point] | None = None


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> SeriesRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    request = SeriesRequest(
        days=parse_range(params, default_tz),
        filter=parse_filter(params, products),
        interval=parse_choice(params, "interval", INTERVALS, "day"),
        compare=parse_compare(params),
    )
    first, last = clamp(request.days)
    days = max(0, (last - first).days + 1)
    points = int(days * {"minute": 1440, "hour": 24, "day": 1, "week": 1 / 7, "month": 1 / 28}[request.interval])
    if points > MAX_POINTS:
        raise RequestError(
            f"{points} points are too many (at most {MAX_POINTS}): ask for a longer interval or fewer days"
        )
    return request


def series(store: Store, request: SeriesRequest, store_zone: str, closed: ClosedDays | None = None) -> Series:
    """One point for each bucket of the range, as far as the store can hold its days (1970 to 2148).

    `closed` has days that were counted before."""
    data = _points(store, request, request.days, store_zone, closed)
    before = _points(store, request, previous(request.days), store_zone, closed) if request.compare else None
    return Series(data, before)


def _points(
    store: Store, request: SeriesRequest, asked: Range, store_zone: str, closed: ClosedDays | None
) -> list[Point]:
    days, interval = clamped(asked), request.interval
    if days.first > days.last:
        return []
    fine = interval in _SECONDS
    starts: list[int] = _starts(days, interval) if fine else []
    labels = [] if fine else _dates(days, interval)
    points = [Point(rfc3339(start, days.zone)) for start in starts] or [Point(day.isoformat()) for day in labels]
    rows = _counted(store, request, days, store_zone, closed)
    place = {day: at for at, day in enumerate(labels)}
    for at, pv, uv in rows:
        # The engine and Python may cut the hour of a half-hour change elsewhere: the bucket that holds it counts.
        index = bisect_right(starts, int(at)) - 1 if fine else place[at]
        point = points[max(index, 0)]
        point.pv += int(pv)
        point.uv += int(uv)
    return points


def _counted(
    store: Store, request: SeriesRequest, days: Range, store_zone: str, closed: ClosedDays | None
) -> Sequence[Sequence[Any]]:
    """(bucket, pv, uv): a date, or where it begins in s since the epoch. Visitors of a day or an hour need no others:
    where every event would have to be read, days that are over are read once."""
    chosen, interval = request.filter, request.interval
    fine = interval in _SECONDS
    made = plan(
        chosen, days, depth=chosen.depth, store_zone=store_zone, finest=interval if fine else "day", uniques=True
    )  # fmt: skip
    when = bucket(made, interval, days.tz)
    if when is None:
        raise RequestError(f"unknown interval {interval!r}")
    old = None if fine else expired(store, chosen, days, store_zone)
    if made.kind == "raw" and old is None and closed is not None and interval in ("hour", "day"):
        parts = Parts(
            name=f"series {interval} 1", filter=chosen, margin=0, make=partial(_by_day, store, request, store_zone),
            encode=lambda rows: msgspec.json.encode(rows).decode(),
            decode=partial(msgspec.json.decode, type=list[tuple[int, int, int]]),
        )  # fmt: skip
        found = by_day(closed, parts, days)
        if not fine:
            return [(day, pv, uv) for day, rows in found.items() for _, pv, uv in rows]
        return [row for rows in found.values() for row in rows]
    daily = {"week": "toMonday(day)", "month": "toStartOfMonth(day)"}.get(interval, "day")
    return grouped(store, made.statement, [Group(when, daily)], old, uniques=True)


def _by_day(
    store: Store, request: SeriesRequest, store_zone: str, days: Range
) -> dict[date, list[tuple[int, int, int]]]:
    """The rows of each day, none for a day without events; days instead of hours have 0 as their bucket."""
    found: dict[date, list[tuple[int, int, int]]] = {day: [] for day in dates(days)}
    for at, pv, uv in _counted(store, request, days, store_zone, None):
        day = at if isinstance(at, date) else max(datetime.fromtimestamp(int(at), days.zone).date(), days.first)
        found[day].append((0 if at == day else int(at), int(pv), int(uv)))
    return found


def _starts(days: Range, interval: str) -> list[int]:
    """Where each minute or hour of the range begins, in s since the epoch; days of 23 or 25 hours have so many."""
    step = _SECONDS[interval]
    if days.hours is not None:
        return [*range(*instants(days), step)]
    starts: list[int] = []
    day = days.first
    while day <= days.last:
        begin, end = midnight(day, days.zone), midnight(day + timedelta(days=1), days.zone)
        starts += range(begin, end, step)
        day += timedelta(days=1)
    return starts


def _dates(days: Range, interval: str) -> list[date]:
    """The first day of each day, week or month that meets the range."""
    found = []
    day = days.first
    if interval == "week":
        day -= timedelta(days=day.weekday())
    elif interval == "month":
        day = day.replace(day=1)
    while day <= days.last:
        found.append(day)
        if interval == "month":
            day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        else:
            day += timedelta(days=7 if interval == "week" else 1)
    return found
