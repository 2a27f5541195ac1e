"""Views and visitors of a whole range: from projections where they can tell, else from days that were counted before
and the events of the rest."""

from functools import partial
from typing import NamedTuple

import msgspec

from eventmill.query.closed import ClosedDays, Question, by_value
from eventmill.query.days import clamp
from eventmill.query.expired import expired, grouped
from eventmill.query.model import Filter, Range
from eventmill.query.select import MERGED, matching, plan
from eventmill.query.source import Store

_ONE = "''"
"""All events have this value: a ranking of it is the whole."""


class Whole(NamedTuple):
    """Views, and visitors where they were asked for."""

    pv: int
    uv: int


def whole(
    store: Store, chosen: Filter, days: Range, store_zone: str, closed: ClosedDays | None, *,
    uniques: bool, present: str | None = None,
) -> Whole:  # fmt: skip
    """`present` is one more condition, on columns that `daily` has too. Raises what the store raises."""
    work = partial(_whole, store, chosen, days, store_zone, closed, uniques=uniques, present=present)
    if closed is None:
        return work()
    return closed.memo.get(("whole", msgspec.json.encode(chosen, order="sorted"), days, uniques, present), work)


def _whole(
    store: Store, chosen: Filter, days: Range, store_zone: str, closed: ClosedDays | None, *,
    uniques: bool, present: str | None,
) -> Whole:  # fmt: skip
    first, last = clamp(days)
    if first > last:
        return Whole(0, 0)
    old = expired(store, chosen, days, store_zone)
    made = plan(chosen, days, depth=chosen.depth, store_zone=store_zone, finest="day", uniques=uniques)
    rows = None
    if made.kind == "raw" and old is None and closed is not None and days.hours is None:
        statement = matching(chosen)
        statement.where += [present] if present else []
        question = Question(_ONE, tuple(statement.where), statement.params, chosen, days.tz)
        cover = closed.cover(question, Range(first, last, days.tz))
        if cover is not None and cover.attempts:
            asked, table = by_value(cover, _ONE, statement.where, statement.params, uniques=uniques)
            columns = ["sum(views) AS pv", *([f"{MERGED} AS uv"] if uniques else [])]
            rows = store.query(asked.build(columns, [], table), asked.params)
    if rows is None:
        rows = grouped(store, made.statement, [], old, uniques=uniques, present=present)
    return Whole(int(rows[0][0]), int(rows[0][1]) if uniques else 0) if rows else Whole(0, 0)
