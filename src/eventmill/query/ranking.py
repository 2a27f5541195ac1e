"""How a ranking is counted: from projections, from days counted before, or from the events."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec

from eventmill.query.closed import ClosedDays, Cover, Question, by_value
from eventmill.query.days import clamp, clamped, instants
from eventmill.query.dimensions import DAILY, KEPT, NUMBERS, as_text, expression, prop_json, prop_name, reads
from eventmill.query.expired import Expired, Group, expired, grouped
from eventmill.query.model import Filter, Range
from eventmill.query.select import MERGED, Statement, matching, plan
from eventmill.query.source import Store
from eventmill.query.whole import whole
from eventmill.settings import Product

FEW_VALUES = {
    *DAILY, "url_host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "browser", "os", "device", "bot",
    "language", "screen", "route", "source", "channel", "country", "product",
}  # fmt: skip
"""Of few values: one pass counts visitors too. The rest is ranked by views first."""
_PRESENT = {"route": "topic = 'request'"}
"""Where events of other kinds have no such dimension at all: they are not listed under ''."""
_MERGED = f"{MERGED} AS uv"
_ALL_VALUES = "count() OVER () AS all_values"
_FOUND = "positionCaseInsensitiveUTF8({}, {{search:String}}) > 0"


class Wanted(msgspec.Struct, frozen=True):
    """What is ranked, and which part of the ranking is shown. `search` leaves the values that have this text in them,
    in upper or lower case; `products` are the configured ones."""

    dimension: str
    filter: Filter
    limit: int = 10
    offset: int = 0
    search: str = ""
    products: tuple[Product, ...] = ()


class Entry(NamedTuple):
    """A value with its views and visitors."""

    value: str
    pv: int
    uv: int


class Ranking(NamedTuple):
    """The part of the ranking, and how many values it has in all (None where the part is beyond its end)."""

    entries: list[Entry]
    values: int | None


class Rankings:
    """Rankings of a range of days. `closed` has days that were counted before."""

    def __init__(self, store: Store, wanted: Wanted, days: Range, store_zone: str, closed: ClosedDays | None) -> None:
        self._store, self._wanted, self._days, self._zone, self._closed = store, wanted, days, store_zone, closed
        # Every expression and condition that `daily` cannot give reads live events only.
        kept = reads(wanted.dimension) <= KEPT
        self._old: Expired | None = expired(store, wanted.filter, days, store_zone) if kept else None
        self._from_parts = wanted.dimension in DAILY or self._old is not None

    def part(self) -> Ranking:
        """Most views first, then by value."""
        wanted = self._wanted
        found = _FOUND if wanted.search else ""
        rows = self._parts(found=found) if self._from_parts else self._from_days(found)
        if rows or not wanted.offset:
            return Ranking([Entry(str(row[0]), int(row[1]), int(row[2])) for row in rows], _all(rows))
        return Ranking([], None)

    def among(self, values: Collection[str]) -> dict[str, Entry]:
        """These values alone; those without events are left out."""
        if not values or clamp(self._days)[0] > clamp(self._days)[1]:
            return {}
        rows = self._parts(values=values) if self._from_parts else self._of_days(values)
        return {str(row[0]): Entry(str(row[0]), int(row[1]), int(row[2])) for row in rows}

    def total(self) -> int:
        """Views of all events that the filter leaves."""
        wanted = self._wanted.filter
        return whole(self._store, wanted, self._days, self._zone, self._closed, uniques=False).pv

    def _parts(self, *, found: str = "", values: Collection[str] | None = None) -> Sequence[Sequence[Any]]:
        """Parts of the key: from projections where they have it, joined with expired days."""
        wanted, days = self._wanted, self._days
        if wanted.dimension in DAILY:
            depth = {"category": 1, "action": 2}.get(wanted.dimension, 0)
            statement = plan(
                wanted.filter, days, depth=depth, store_zone=self._zone, finest="day", uniques=True
            ).statement  # fmt: skip
        else:
            statement = matching(wanted.filter)
            since, until = instants(days)
            statement.where += ["time >= {since:DateTime64(3, 'UTC')}", "time < {until:DateTime64(3, 'UTC')}"]
            statement.params |= {"since": since, "until": until}
        name = expression(wanted.dimension, statement.params, "dimension")
        present = [_PRESENT[wanted.dimension]] if wanted.dimension in _PRESENT else []
        present += [found.format(name)] if found else []
        tail = "HAVING pv > 0"
        if values is None:
            statement.params |= {"search": wanted.search, "limit": wanted.limit, "offset": wanted.offset}
            tail += " ORDER BY pv DESC, 1 ASC LIMIT {limit:UInt32} OFFSET {offset:UInt32}"
        else:
            statement.params["values"] = [*values]
            present.append(f"{name} IN {{values:Array(String)}}")
        return grouped(
            self._store, statement, [Group(name, name)], self._old, uniques=True,
            present=" AND ".join(present) or None, more=[_ALL_VALUES] if values is None else [], tail=tail,
        )  # fmt: skip

    def _from_days(self, found: str) -> Sequence[Sequence[Any]]:
        """Any other dimension: days counted before, and the events of the rest. Where a field has many values they are
        ranked by views first: states of visitors for all of them cost five times more."""
        wanted = self._wanted
        statement, value, shown = counted(wanted)
        few = wanted.dimension in FEW_VALUES or wanted.dimension.startswith("props.")
        made, table = by_value(self._cover(), value, statement.where, statement.params, uniques=few)
        made.params |= {"limit": wanted.limit, "offset": wanted.offset, "search": wanted.search}
        columns = [
            f"{shown.replace('%s', 'counted')} AS shown", "sum(views) AS pv", *([_MERGED] if few else []), _ALL_VALUES,
        ]  # fmt: skip
        having = f"HAVING {found.format('shown')} " if found else ""
        tail = f"{having}ORDER BY pv DESC, shown ASC LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}"
        rows = self._store.query(made.build(columns, ["shown"], table, tail), made.params)
        if few:
            return rows
        visitors = {row[0]: row[2] for row in self._of_days([str(row[0]) for row in rows])}
        return [(row[0], row[1], visitors.get(row[0], 0), row[2]) for row in rows]

    def _of_days(self, values: Collection[str]) -> Sequence[Sequence[Any]]:
        """The same for these values alone."""
        statement, value, shown = counted(self._wanted)
        only = "has({values:Array(String)}, " + shown + ")" if shown != "%s" else "%s IN {values:Array(String)}"
        params = {**statement.params, "values": [*values]}
        made, table = by_value(self._cover(), value, statement.where, params, uniques=True, only=only)
        columns = [f"{shown.replace('%s', 'counted')} AS shown", "sum(views) AS pv", _MERGED]
        return self._store.query(made.build(columns, ["shown"], table), made.params)

    def _cover(self) -> Cover:
        days = clamped(self._days)
        kept = self._closed if days.hours is None else None
        cover = kept.cover(question(self._wanted, days.tz), days) if kept else None
        return cover or Cover(0, [], [days])


def question(wanted: Wanted, tz: str) -> Question:
    """What of a ranking is counted for days that are over."""
    statement, value, _ = counted(wanted)
    return Question(value, tuple(statement.where), statement.params, wanted.filter, tz)


def counted(wanted: Wanted) -> tuple[Statement, str, str]:
    """Conditions, the expression that is counted, and how it is shown, `%s` standing for it."""
    statement = matching(wanted.filter)
    prop = prop_name(wanted.dimension)
    if prop is None:
        if wanted.dimension in NUMBERS:
            statement.where.append(f"{wanted.dimension} IS NOT NULL")
            return statement, f"toString({wanted.dimension})", "%s"
        statement.where += [_PRESENT[wanted.dimension]] if wanted.dimension in _PRESENT else []
        return statement, expression(wanted.dimension, statement.params, "dimension", wanted.products), "%s"
    # Counted as JSON, shown as text where it is text.
    value = prop_json(prop, statement.params)
    statement.where.append(f"{value} != ''")
    return statement, value, as_text("%s")


def _all(rows: Sequence[Sequence[Any]]) -> int:
    return int(rows[0][3]) if rows else 0
