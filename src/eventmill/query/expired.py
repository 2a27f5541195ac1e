"""Days whose raw events have expired: their counts stand in `daily` and are joined with the live rows.

Only where such days are in the range, since the live side must then be asked for states that can be merged,
which no projection gives. `daily` holds days of the store's zone: other zones and hours see live events only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from eventmill.query.days import clamp
from eventmill.query.model import Filter, Range
from eventmill.query.select import MERGED, STATES, UNIQUES, Statement, matching
from eventmill.query.source import Store

_MARKS = """SELECT toUInt32(substring(name, 9)), toUInt32(splitByChar(':', value)[1]), endsWith(value, ':counted')
FROM meta FINAL WHERE startsWith(name, 'expired:')"""
_GENERATIONS = 100


@dataclass(slots=True, frozen=True)
class Expired:
    """What of `daily` counts: its `sources`; `pending` are days of receipt that are counted and not deleted yet."""

    where: Statement
    pending: list[int]


class Group(NamedTuple):
    """A column of the answer: its expression over `events` and over `daily`."""

    live: str
    daily: str


def grouped(
    store: Store,
    live: Statement,
    group: Sequence[Group],
    old: Expired | None,
    *,
    uniques: bool,
    present: str | None = None,
    more: Sequence[str] = (),
    tail: str = "HAVING pv > 0",
) -> Sequence[Sequence[Any]]:
    """Rows of the group's columns (`g0`, `g1` … in `tail`), pv and, where asked for, uv. `present` is a condition on
    both sides, `more` are columns of the whole behind the figures."""
    live = Statement([*live.where, *([present] if present else [])], {**live.params})
    if old is not None:
        sql, params = _joined(old, live, group, uniques, present, more, tail)
        return store.query(sql, params)
    columns = [column.live for column in group]
    named = [f"{column} AS g{place}" for place, column in enumerate(columns)]
    figures = ["count() AS pv", f"{UNIQUES} AS uv"] if uniques else ["count() AS pv"]
    return store.query(live.build([*named, *figures, *more], columns, tail=tail), live.params)


def expired(store: Store, chosen: Filter, days: Range, store_zone: str) -> Expired | None:
    """The expired days of the range; None where there are none, or where they cannot be cut this way."""
    if days.tz != store_zone or days.hours is not None or not chosen.kept:
        return None
    marks = store.query(_MARKS)
    if not marks:
        return None
    first, last = clamp(days)
    where = matching(chosen)
    where.where += ["day BETWEEN {first:Date} AND {last:Date}", "has({sources:Array(UInt32)}, source)"]
    sources = [
        int(day) * _GENERATIONS + number for day, generation, _ in marks for number in range(int(generation) + 1)
    ]
    where.params |= {"first": first, "last": last, "sources": sources}
    if not store.query(where.build(["1"], [], "daily", "LIMIT 1"), where.params):
        return None
    return Expired(where, [int(day) for day, _, pending in marks if pending])


def _joined(
    old: Expired,
    live: Statement,
    group: Sequence[Group],
    uniques: bool,
    present: str | None,
    more: Sequence[str],
    tail: str,
) -> tuple[str, dict[str, Any]]:
    names = [f"g{place}" for place in range(len(group))]
    fresh = Statement([*live.where], {**live.params})
    if old.pending:
        fresh.where.append("NOT has({pending:Array(UInt32)}, toYYYYMMDD(received))")
        fresh.params["pending"] = old.pending
    state = [f"{STATES} AS visitors"] if uniques else []
    columns = [f"{column.live} AS {name}" for column, name in zip(group, names, strict=True)]
    one = fresh.build([*columns, "count() AS views", *state], names)
    columns = [f"{column.daily} AS {name}" for column, name in zip(group, names, strict=True)]
    counted = Statement([*old.where.where, *([present] if present else [])])
    two = counted.build([*columns, "pv AS views", *(["uv AS visitors"] if uniques else [])], [], "daily FINAL")
    merged = [f"{MERGED} AS uv"] if uniques else []
    sql = Statement().build([*names, "sum(views) AS pv", *merged, *more], names, f"({one} UNION ALL {two})", tail)
    return sql, {**old.where.params, **fresh.params}
