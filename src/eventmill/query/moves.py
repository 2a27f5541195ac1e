"""Moves of days that are over, small enough to stay in memory: pages that few come to are one.

The answer names few pages. Of each step the pages with the most sessions keep their name, all others are one page,
`LIGHT`; sums stay what they are. Where even the largest of those cannot reach the least link that is named, nothing of
them is needed, and the answer is that of all moves; else all moves are asked for.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from eventmill.query.closed import ClosedDays
from eventmill.query.walks import Walks

if TYPE_CHECKING:
    import polars as pl

KEYS = ("step", "at", "next")
LIGHT = 4
"""A page that is not told apart. What stands below 16 is no hash."""
_HEAVY = 500
"""Pages of each step that keep their name."""
Ask = Callable[..., "pl.DataFrame"]


class _Over(NamedTuple):
    """Moves of days that are over. `heavy` are nodes (step and page as one number) that are told apart, `most` how
    many sessions came to the largest other one."""

    moves: "pl.DataFrame"
    heavy: "pl.Series"
    most: int


def moves(walks: Walks, closed: ClosedDays | None, limit: int, what: tuple[object, ...], ask: Ask) -> "pl.DataFrame":
    """The moves, as many as an answer of `limit` links needs. `ask` takes `kept` and `live` as `Walks.ask` does; `what`
    is all that it depends on beside the days. Raises what the store raises."""
    before = walks.kept
    if closed is None or not before.attempts:
        return ask()
    key = (before.question, *before.attempts, *what)
    over = closed.lasting.get(key, partial(_told_apart, ask, _HEAVY))
    if before.rest is None:
        return over.moves if _enough(over.moves, over, limit, 0) else ask()
    import polars as pl

    live = ask(kept=False)
    both = pl.concat([over.moves, live]).group_by(KEYS).agg(pl.col("sessions").sum())
    other = _nodes(live).filter(~pl.col("node").is_in(over.heavy.implode()))
    return both if _enough(both, over, limit, _largest(other)) else ask()


def _told_apart(ask: Ask, heavy: int) -> _Over:
    import polars as pl

    found = ask(live=False)
    nodes = _nodes(found).sort("sessions", descending=True)
    kept = (
        nodes.with_columns(at=pl.col("node") // (1 << 48))
        .group_by("at", maintain_order=True)
        .head(heavy)
        .select("node")
    )
    light = nodes.join(kept, on="node", how="anti")
    names = kept["node"].implode()
    at, following = _node(0, "at"), _node(1, "next")
    few = found.select(
        "step",
        pl.when((pl.col("at") < LIGHT) | at.is_in(names)).then(pl.col("at")).otherwise(LIGHT).alias("at"),
        pl.when((pl.col("next") < LIGHT) | following.is_in(names)).then(pl.col("next")).otherwise(LIGHT).alias("next"),
        "sessions",
    ).group_by(KEYS).agg(pl.col("sessions").sum())  # fmt: skip
    return _Over(few.cast(dict(found.schema)).select(found.columns), kept["node"], _largest(light))  # type: ignore[arg-type]


def _enough(found: "pl.DataFrame", over: _Over, limit: int, live: int) -> bool:
    """Whether no link of a page that is not told apart can be among the `limit` largest."""
    import polars as pl

    if not over.most:
        return True
    known = found.filter((pl.col("at") != LIGHT) & ((pl.col("next") > LIGHT) | (pl.col("next") == 0)))
    return known.height >= limit and over.most + live < int(known["sessions"].top_k(limit).sort()[0])


def _largest(found: "pl.DataFrame") -> int:
    return 0 if found.is_empty() else int(found["sessions"].sort()[-1])


def _nodes(found: "pl.DataFrame") -> "pl.DataFrame":
    """Sessions that came to each page at each step: those that went on from there, or those that went there."""
    import polars as pl

    ends = []
    for later, name in ((0, "at"), (1, "next")):
        pages = found.filter(pl.col(name) >= LIGHT).select(_node(later, name).alias("node"), "sessions")
        ends.append(pages.group_by("node").agg(pl.col("sessions").sum()))
    return pl.concat(ends).group_by("node").agg(pl.col("sessions").max())


def _node(later: int, name: str) -> "pl.Expr":
    import polars as pl

    return (pl.col("step").cast(pl.UInt64) + later) * (1 << 48) + pl.col(name)
