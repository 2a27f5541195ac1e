"""What visitors did one after the other: the steps of each session in order of time, then of receipt.

Sorting by receipt costs five times what sorting by time costs, and only steps of the same ms need it. So all visitors
are asked for by time first, and those who did two things in one ms once more by receipt.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from eventmill.query.closed import ClosedDays
from eventmill.query.kept import LIMITS, Rows, kept
from eventmill.query.model import Filter, Range
from eventmill.query.select import Statement
from eventmill.query.source import Store
from eventmill.query.statements import statement
from eventmill.query.visits import GROUP, KEY, PAGE, PAGE_VIEW, for_sessions

if TYPE_CHECKING:
    import polars as pl

STEPS = ("page", "key")
"""What a step may be called by."""
OTHER = "(other)"
TIED = 255
"""The first key of a row that names a visitor."""
_WALKS = "SELECT tied, steps, sessions, bounces FROM "
_KEPT = _WALKS + "closed_walks WHERE {} AND tied = 0"
_NO_WALKS = _WALKS + "closed_walks WHERE 0"
_ATTEMPT = "question = {_question:UInt64} AND attempt BETWEEN {_attempt:UInt64} AND {_attempt:UInt64} + 65535"
_TIED_ONES = f"SELECT DISTINCT tied FROM closed_walks WHERE {_ATTEMPT} AND tied != 0"  # noqa: S608
_FEW = 20_000
"""Visitors that are asked for by name; more, and all are asked for by receipt."""


class Walks:
    """Sessions that begin on these days. Steps are page views, or `by="key"` all events."""

    def __init__(
        self, store: Store, chosen: Filter, days: Range, by: str = "page", closed: ClosedDays | None = None
    ) -> None:
        """`closed` has days that were counted before. Raises what the store raises."""
        self._store = store
        self._chosen, self._days = chosen, days
        self._name = PAGE if by == "page" else KEY
        # Never below 16, which stand for what is no step.
        self._hash = hashed(self._name)
        self._step = f"if({PAGE_VIEW}, {self._hash}, 0)" if by == "page" else self._hash
        rows = Rows(name=f"walks 1 {by}", filter=chosen, margin=1, fill=self._fill)
        self.kept = kept(closed, rows, days)

    def ask(
        self, outer: str, keys: Sequence[str], made: Statement | None = None, *, kept: bool = True, live: bool = True,
        **parts: str,
    ) -> "pl.DataFrame":  # fmt: skip
        """The rows of the statement `outer` over `$walks`, one for each value of `keys`: what it counts is added.
        A row whose first key is `TIED` has a visitor whose steps have no order yet as its second one. `made` has
        parameters of its own; without `kept` or `live` days that are over, or the others, are left out. Raises what
        the store raises."""
        import polars as pl

        parts = {"tied": str(TIED), **parts}
        kind, who = (pl.col(name) for name in keys[:2])
        own = {} if made is None else made.params
        before, rest = self.kept, self.kept.rest if live else None
        old = _KEPT.format(before.where) if before.attempts and kept else ""
        if rest is None:
            walks = old or _NO_WALKS
            return self._store.frame(statement(outer, walks=walks, **parts), own | before.params)

        def asked(*, receipts: bool, only: list[int] | None = None) -> "pl.DataFrame":
            walks, params = self._walks(rest, receipts=receipts, only=only)
            # Of visitors asked for by name nothing was kept aside.
            if old and only is None:
                walks, params = f"{_WALKS}({walks}) UNION ALL {old}", params | before.params
            return self._store.frame(statement(outer, walks=walks, **parts), params | own)

        quick = asked(receipts=False)
        tied = quick.filter(kind == TIED).select(who).to_series().unique().to_list()
        if not tied:
            return quick
        if len(tied) > _FEW:
            return asked(receipts=True)
        ordered = quick.filter(kind != TIED)
        late = asked(receipts=True, only=tied)
        # Few rows of many have something to be added.
        added = pl.concat([ordered.join(late, on=keys, how="semi"), late]).group_by(keys).sum().select(ordered.columns)
        return pl.concat([ordered.join(late, on=keys, how="anti"), added])

    def names(self, hashes: Iterable[int]) -> dict[int, str]:
        """The names of steps by their hash."""
        wanted = [*hashes]
        if not wanted:
            return {}
        made = for_sessions(self._chosen, self._days)
        made.params |= {"hashes": wanted, "count": len(wanted)}
        sql = statement("names", step=self._step, name=self._name, conditions=" AND ".join(made.where))
        return {int(key): str(name) for key, name in self._store.query(sql, made.params)}

    def _walks(self, days: Range, *, receipts: bool, only: list[int] | None = None) -> tuple[str, dict[str, object]]:
        """The walks of these days, and the parameters."""
        made = for_sessions(self._chosen, days)
        if only is not None:
            made.where.append("user_hash IN {tied:Array(UInt64)}")
            made.params["tied"] = only
        walks = statement(
            "walks", conditions=" AND ".join(made.where), group=GROUP, zone=days.tz,
            shift="208" if receipts else "48",
            number="toUInt256" if receipts else "toUInt128",
            rest=_RECEIPT.format(self._step) if receipts else self._step,
            tied="0" if receipts else _TIED.format("events"),
            wanted="1" if only is None else _TIED.format(_WITHOUT_RECEIPT),
        )  # fmt: skip
        return walks, made.params

    def _fill(self, own: dict[str, object], days: Range) -> None:
        """Keeps the walks of these days, in the same two goes."""

        def insert(*, receipts: bool, only: list[int] | None = None) -> None:
            walks, params = self._walks(days, receipts=receipts, only=only)
            self._store.command(statement("walks_kept", walks=walks, limits=LIMITS), params | own)

        insert(receipts=False)
        tied = [int(row[0]) for row in self._store.query(_TIED_ONES, own)]
        if len(tied) > _FEW:
            self._store.command(f"ALTER TABLE closed_walks DELETE WHERE {_ATTEMPT}", own)
            insert(receipts=True)
        elif tied:
            insert(receipts=True, only=tied)


def hashed(text: str) -> str:
    """The expression of a step's hash."""
    return f"bitOr(bitShiftRight(cityHash64({text}), 16), 16)"


_RECEIPT = (
    "bitShiftLeft(toUInt256(receipt_high), 144) + bitShiftLeft(toUInt256(receipt_low), 80) "
    "+ bitShiftLeft(toUInt256(receipt_index), 48) + {}"
)
# What is left of events with their receipts.
_WITHOUT_RECEIPT = (
    "arraySort(arrayMap(x -> bitOr(bitShiftLeft(toUInt128(bitShiftRight(x, 208)), 48), "
    "bitAnd(toUInt64(x), 0xFFFFFFFFFFFF)), events))"
)
# Looked at closely only where two events are of one ms.
_TIED = (
    "countEqual(gaps, 0) > 1 AND arrayExists((x, next) -> next != x AND bitShiftRight(x, 48) = bitShiftRight(next, 48) "
    "AND bitAnd(toUInt64(x), 0xFFFFFFFFFFFF) != 0, arrayPopBack({0}), arrayPopFront({0}))"
)
