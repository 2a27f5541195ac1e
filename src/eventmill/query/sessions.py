"""Sessions: how many, how long, how many pages, how many of one page only. What a session is: `visits`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple

import msgspec

from eventmill.query import spans
from eventmill.query.answers import Parts, by_day
from eventmill.query.closed import ClosedDays
from eventmill.query.days import beginning, clamp, rfc3339
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
from eventmill.query.source import Store
from eventmill.query.statements import statement
from eventmill.query.visits import GROUP, PAGE_VIEW, for_sessions, without_machines
from eventmill.settings import Product

INTERVALS = ("day", "hour", "total")
PARAMETERS = ("from", "to", *FILTERS, "interval", "tz", "compare")
MAX_HOURS = 100_000


class SessionsRequest(msgspec.Struct, frozen=True):
    """`compare` asks for the period of equal length right before, too."""

    days: Range
    filter: Filter
    interval: str = "day"
    compare: bool = False


class Sessions(msgspec.Struct):
    """`time` is where the bucket begins: a date, RFC 3339 for hours, `from` for the total. `bounces` are sessions of
    exactly one page view, `pages` all page views, `duration_s` the mean from first to last event; null is no session.
    """

    time: str
    sessions: int
    bounces: int
    pages: int
    duration_s: float | None


class SessionsTotal(msgspec.Struct):
    """All sessions of the range; rates are null where there is none."""

    sessions: int
    bounces: int
    pages: int
    duration_s: float | None
    bounce_rate: float | None
    pages_per_session: float | None


class SessionsAnswer(msgspec.Struct, omit_defaults=True):
    """The answer: every bucket of the range, gaps as zeros."""

    data: list[Sessions]
    total: SessionsTotal
    before: SessionsTotal | None = None


class Hour(NamedTuple):
    """Sessions that began in one hour; `hour` in s since the epoch, `length_ms` of all together."""

    day: date
    hour: int
    sessions: int
    bounces: int
    pages: int
    length_ms: int


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> SessionsRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    request = SessionsRequest(
        days=parse_range(params, default_tz),
        filter=parse_filter(params, products),
        interval=parse_choice(params, "interval", INTERVALS, "day"),
        compare=parse_compare(params),
    )
    first, last = clamp(request.days)
    if (last - first).days * 24 > MAX_HOURS and request.interval == "hour":
        raise RequestError(f"more than {MAX_HOURS:,} hours: ask by day, or for fewer days")
    return request


def sessions(store: Store, request: SessionsRequest, closed: ClosedDays | None = None) -> SessionsAnswer:
    """`closed` has days that were counted before. Raises what the store raises."""
    hours = hourly(store, request.filter, request.days, closed)
    before = None
    if request.compare:
        before = _total(hourly(store, request.filter, spans.previous(request.days), closed))
    if request.interval == "total":
        data = [_bucket(beginning(request.days), hours)]
    elif request.interval == "hour":
        at = {hour.hour: hour for hour in hours}
        # The engine may cut the hour in which clocks change by half of one in its own way: what it found is kept.
        starts = sorted({*spans.hours(request.days), *at})
        data = [_bucket(rfc3339(hour, request.days.zone), [at[hour]] if hour in at else []) for hour in starts]
    else:
        by_day: dict[date, list[Hour]] = {day: [] for day in spans.dates(request.days)}
        for hour in hours:
            by_day[hour.day].append(hour)
        data = [_bucket(day.isoformat(), found) for day, found in by_day.items()]
    return SessionsAnswer(data, _total(hours), before)


def hourly(store: Store, chosen: Filter, days: Range, closed: ClosedDays | None = None) -> list[Hour]:
    """Sessions by the hour in which they began; hours without any are left out."""
    chosen = without_machines(chosen)
    parts = Parts(
        name="sessions 1", filter=chosen, margin=1, make=partial(_counted, store, chosen),
        encode=lambda hours: msgspec.json.encode(hours).decode(),
        decode=partial(msgspec.json.decode, type=list[Hour]),
    )  # fmt: skip
    found = by_day(closed, parts, days)
    return [hour for day in sorted(found) for hour in found[day]]


def _counted(store: Store, chosen: Filter, days: Range) -> dict[date, list[Hour]]:
    made = for_sessions(chosen, days)
    conditions = " AND ".join(made.where)
    sql = statement("sessions", zone=days.tz, page_view=PAGE_VIEW, conditions=conditions, group=GROUP)
    found: dict[date, list[Hour]] = defaultdict(list)
    for row in store.query(sql, made.params):
        found[row[0]].append(Hour(row[0], *map(int, row[1:])))
    return found


def _bucket(time: str, hours: Iterable[Hour]) -> Sessions:
    whole = _total(hours)
    return Sessions(time, whole.sessions, whole.bounces, whole.pages, whole.duration_s)


def _total(hours: Iterable[Hour]) -> SessionsTotal:
    count = bounces = pages = length_ms = 0
    for hour in hours:
        count += hour.sessions
        bounces += hour.bounces
        pages += hour.pages
        length_ms += hour.length_ms
    if not count:
        return SessionsTotal(0, 0, 0, None, None, None)
    return SessionsTotal(count, bounces, pages, length_ms / 1000 / count, bounces / count, pages / count)
