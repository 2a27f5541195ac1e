"""Conditions hold for exactly the events that a plain predicate finds."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.query import counts, live, rejects, series, top
from eventmill.query.dimensions import COLUMNS, COMPUTED
from eventmill.query.filters import conditions_text, parse_conditions, parse_phrase
from eventmill.query.model import RequestError, parse_filter
from eventmill.query.select import Statement, matching
from eventmill.query.source import Store
from tests.stored_events import Row, frame, row, tally
from tests.unit.query.reference import PRODUCTS, has, holds, text_of, varied

RANGE = {"from": "2026-11-01", "to": "2026-11-30"}
FIELDS = (*(name for name in COLUMNS if name not in ("id", "ip")), *COMPUTED, "props.plan", "props.n", "props.none")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return varied(3, 1500, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC))


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("UTC")
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


def found(store: Store, filters: list[Any], **params: str) -> list[int]:
    """The events that the filter leaves."""
    made = matching(parse_filter({"filters": json.dumps(filters), **params}, PRODUCTS))
    return sorted(int(row[0]) for row in store.query(made.build(["receipt_low"], []), made.params))


def expected(rows: list[Row], filters: list[Any]) -> list[int]:
    return sorted(event["receipt_low"] for event in rows if holds(event, filters))


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_with_each_operator(store: Store, rows: list[Row], field: str) -> None:
    texts = sorted({text_of(event, field) for event in rows})[:6]
    for text in (*texts, "nothing", ""):
        part = text[len(text) // 3 : len(text) // 3 + 2]
        for operator, value in (
            ("is", text), ("is_not", text), ("contains", part), ("starts_with", text[:2]), ("in", [text, "x"]),
        ):  # fmt: skip
            filters = [[operator, field, value]]
            assert found(store, filters) == expected(rows, filters), filters
    assert found(store, [["in", field, texts]]) == expected(rows, [["in", field, texts]])


@st.composite
def some_conditions(draw: st.DrawFn) -> list[tuple[str, str, int, int]]:
    one = st.tuples(
        st.sampled_from(["is", "is_not", "contains", "starts_with", "in"]), st.sampled_from(FIELDS),
        st.integers(0, 1499), st.integers(0, 3),
    )  # fmt: skip
    return draw(st.lists(one, min_size=1, max_size=4))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some_conditions())
def test_lists_of_conditions(store: Store, rows: list[Row], drawn: list[tuple[str, str, int, int]]) -> None:
    filters: list[Any] = []
    for operator, field, place, cut in drawn:
        text = text_of(rows[place], field)
        value: Any = text
        if operator == "in":
            value = [text, *(text_of(rows[(place + n) % len(rows)], field) for n in range(cut))]
        elif operator != "is":
            value = text[cut:] if operator == "contains" else text[: len(text) - cut]
        filters.append([operator, field, value])
    assert found(store, filters) == expected(rows, filters)


@pytest.mark.parametrize("filters", [
    [["is", "browser", "Chrome"]],
    [["contains", "page", "/item/"], ["is_not", "props.plan", "pro"]],
    [["is", "category", "h5"], ["starts_with", "key", "h5.pv.8"]],
    [["is", "site", "shop"], ["in", "action", ["pv", ""]]],
    [["is", "route", "85"]],
    [["is", "product", "items"], ["in", "channel", ["mail", "search"]]],
])  # fmt: skip
def test_every_question_takes_them(store: Store, rows: list[Row], filters: list[Any]) -> None:
    chosen = [event for event in rows if holds(event, filters)]
    params = {**RANGE, "filters": json.dumps(filters)}
    ((pv, uv),) = tally((0, event) for event in chosen).values()
    total = counts.counts(store, counts.parse({**params, "interval": "total"}, "UTC", PRODUCTS), "UTC").data
    assert [(row.eventKey, row.eventData.pv, row.eventData.uv) for row in total] == [("", pv, uv)]
    for interval in ("day", "hour"):
        line = series.series(store, series.parse({**params, "interval": interval}, "UTC", PRODUCTS), "UTC").data
        assert sum(point.pv for point in line) == pv
    for dimension in ("browser", "page", "key", "route", "props.plan", "category", "label", "product", "source"):
        answer = top.top(store, top.parse({**params, "dimension": dimension, "limit": "1000"}, "UTC", PRODUCTS), "UTC")
        values = tally((text_of(event, dimension), event) for event in chosen if has(event, dimension))
        assert {each.value: (each.pv, each.uv) for each in answer.data} == values
        assert all(each.share == pytest.approx(each.pv / pv) for each in answer.data)


def test_a_list_is_the_same_as_the_parameter(store: Store) -> None:
    for name, value in (("site", "shop"), ("topic", "request"), ("label", "85"), ("bot", "true")):
        made = matching(parse_filter({name: value}))
        plain = store.query(made.build(["count()"], []), made.params)[0][0]
        assert len(found(store, [["is", name, value]])) == plain > 0
        assert found(store, [["is", name, value]], **{name: value}) == found(store, [["is", name, value]])
    assert found(store, [["is", "site", "blog"]], site="shop") == []


def test_filters_of_one_statement_are_kept_apart(store: Store) -> None:
    one = matching(parse_filter({"filters": '[["is","browser","Chrome"]]', "site": "shop"}), "one_")
    two = matching(parse_filter({"filters": '[["is","props.plan","pro"]]', "site": "blog"}), "two_")
    sides = [" AND ".join(made.where) for made in (one, two)]
    both = Statement([f"(({sides[0]}) OR ({sides[1]}))"], {**one.params, **two.params})
    assert len(one.params) + len(two.params) == len(both.params)
    count = store.query(both.build(["count()"], []), both.params)[0][0]
    parts = [store.query(made.build(["count()"], []), made.params)[0][0] for made in (one, two)]
    assert count == sum(parts)
    assert min(parts) > 0


@pytest.mark.parametrize(("text", "said"), [
    ("browser is Chrome", "no list of"), ("{}", "no list of"), ('["is","browser","x"]', "no list of"),
    ('[["is","browser"]]', "no list of"), ('[["is","browser",5]]', "no list of"), ("[" * 5000, "no list of"),
    ('[["is","browser","\\ud800"]]', "filters"), ('[["is","brwser","x"]]', "unknown field 'brwser'"),
    ('[["like","browser","x"]]', "unknown operator 'like'"), ('[["in","os","x"]]', "in takes a list"),
    ('[["is","os",["x"]]]', "is takes one text"), ('[["in","os",[]]]', "from 1 to"),
    ('[["is","os","a\\u0000"]]', "NUL"), ('[["is","props.","x"]]', "unknown field"),
    ('[["is","1) OR (1=1","x"]]', "unknown field"), (f'[["is","os","{"x" * 9000}"]]', "NUL or more"),
    (json.dumps([["is", "os", str(n)] for n in range(51)]), "more than 50"), ("[" + " " * 200_000 + "]", "longer"),
])  # fmt: skip
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        parse_filter({"filters": text})


def test_equal_conditions_are_equal() -> None:
    one = parse_conditions('[["is","os","iOS"],["in","browser",["B","A"]]]')
    assert one == parse_conditions('[["in","browser",["A","B","A"]],["is","os","iOS"],["is","os","iOS"]]')
    assert parse_conditions(conditions_text(one)) == one
    assert parse_conditions("") == parse_conditions("[]") == ()
    assert conditions_text(()) == ""


@pytest.mark.parametrize(("text", "plain"), [
    ("browser is Chrome", ("is", "browser", ("Chrome",))), ("os is not Windows 10", ("is_not", "os", ("Windows 10",))),
    ("page starts with /item/", ("starts_with", "page", ("/item/",))),
    ("os in iOS, Android", ("in", "os", ("Android", "iOS"))),
    ("props.plan contains pro", ("contains", "props.plan", ("pro",))), ("user is", ("is", "user", ("",))),
    ("label is not", ("is_not", "label", ("",))), ("label is nothing", ("is", "label", ("nothing",))),
])  # fmt: skip
def test_phrases(text: str, plain: tuple[str, str, tuple[str, ...]]) -> None:
    made = parse_phrase(text)
    assert (made.operator, made.field, made.values) == plain


@pytest.mark.parametrize("text", ["", "browser", "browser = Chrome", "browser like x", "in os", "brwser is x"])
def test_wrong_phrases(text: str) -> None:
    with pytest.raises(RequestError, match=r"condition|unknown"):
        parse_phrase(text)


def test_live_and_rejects_take_them(store: Store) -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    position = live.start(store, int(now.timestamp() * 1000))
    chosen = live.parse({"filters": '[["starts_with","page","/live"]]'})
    added = [
        row(now, url=url, batch=99, receipt_low=10_000 + n) for n, url in enumerate(("http://h/live/1", "http://h/x"))
    ]
    store.insert("events", frame(added))
    assert [event.url for event in live.newer(store, chosen, position, 10)] == ["http://h/live/1"]
    store.command(
        "INSERT INTO rejects (topic, reason, detail, received, receipt_low, bytes) VALUES "
        "('event', 'invalid_field', 'amount is text', now(), 1, '{}'),"
        "('event', 'unknown_topic', '', now(), 2, 'xy')"
    )

    def refused(filters: str) -> list[str]:
        return [row.reason for row in rejects.rejects(store, rejects.parse({"filters": filters}, "UTC")).data]

    assert refused('[["contains","detail","amount"]]') == ["invalid_field"]
    assert refused('[["contains","bytes","xy"],["is","topic","event"]]') == ["unknown_topic"]
    with pytest.raises(RequestError, match="one of topic, reason, detail, id, bytes"):
        refused('[["is","browser","x"]]')
