"""Builds the statements that count. A projection answers only where WHERE and GROUP BY stand on its own
expressions, so they are written here and nowhere else.

Names of columns come from this module's lists; every value is a bound parameter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from eventmill.event import KEY_PARTS
from eventmill.query.conditions import as_sql
from eventmill.query.days import clamp, instants, quarter_hours
from eventmill.query.dimensions import expression
from eventmill.query.model import Filter, Range

VISITOR = "nullIf(user_hash, cityHash64(''))"
"""Who an event counts for; NULL, and not counted, where it names nobody."""
UNIQUES = f"ifNull(uniqCombined64(16)({VISITOR}), 0)"
STATES = f"uniqCombined64State(16)({VISITOR})"
MERGED = "ifNull(uniqCombined64Merge(16)(visitors), 0)"
"""States of visitors together."""
QUARTER = "toStartOfFifteenMinutes(time)"
_DAILY_DEPTH = 2  # category and action


@dataclass(slots=True)
class Statement:
    """SQL and its parameters, growing together."""

    where: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)

    def equal(self, column: str, value: object, kind: str = "String", tag: str = "") -> None:
        self.params[f"{tag}{column}"] = value
        self.where.append(f"{column} = {{{tag}{column}:{kind}}}")

    def build(self, columns: Sequence[str], group: Sequence[str], table: str = "events", tail: str = "") -> str:
        parts = [f"SELECT {', '.join(columns)} FROM {table}"]  # noqa: S608 - names from this module's lists
        if self.where:
            parts.append(f"WHERE {' AND '.join(self.where)}")
        if group:
            parts.append(f"GROUP BY {', '.join(group)}")
        return " ".join([*parts, tail]).strip()


def matching(chosen: Filter, tag: str = "") -> Statement:
    """The filter's conditions, primary key columns in their order. Names of parameters begin with `tag`: a statement
    of several filters gives each its own."""
    made = Statement()
    if chosen.site is not None:
        made.equal("site", chosen.site, tag=tag)
    if chosen.topic is not None:
        made.equal("topic", chosen.topic, tag=tag)
    for part in KEY_PARTS:
        if part in chosen.parts:
            made.equal(part, chosen.parts[part], tag=tag)
    if chosen.bot is not None:
        made.equal("bot", chosen.bot, "Bool", tag)
    made.where += as_sql(chosen.conditions, made.params, tag, partial(expression, configured=chosen.products))
    return made


@dataclass(slots=True, frozen=True)
class Plan:
    """A way to ask: conditions, and how the time of an event is written there."""

    statement: Statement
    kind: str
    """`day` (daily projections), `quarter` (the quarter-hour projection) or `raw`."""
    time: str
    """The expression that stands for the time: a date, or an instant."""


def plan(chosen: Filter, days: Range, *, depth: int, store_zone: str, finest: str, uniques: bool) -> Plan:
    """How to ask for keys of `depth` in buckets no finer than `finest` (`minute`, `hour`, `day`).

    Day projections hold days of the store's zone; the quarter-hour projection has no uniques; the rest reads
    the rows, which the primary key narrows.
    """
    statement = matching(chosen)
    deepest = max(depth, chosen.depth)
    coarse = deepest <= _DAILY_DEPTH and chosen.coarse
    if coarse and finest == "day" and days.tz == store_zone and days.hours is None:
        first, last = clamp(days)
        expression = f"toDate(time, '{store_zone}')"
        statement.where.append(f"{expression} BETWEEN {{first:Date}} AND {{last:Date}}")
        statement.params |= {"first": first, "last": max(first, last)}
        return Plan(statement, "day", expression)
    since, until = instants(days)
    if coarse and not uniques and finest != "minute" and quarter_hours(days):
        bounds = f"{QUARTER} >= {{since:DateTime('UTC')}} AND {QUARTER} < {{until:DateTime('UTC')}}"
        expression, kind = QUARTER, "quarter"
    else:
        bounds = "time >= {since:DateTime64(3, 'UTC')} AND time < {until:DateTime64(3, 'UTC')}"
        expression, kind = "time", "raw"
    statement.where.append(bounds)
    statement.params |= {"since": since, "until": until}
    return Plan(statement, kind, expression)


def bucket(made: Plan, interval: str, tz: str) -> str | None:
    """The expression of a bucket of `interval`; None for `total`. `tz` is a checked IANA name.

    Hours and minutes come as seconds since the epoch: a name for an hour is not unique in autumn.
    """
    if interval == "total":
        return None
    day = made.time if made.kind == "day" else f"toDate({made.time}, '{tz}')"
    return {
        "minute": f"toUnixTimestamp(toStartOfMinute({made.time}))",
        "hour": f"toUnixTimestamp(toStartOfHour({made.time}, '{tz}'))",
        "day": day,
        "week": f"toMonday({day})",
        "month": f"toStartOfMonth({day})",
    }[interval]


def span(days: Range) -> int:
    """How many days the range has."""
    return (days.last - days.first + timedelta(days=1)).days
