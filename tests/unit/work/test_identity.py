"""What makes two events the same."""

import json
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.work.identity import Identify, content_hashes, id_hashes
from tests.unit.work.lines import batch


def content(event: dict, **head: str) -> int:
    return Identify()(batch({"id": "x", **event}, **head)).frame["content"][0]


SAME = [
    ({"props": '{"a":1,"b":2}'}, {"props": '{"b":2,"a":1}'}),
    ({"props": '{"a":1}'}, {"props": '{"a":1.0}'}),
    ({"props": '{"a":100}'}, {"props": '{"a":1e2}'}),
    ({"props": '{"a":{"c":1,"b":[1.0]}}'}, {"props": '{"a":{"b":[1],"c":1}}'}),
    ({"time": "1795168800"}, {"time": "1795168800.0"}),
    ({"time": "1795168800"}, {"time": "1.7951688e9"}),
]
OTHER = [
    ({}, {"category": ""}),
    ({}, {"props": "{}"}),
    ({}, {"time": "1795168800"}),
    ({"props": "{}"}, {"props": '{"a":null}'}),
    ({"props": '{"a":1}'}, {"props": '{"a":"1"}'}),
    ({"props": '{"a":1}'}, {"props": '{"a":true}'}),
    ({"props": '{"a":9007199254740992}'}, {"props": '{"a":9007199254740993}'}),
    ({"props": '{"a":[1,2]}'}, {"props": '{"a":[2,1]}'}),
    ({"category": "a", "action": ""}, {"category": "", "action": "a"}),
    ({"category": "a"}, {"action": "a"}),
    ({"duration_ms": 1.0}, {"bytes": 1}),
    ({"duration_ms": 0.0}, {}),
    ({"category": "a\x1fb"}, {"category": "a", "action": "b"}),
]


@pytest.mark.parametrize(("one", "two"), SAME, ids=str)
def test_the_same(one: dict, two: dict) -> None:
    assert content(one) == content(two)


@pytest.mark.parametrize(("one", "two"), OTHER, ids=str)
def test_not_the_same(one: dict, two: dict) -> None:
    assert content(one) != content(two)


def test_what_the_request_said_is_no_content() -> None:
    assert content({"category": "a"}) == content({"category": "a"}, ip="10.0.0.0", ua="curl", page="http://x/")
    assert content({"category": "a"}) == content({"category": "a", "_v": "visitor", "_n": 2, "_raw": "{}"})


def test_an_idempotency_key_gives_ids_where_there_are_none() -> None:
    frame = Identify()(batch({}, {"id": ""}, {"id": "own"}, key="k")).frame
    assert frame["id"].to_list() == ["k-0", "k-1", "own"]
    assert 0 not in frame["content"].to_list()


def test_without_an_id_there_is_nothing_to_compare() -> None:
    frame = Identify()(batch({"category": "a"}, {"id": ""})).frame
    assert frame["content"].to_list() == [0, 0]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text("ab\x1f", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=4), st.randoms())
def test_the_order_of_keys_never_matters(props: dict, dice) -> None:
    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            names = sorted(value)
            dice.shuffle(names)
            return {name: shuffled(value[name]) for name in names}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    assert content({"props": json.dumps(props)}) == content({"props": json.dumps(shuffled(props), indent=1)})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.dictionaries(st.text("abc\u2028\x85é", max_size=2), VALUES, max_size=4), min_size=1))
def test_many_props_read_at_once_give_what_each_gives_alone(listed: list[dict | None]) -> None:
    events = [
        {"id": str(n), **({} if props is None else {"props": json.dumps(props)})} for n, props in enumerate(listed)
    ]
    with patch("eventmill.work.identity._SLICE", 3):
        together = Identify()(batch(*events)).frame["content"].to_list()
    assert together == [content(event) for event in events]


def test_props_that_a_list_has_no_depth_left_for() -> None:
    """The door takes what it can just read; in a list the same is one level deeper."""
    texts = ['{"b":2,"a":1.0}', "{}"]
    with patch("eventmill.work.identity._decode_all", side_effect=RecursionError):
        slow = content_hashes(batch(*({"props": text} for text in texts)).frame)
    assert slow.equals(content_hashes(batch(*({"props": text} for text in texts)).frame))


def test_the_hashes_that_stores_hold_stay_as_they_are() -> None:
    """Content and id hashes are on disk: with other ones, a retry after an upgrade would be a conflict."""
    events = [
        {"id": "a", "time": "1795168800.0", "category": "c", "duration_ms": 1.5, "props": '{"b":1.10,"a":[1.0,"é"]}'},
        {"id": "b"},
        {"category": "no id"},
    ]
    frame = Identify()(batch(*events)).frame
    assert frame["content"].to_list() == [3404108147447233782, 12482103398110398768, 0]
    named = frame.with_columns(pl.col("site").fill_null("")).filter(pl.col("id").is_not_null())
    assert id_hashes(named).to_list() == [14824462750366604843, 15549688095014832030]
