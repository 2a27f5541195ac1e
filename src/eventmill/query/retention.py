"""Retention: of the visitors first seen in a day, week or month, how many were there again in each later one.

A visitor belongs to the period of the first event in the range that the filter lets through. It returned in each
period in which it has an event that `again` lets through, any event by default; `site`, `topic` and `bot` hold for
that event too, the key and `filters` for the first one only. Nothing after `to` is looked at.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec

from eventmill.query.closed import ClosedDays
from eventmill.query.days import clamp
from eventmill.query.kept import LIMITS, Rows, kept
from eventmill.query.model import (
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
from eventmill.query.select import matching
from eventmill.query.source import Store
from eventmill.query.spans import empty
from eventmill.query.statements import statement
from eventmill.query.visits import by_people, of_visitors, within
from eventmill.settings import Product

INTERVALS = ("day", "week", "month")
PARAMETERS = ("from", "to", *FILTERS, "interval", "periods", "again", "tz")
MAX_PERIODS, MAX_COHORTS = 31, 1_000
_EVERYBODY = 65_535
# The number of the period that a day is in: consecutive.
_NUMBER = {"day": "toUInt16({})", "week": "intDiv(toUInt16(toMonday({})), 7)", "month": "toRelativeMonthNum({})"}

_KEPT = "SELECT visitor, toDate(toUInt16(attempt % 65536)) AS seen_on, base, again FROM closed_visitors WHERE {}"


class RetentionRequest(msgspec.Struct, frozen=True):
    """`periods` are shown of each cohort, its own among them."""

    days: Range
    filter: Filter
    interval: str = "day"
    periods: int = 8
    again: Filter = Filter()


class Cohort(msgspec.Struct):
    """Visitors first seen in the period that begins on `cohort`. `returned`: how many were there in that period, the
    one after it, and so on, as far as the range goes."""

    cohort: str
    visitors: int
    returned: list[int]


class Retention(msgspec.Struct):
    """The answer: every period of the range."""

    data: list[Cohort]


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> RetentionRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    try:
        again = parse_filter({"filters": params.get("again") or ""}, products)
    except RequestError as error:
        raise RequestError(f"again: {error}") from error
    request = RetentionRequest(
        days=parse_range(params, default_tz, hours=False),
        filter=parse_filter(params, products),
        interval=parse_choice(params, "interval", INTERVALS, "day"),
        periods=parse_number(params, "periods", 8, 1, MAX_PERIODS),
        again=again,
    )
    first, last = clamp(request.days)
    cohorts = ((last - first).days + 1) // {"day": 1, "week": 7, "month": 28}[request.interval]
    if cohorts > MAX_COHORTS:
        raise RequestError(f"{cohorts} cohorts are too many (at most {MAX_COHORTS}): ask for longer ones or fewer days")
    return request


def retention(store: Store, request: RetentionRequest, closed: ClosedDays | None = None) -> Retention:
    """`closed` has days that were counted before. Raises what the store raises."""
    if empty(request.days):
        return Retention([])
    starts = _starts(request)
    found: Counter[tuple[int, int]] = Counter()
    for first, later, visitors in _rows(store, request, closed):
        found[int(first), int(later)] = int(visitors)
    base = _number(starts[0], request.interval)
    data = []
    for place, start in enumerate(starts):
        shown = min(request.periods, len(starts) - place)
        returned = [found[base + place, later] for later in range(shown)]
        data.append(Cohort(start.isoformat(), found[base + place, _EVERYBODY], returned))
    return Retention(data)


def _rows(store: Store, request: RetentionRequest, closed: ClosedDays | None) -> Sequence[Sequence[int]]:
    def fill(own: dict[str, object], days: Range) -> None:
        seen = _seen(request, days)
        store.command(statement("seen_kept", seen=seen[0], limits=LIMITS), seen[1] | own)

    both = msgspec.json.encode([request.filter, request.again], order="sorted").decode()
    before = kept(closed, Rows(f"retention 1 {both}", _common(request), margin=0, fill=fill), request.days)
    parts, params = [], before.params | {"periods": request.periods}
    if before.attempts:
        parts.append(_KEPT.format(before.where))
    if before.rest is not None or not parts:
        live, more = _seen(request, before.rest or request.days)
        parts.append(live)
        params |= more
    period = _NUMBER[request.interval].format("seen_on")
    return store.query(statement("retention", period=period, seen=" UNION ALL ".join(parts)), params)


def _common(request: RetentionRequest) -> Filter:
    """What holds for the first event and for that of coming back."""
    chosen = request.filter
    return Filter(topic=chosen.topic, site=chosen.site, bot=chosen.bot)


def _seen(request: RetentionRequest, days: Range) -> tuple[str, dict[str, object]]:
    """Who was seen on these days, and the parameters."""
    chosen = request.filter
    made = within(of_visitors(matching(_common(request))), days)
    build = matching if chosen.topic is not None else by_people
    base = build(msgspec.structs.replace(chosen, topic=None, site=None, bot=None), "base_")
    again = build(request.again, "again_")
    sql = statement(
        "seen",
        zone=days.tz,
        base=f"({' AND '.join(base.where) or '1'})",
        again=f"({' AND '.join(again.where) or '1'})",
        conditions=" AND ".join(made.where),
    )
    return sql, {**made.params, **base.params, **again.params}


def _starts(request: RetentionRequest) -> list[date]:
    """The first day of each period that meets the range; weeks begin on Monday."""
    first, last = clamp(request.days)
    if request.interval == "month":
        months = range(_number(first, "month"), _number(last, "month") + 1)
        return [date((month - 1) // 12, (month - 1) % 12 + 1, 1) for month in months]
    step = 7 if request.interval == "week" else 1
    first -= timedelta(days=first.weekday() if step == 7 else 0)
    return [first + timedelta(days=days) for days in range(0, (last - first).days + 1, step)]


def _number(start: date, interval: str) -> int:
    """What `_NUMBER` makes of the period that begins on this day."""
    days = (start - date(1970, 1, 1)).days
    return {"day": days, "week": days // 7, "month": start.year * 12 + start.month}[interval]
