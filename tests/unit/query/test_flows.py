"""Flows: equal to a plain reference, whatever is asked for; every session that comes to a page is accounted for."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from eventmill.query import flows, moves
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests import behaviour_reference as plain
from tests.days_over import thrice
from tests.stored_events import Row, frame, row

FIRST, LAST = date(2026, 3, 27), date(2026, 4, 5)
OTHER = "(other)"
Way = tuple[int, list[str], bool]
"""The step at which it begins, its pages (with one more than is shown), whether its end is the session's end."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return plain.walk(7, 5000, datetime(2026, 3, 24, tzinfo=UTC), datetime(2026, 4, 8, tzinfo=UTC))


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("Europe/Berlin")
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


def ask(store: Store, **params: str) -> flows.Flows:
    params = {"from": FIRST.isoformat(), "to": LAST.isoformat(), **params}
    request = flows.parse(params, "UTC")
    return thrice(store, lambda closed: flows.flows(store, request, closed))


def ways(rows: list[Row], steps: int, start: str, end: str, by: str) -> list[Way]:
    found: list[Way] = []
    for visit in plain.begun(plain.visits(rows), "UTC", FIRST, LAST):
        walk = [plain.key(e) for e in visit] if by == "key" else [plain.page(e) for e in visit if plain.is_view(e)]
        walk = [page for before, page in pairwise([None, *walk]) if page != before and page is not None]
        if start:
            walk = walk[walk.index(start) :] if start in walk else []
        if end and start:
            place = walk.index(end, 1) if end in walk[1:] else None
            walk = [] if place is None else walk[: place + 1]
            if len(walk) > steps:
                walk = [walk[0], end] if steps == 2 else [*walk[: steps - 2], OTHER, end]
            found += [(0, walk, False)] if walk else []
        elif end:
            walk = walk[: walk.index(end) + 1][-steps:] if end in walk else []
            found += [(steps - len(walk), walk, False)] if walk else []
        elif walk:
            found.append((0, walk[: steps + 1], len(walk) <= steps))
    return found


def fold(found: Sequence[Way], steps: int, named: set[tuple[int, str]] | None) -> flows.Flows:
    """The answer with these pages named; None for all."""
    nodes: Counter[tuple[int, str]] = Counter()
    links: Counter[tuple[int, str, str]] = Counter()
    exits: Counter[tuple[int, str]] = Counter()
    for offset, walk, ends in found:
        names = [page if named is None or (n + offset, page) in named else OTHER for n, page in enumerate(walk[:steps])]
        nodes.update((n + offset, name) for n, name in enumerate(names))
        links.update((n + offset, *pair) for n, pair in enumerate(pairwise(names)))
        if ends:
            exits[len(names) - 1 + offset, names[-1]] += 1
    by_step = [[flows.Node(step, name, count) for (step, name), count in
                sorted(counted.items(), key=lambda pair: (pair[0][0], -pair[1], pair[0][1]))]
               for counted in (nodes, exits)]  # fmt: skip
    ordered = sorted(links.items(), key=lambda pair: (pair[0][0], -pair[1], pair[0]))
    return flows.Flows(
        len(found), by_step[0], [flows.Link(*link, count, count / len(found)) for link, count in ordered], by_step[1]
    )


def expected(found: Sequence[Way], steps: int, limit: int) -> flows.Flows:
    whole = fold(found, steps, None)
    moves = [(-link.sessions, link.step, link.origin, link.to) for link in whole.links if link.to != OTHER]
    moves += [(-node.sessions, node.step, node.name, "") for node in whole.exits]
    ranked = sorted(moves)[:limit]
    for kept in range(len(ranked), -1, -1):
        places = [((step, origin), (step + 1, to)) for _, step, origin, to in ranked[:kept]]
        answer = fold(
            found, steps, {place for pair in places for place in pair if place[1]} - {(s, OTHER) for s in range(9)}
        )
        if len(answer.links) <= limit:
            break
    return answer


@pytest.mark.parametrize("by", flows.BY)
@pytest.mark.parametrize("limit", [1000, 12, 5])
@pytest.mark.parametrize("steps", [2, 3, 4, 8])
def test_against_a_reference(store: Store, rows: list[Row], steps: int, limit: int, by: str) -> None:
    found = ways(rows, steps, "", "", by)
    assert len(found) > 100
    assert ask(store, steps=str(steps), limit=str(limit), by=by) == expected(found, steps, limit)


@pytest.mark.parametrize(("start", "end"), [("/a", ""), ("", "/b"), ("/a", "/b"), ("/a", "/a"), ("/", "/none")])
@pytest.mark.parametrize("limit", [1000, 10])
@pytest.mark.parametrize("steps", [2, 3, 5])
def test_from_and_to_a_page(store: Store, rows: list[Row], steps: int, limit: int, start: str, end: str) -> None:
    found = ways(rows, steps, start, end, "page")
    assert bool(found) is (end != "/none")
    asked = ask(store, steps=str(steps), limit=str(limit), start=start, end=end)
    assert asked == (expected(found, steps, limit) if found else flows.Flows(0, [], [], []))


def test_nobody_is_lost(store: Store) -> None:
    answer = ask(store, steps="4", limit="8")
    gone: Counter[tuple[int, str]] = Counter()
    for link in answer.links:
        gone[link.step, link.origin] += link.sessions
    for node in answer.exits:
        gone[node.step, node.name] += node.sessions
    at = {(node.step, node.name): node.sessions for node in answer.nodes}
    assert {place: count for place, count in at.items() if place[0] < 3} == {p: n for p, n in gone.items() if p[0] < 3}
    assert sum(count for (step, _), count in at.items() if step == 0) == answer.sessions
    assert len(answer.links) <= 8


def test_filters(store: Store, rows: list[Row]) -> None:
    found = ways([e for e in rows if e["browser"] == "Chrome"], 4, "", "", "page")
    assert ask(store, filters='[["is","browser","Chrome"]]', limit="1000") == expected(found, 4, 1000)


def test_a_session_of_one_page_has_a_node_and_an_exit(opened: Callable[..., Store]) -> None:
    store = opened("UTC")
    store.insert("events", frame([row(datetime(2026, 3, 28, tzinfo=UTC), url="https://a.example/x", action="pv")]))
    assert ask(store) == flows.Flows(1, [flows.Node(0, "/x", 1)], [], [flows.Node(0, "/x", 1)])
    assert ask(store, start="/x", end="/x") == flows.Flows(0, [], [], [])
    assert ask(store, **{"from": "1900-01-01", "to": "1900-01-02"}) == flows.Flows(0, [], [], [])


def test_rare_pages_are_not_told_apart_where_that_changes_nothing(
    opened: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, made, begun = random.Random(3), [], datetime(2026, 3, 31, tzinfo=UTC)
    for visit in range(240):
        at = begun + timedelta(minutes=24 * visit)  # four days, of which the last two are not over
        for step in range(chance.randrange(1, 5)):
            usual = ["/", "/a", "/b", "/a"][step]
            page = usual if chance.random() < 0.8 else f"/rare/{chance.randrange(9)}"
            made.append(row(at + timedelta(seconds=step), user=f"v{visit}", url=f"https://x{page}", action="pv"))
    store = opened("UTC")
    store.insert("events", frame(made))
    monkeypatch.setattr(moves, "_HEAVY", 2)
    enough, said = moves._enough, []
    monkeypatch.setattr(moves, "_enough", lambda *asked: said.append(enough(*asked)) or said[-1])
    for limit, all_are in ((1, True), (3, True), (60, False)):
        for params in ({}, {"start": "/a"}, {"end": "/b"}):
            said.clear()
            ask(store, limit=str(limit), **params)  # compares with what every event says
            assert params or said == [all_are] * 2
    assert ask(store, limit="3") == expected(ways(made, 4, "", "", "page"), 4, 3)


@pytest.mark.parametrize(
    ("params", "message"),
    [({"steps": "1"}, "from 2 to 8"), ({"steps": "9"}, "from 2 to 8"), ({"limit": "0"}, "limit is"),
     ({"by": "url"}, "unknown by"), ({"start": "x" * 9000}, "at most")],
)  # fmt: skip
def test_what_is_wrong_is_said(params: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        flows.parse({"from": "2026-11-20", "to": "2026-11-20", **params}, "UTC")
