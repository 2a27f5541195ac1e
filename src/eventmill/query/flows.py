"""Navigation flows: how many sessions go from which page to which, step by step, and where they end.

A page that is loaded again right after itself is one step. The `limit` most walked links and exits name their pages;
all other pages of a step are folded into one. Where that still makes more links than `limit`, fewer are named.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from eventmill.query.closed import ClosedDays
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
from eventmill.query.moves import KEYS, LIGHT
from eventmill.query.moves import moves as moves_of
from eventmill.query.select import Statement
from eventmill.query.source import Store
from eventmill.query.spans import empty
from eventmill.query.walks import OTHER, STEPS, Walks, hashed
from eventmill.settings import Product

if TYPE_CHECKING:
    import polars as pl

PARAMETERS = ("from", "to", *FILTERS, "steps", "limit", "start", "end", "by", "tz")
BY = STEPS
MAX_LIMIT, MAX_TEXT, MAX_TIES = 1_000, 8_192, 10_000
_END, _BEYOND, _GOAL, _FOLDED = 0, 1, 2, 3
"""What stands below 16 is no hash of a page: the session's end, more than is shown, the `end` asked for, the rest."""
_START, _STOP = hashed("{start:String}"), hashed("{end:String}")
_Move = tuple[int, int, int]


class FlowsRequest(msgspec.Struct, frozen=True):
    """`start`, `end`: only sessions that come by this page (or key), from there on, or up to there."""

    days: Range
    filter: Filter
    steps: int = 4
    limit: int = 40
    start: str = ""
    end: str = ""
    by: str = "page"


class Node(msgspec.Struct):
    """Sessions that were at a page at this step; steps count from 0."""

    step: int
    name: str
    sessions: int


class Link(msgspec.Struct):
    """Sessions that went from a page at `step` to one at the next; `share` is of all sessions of the answer, 0 to 1."""

    step: int
    origin: str = msgspec.field(name="from")
    to: str
    sessions: int
    share: float


class Flows(msgspec.Struct):
    """The answer. Every session that is at a node goes on by a link or is in `exits`, except at the last step and at
    the `end` that was asked for. By step, then most sessions first, then by name."""

    sessions: int
    nodes: list[Node]
    links: list[Link]
    exits: list[Node]


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> FlowsRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    start, end = params.get("start") or "", params.get("end") or ""
    if max(len(start), len(end)) > MAX_TEXT:
        raise RequestError(f"start and end are pages or keys of at most {MAX_TEXT:,} characters")
    return FlowsRequest(
        days=parse_range(params, default_tz),
        filter=parse_filter(params, products),
        steps=parse_number(params, "steps", 4, 2, 8),
        limit=parse_number(params, "limit", 40, 1, MAX_LIMIT),
        start=start,
        end=end,
        by=parse_choice(params, "by", STEPS, "page"),
    )


def flows(store: Store, request: FlowsRequest, closed: ClosedDays | None = None) -> Flows:
    """`closed` has days that were counted before. Raises what the store raises."""
    if empty(request.days):
        return Flows(0, [], [], [])
    walks = Walks(store, request.filter, request.days, request.by, closed)
    params = {"steps": request.steps, "start": request.start, "end": request.end}
    places = _way(request)

    def ask(*, kept: bool = True, live: bool = True) -> "pl.DataFrame":
        return walks.ask("flows", KEYS, Statement(params=params), kept=kept, live=live, **places)

    moves = moves_of(walks, closed, request.limit, (*params.values(),), ask)
    ranked, names = _ranked(moves, request.limit, walks)
    folded = _fold(moves, _named(ranked))
    shown: Counter[_Move] = Counter()
    for kept in range(len(ranked), -1, -1):
        named = _named(ranked[:kept])
        shown = Counter()
        for (step, at, following), count in folded.items():
            to = following if following <= _FOLDED or (step + 1, following) in named else _FOLDED
            shown[step, at if (step, at) in named else _FOLDED, to] += count
        if sum(to >= _FOLDED for _, _, to in shown) <= request.limit:
            break
    return _answer(shown, names, _GOAL if request.end and not request.start else None)


def _way(request: FlowsRequest) -> dict[str, str]:
    """The places of `sql/flows.sql`."""
    onward = f"if(has(walk, {_START}), arraySlice(walk, indexOf(walk, {_START})), [])" if request.start else "walk"
    made = {"onward": onward, "place": "0", "upto": "onward", "way": "upto", "offset": "0", "last": str(_END)}
    if not request.end:
        return made
    made |= {"upto": "if(place = 0, [], arraySlice(onward, 1, place))", "last": str(_GOAL)}
    if not request.start:
        # The ways end at the same step, however short they are.
        way = "arraySlice(upto, greatest(1, toInt32(length(upto)) - {steps:UInt8} + 1))"
        return made | {"place": f"indexOf(onward, {_STOP})", "way": way, "offset": "({steps:UInt8} - length(way))"}
    way = (
        "if(length(upto) <= {steps:UInt8}, upto, arrayConcat(arraySlice(upto, 1, greatest({steps:UInt8} - 2, 1)), "
        f"if({{steps:UInt8}} > 2, [toUInt64({_FOLDED})], []), [upto[-1]]))"
    )
    after = f"indexOf(arraySlice(onward, 2), {_STOP})"
    return made | {"place": f"if({after} = 0, 0, {after} + 1)", "way": way}


def _ranked(moves: "pl.DataFrame", limit: int, walks: Walks) -> tuple[list[_Move], dict[int, str]]:
    """The most walked links and exits, and the names of their pages. Those of equal rank are ordered by name, so that
    the same ones are left out each time."""
    import polars as pl

    links = moves.filter((pl.col("at") != LIGHT) & ((pl.col("next") > LIGHT) | (pl.col("next") == _END)))
    if links.is_empty():
        return [], {}
    # Millions of them: the threshold is found without putting all in order.
    least = links["sessions"].top_k(min(limit, links.height)).min()
    rows = links.filter(pl.col("sessions") >= least).sort("sessions", descending=True).head(MAX_TIES).rows()
    names = walks.names({page for _, *pages, _ in rows for page in pages if page > _FOLDED})
    rows.sort(key=lambda row: (-row[3], row[0], names.get(row[1], ""), names.get(row[2], "")))
    return [(step, at, following) for step, at, following, _ in rows[:limit]], names


def _named(links: Iterable[_Move]) -> set[tuple[int, int]]:
    """The pages of links, each with its step."""
    places = {place for step, at, following in links for place in ((step, at), (step + 1, following))}
    return {(step, page) for step, page in places if page > _FOLDED}


def _fold(moves: "pl.DataFrame", named: set[tuple[int, int]]) -> dict[_Move, int]:
    """The moves, with one page instead of all that are not named."""
    import polars as pl

    codes = pl.Series([step << 48 | page for step, page in named], dtype=pl.UInt64).implode()
    step = pl.col("step").cast(pl.UInt64) * (1 << 48)
    at, following = pl.col("at"), pl.col("next")
    folded = moves.select(
        "step",
        pl.when((step + at).is_in(codes)).then(at).otherwise(_FOLDED).alias("at"),
        pl.when((following <= _FOLDED) | (step + (1 << 48) + following).is_in(codes))
        .then(following).otherwise(_FOLDED).alias("next"),
        "sessions",
    ).group_by("step", "at", "next").agg(pl.col("sessions").sum())  # fmt: skip
    return {(step, at, to): count for step, at, to, count in folded.rows()}


def _answer(shown: Mapping[_Move, int], names: Mapping[int, str], goal: int | None) -> Flows:
    """`goal`: what the last move of each way leads to, where ways end together instead of beginning together."""
    nodes: Counter[tuple[int, str]] = Counter()
    links: Counter[tuple[int, str, str]] = Counter()
    exits: Counter[tuple[int, str]] = Counter()
    total = 0
    for (step, at, following), count in shown.items():
        name = names.get(at, OTHER)
        nodes[step, name] += count
        if following >= _FOLDED:
            links[step, name, names.get(following, OTHER)] += count
        if following == _END:
            exits[step, name] += count
        if following == goal if goal is not None else step == 0:
            total += count
    ordered = sorted(links.items(), key=lambda pair: (pair[0][0], -pair[1], pair[0]))
    return Flows(
        total,
        _by_step(nodes),
        [Link(step, origin, to, count, count / total) for (step, origin, to), count in ordered],
        _by_step(exits),
    )


def _by_step(counted: Mapping[tuple[int, str], int]) -> list[Node]:
    ordered = sorted(counted.items(), key=lambda pair: (pair[0][0], -pair[1], pair[0][1]))
    return [Node(step, name, count) for (step, name), count in ordered]
