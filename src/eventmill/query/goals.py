"""Goals: what visitors are to do, how many did it, and which share of all visitors they are.

A goal is a name and conditions (a page visited, an event of a key, …); every event on which they hold is a
conversion. Report and series are functions of the stored events: a goal that is made today has its history.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from eventmill.query.days import clamped
from eventmill.query.expired import expired, grouped
from eventmill.query.filters import Condition, parse_conditions
from eventmill.query.model import FILTERS, Filter, Range, RequestError, known, parse_filter, parse_range
from eventmill.query.select import plan
from eventmill.query.series import Point, SeriesRequest, series
from eventmill.query.source import Store
from eventmill.settings import Product

PARAMETERS = ("from", "to", *FILTERS, "tz")


class SavedGoal(Protocol):
    """A goal as it is kept: `filters` is JSON text, `site` empty for all sites."""

    @property
    def name(self) -> str: ...
    @property
    def site(self) -> str: ...
    @property
    def filters(self) -> str: ...


class ReportRequest(msgspec.Struct, frozen=True):
    """`filter` narrows both who counts as a visitor and what counts as a conversion."""

    days: Range
    filter: Filter


class GoalDay(msgspec.Struct):
    """One day of a goal; `time` is its date."""

    time: str
    visitors: int
    conversions: int
    rate: float


class GoalReport(msgspec.Struct):
    """`visitors` reached the goal, in `conversions` events; `rate` is their share of `of`, all visitors of the range
    (0 to 1). Visitors are estimated (p95 error below 1 %), those without a cookie count once a day."""

    name: str
    visitors: int
    conversions: int
    rate: float
    of: int
    series: list[GoalDay]


class GoalsReport(msgspec.Struct):
    """The answer, a row for each goal in the order they were made."""

    data: list[GoalReport]


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> ReportRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    # Goals may name products too, also where the request does not.
    chosen = msgspec.structs.replace(parse_filter(params, products), products=tuple(products))
    return ReportRequest(parse_range(params, default_tz), chosen)


def checked_goal(filters: Any) -> str:
    """A goal's conditions (a list of `[operator, field, value]`, or its JSON text) as the text that is kept.
    Raises `RequestError`."""
    text = filters if isinstance(filters, str) else msgspec.json.encode(filters).decode()
    if not parse_conditions(text):
        raise RequestError('a goal needs a condition: [["is","page","/thanks"]] or [["is","key","shop.buy"]]')
    return text


def report(store: Store, request: ReportRequest, goals: Sequence[SavedGoal], store_zone: str) -> GoalsReport:
    """One row a goal; goals of another site than the one asked for are left out."""
    days = clamped(request.days)
    if days.first > days.last:
        return GoalsReport([])
    everybody: dict[str | None, tuple[int, list[Point]]] = {}
    rows = []
    for goal in goals:
        asked = request.filter.site
        if goal.site and asked is not None and goal.site != asked:
            continue
        base = msgspec.structs.replace(request.filter, site=goal.site or asked)
        if base.site not in everybody:
            everybody[base.site] = (_total(store, base, days, store_zone)[1], _days(store, base, days, store_zone))
        of, all_days = everybody[base.site]
        reached = msgspec.structs.replace(base, conditions=_both(base.conditions, parse_conditions(goal.filters)))
        conversions, visitors = _total(store, reached, days, store_zone)
        points = [
            GoalDay(day.time, min(day.uv, whole.uv), day.pv, _rate(day.uv, whole.uv))
            for day, whole in zip(_days(store, reached, days, store_zone), all_days, strict=True)
        ]
        rows.append(GoalReport(goal.name, min(visitors, of), conversions, _rate(visitors, of), of, points))
    return GoalsReport(rows)


def _both(one: Sequence[Condition], two: Sequence[Condition]) -> tuple[Condition, ...]:
    return tuple(sorted({*one, *two}, key=msgspec.json.encode))


def _days(store: Store, chosen: Filter, days: Range, store_zone: str) -> list[Point]:
    return series(store, SeriesRequest(days, chosen), store_zone).data


def _total(store: Store, chosen: Filter, days: Range, store_zone: str) -> tuple[int, int]:
    """(events, visitors) of the range: visitors of several days are not the sum of each day's."""
    made = plan(chosen, days, depth=chosen.depth, store_zone=store_zone, finest="day", uniques=True)
    rows = grouped(store, made.statement, [], expired(store, chosen, days, store_zone), uniques=True)
    return (int(rows[0][0]), int(rows[0][1])) if rows else (0, 0)


def _rate(part: int, whole: int) -> float:
    # Asked one after the other, and estimated: a visitor between the two must not make a share above one.
    return min(part, whole) / whole if whole else 0.0
