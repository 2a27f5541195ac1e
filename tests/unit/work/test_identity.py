"""What makes two events the same."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.work.identity import Identify
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
