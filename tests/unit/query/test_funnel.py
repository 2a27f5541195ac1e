"""Funnels: equal to a search through all ways in which a visitor's events could fit the steps."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.query import funnel
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests import behaviour_reference as plain
from tests.stored_events import Row, frame, local, row

FIRST, LAST = date(2026, 3, 27), date(2026, 4, 2)
Step = tuple[str, list[list[Any]], Callable[[Row], bool]]
SEEN: Step = ("seen", [["is", "action", "pv"]], lambda e: e["action"] == "pv")
VIEWED: Step = ("a view", [["in", "action", ["pv", "view"]]], lambda e: e["action"] in ("pv", "view"))
PAGE: Step = ("page b", [["is", "page", "/b"]], lambda e: plain.page(e) == "/b")
CLICK: Step = ("click in Chrome", [["is", "action", "click"], ["is", "browser", "Chrome"]],
               lambda e: e["action"] == "click" and e["browser"] == "Chrome")  # fmt: skip
ANY: Step = ("anything", [], lambda e: True)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return plain.walk(5, 900, datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC))


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("Europe/Berlin")
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


def ask(store: Store, steps: Sequence[Step], first: date = FIRST, last: date = LAST, **params: str) -> list[int]:
    text = json.dumps([{"name": name, "filters": filters} for name, filters, _ in steps])
    params = {"from": first.isoformat(), "to": last.isoformat(), "steps": text, **params}
    answer = funnel.funnel(store, funnel.parse(params, "UTC"))
    assert [each.name for each in answer.data] == [name for name, *_ in steps]
    before = [answer.data[0], *answer.data]
    for each, previous in zip(answer.data, before, strict=False):
        assert each.drop == previous.visitors - each.visitors
        assert each.share == each.visitors / max(answer.data[0].visitors, 1)
        assert each.step_share == each.visitors / max(previous.visitors, 1)
    return [each.visitors for each in answer.data]


def expected(rows: list[Row], steps: Sequence[Step], window_s: int, zone: str = "UTC") -> list[int]:
    events = [e for e in rows if FIRST <= local(e, zone).date() <= LAST]
    tests = [fits for *_, fits in steps]
    came = [plain.came_to(found, tests, window_s * 1000) for found in plain.by_user(events).values()]
    return [sum(reached > at for reached in came) for at in range(len(steps))]


@pytest.mark.parametrize("window", [("1s", 1), ("30m", 1800), ("1d", 86_400), ("7d", 604_800)])
@pytest.mark.parametrize("steps", [[SEEN, CLICK], [SEEN, SEEN, PAGE], [PAGE, SEEN, CLICK, VIEWED], [ANY, ANY, ANY]])
def test_against_a_reference(store: Store, rows: list[Row], steps: list[Step], window: tuple[str, int]) -> None:
    wanted = expected(plain.by_people(rows), steps, window[1])
    assert wanted[0]
    assert ask(store, steps, window=window[0]) == wanted


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata"])
def test_days_of_a_zone_and_filters(store: Store, rows: list[Row], zone: str) -> None:
    shop = [e for e in plain.by_people(rows) if e["site"] == "shop" and e["value"] == "1"]
    given = {"tz": zone, "site": "shop", "value": "1"}
    assert ask(store, [SEEN, VIEWED, CLICK], **given) == expected(shop, [SEEN, VIEWED, CLICK], 86_400, zone)


def test_requests_are_a_step_only_where_it_says_so(store: Store, rows: list[Row]) -> None:
    request: Step = ("request", [["is", "topic", "request"]], lambda e: e["topic"] == "request")
    seen: Step = (*SEEN[:2], lambda e: e["action"] == "pv" and e["topic"] not in ("request", "log"))
    assert ask(store, [request, seen]) == expected(rows, [request, seen], 86_400)
    only = [e for e in rows if e["topic"] == "request"]
    assert ask(store, [ANY, SEEN], topic="request") == expected(only, [ANY, SEEN], 86_400)


def marked(number: int) -> Step:
    return str(number), [["is", f"props.{number}", "1"]], lambda e: f'"{number}":1' in e["props"]


EVENTS = st.lists(st.tuples(st.integers(0, 6), st.sets(st.integers(0, 2))), min_size=1, max_size=6)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(events=EVENTS, window=st.integers(1, 6))
def test_any_few_events(
    funnels: Callable[[], tuple[Store, int]], events: list[tuple[int, set[int]]], window: int
) -> None:
    """One visitor, events of the same moment, and events that fit several steps."""
    store, number = funnels()
    start = datetime(2026, 3, 28, tzinfo=UTC)
    rows = []
    for at, fits in events:
        props = json.dumps({str(n): 1 for n in fits}, separators=(",", ":"))
        rows.append(row(start + timedelta(seconds=at), site=f"s{number}", props=props))
    store.insert("events", frame(rows))
    steps = [marked(n) for n in range(3)]
    assert ask(store, steps, window=f"{window}s", site=f"s{number}") == expected(rows, steps, window)


@pytest.fixture(scope="module")
def funnels(opened: Callable[..., Store]) -> Callable[[], tuple[Store, int]]:
    """The store, and a number that was not given before. Opened last: one store at a time."""
    made: list[Store] = []
    count = iter(range(1_000_000))

    def give() -> tuple[Store, int]:
        if not made:
            made.append(opened("UTC"))
        return made[0], next(count)

    return give


@pytest.mark.parametrize(
    ("params", "message"),
    [({}, "steps is missing"), ({"steps": "{}"}, "no list of steps"), ({"steps": '[{"name":"one"}]'}, "from 2 to 10"),
     ({"steps": '[{},{"filter":[]}]'}, "no list of steps"), ({"steps": "[{},{}]", "window": "2y"}, "window is"),
     ({"steps": '[{},{"filters":[["is","nothing","1"]]}]'}, "step 2: unknown field"),
     ({"steps": "[{},{}]", "window": "0s"}, "window is"), ({"steps": "[{},{}]", "window": "367d"}, "window is"),
     ({"steps": f'[{{}},{{"name":"{"x" * 300}"}}]'}, "step 2 has more")],
)  # fmt: skip
def test_what_is_wrong_is_said(params: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        funnel.parse({"from": "2026-11-20", "to": "2026-11-20", **params}, "UTC")
