"""Decoding: the columns are what was sent, each row with the place that it came from."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.queue.base import Delivery
from eventmill.work.batch import LINE_SCHEMA, Malformed, decode
from tests.unit.work.lines import RECEIVED, entry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "site", "category", "action", "label", "value", "user", "url", "props"), TEXT),
        "duration_ms": st.floats(allow_nan=False, allow_infinity=False),
        "bytes": st.integers(0, 2**63 - 1),
    },
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(EVENTS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_columns_equal_what_was_sent(requests) -> None:
    sent = [event for events in requests for event in events]
    frame = decode(Delivery("g", [entry(*requests)], {})).frame
    assert frame.height == len(sent)
    for name in ("id", "category", "action", "label", "value", "user", "url", "props", "duration_ms", "bytes"):
        assert frame[name].to_list() == [event.get(name) for event in sent]


def test_receipts_count_requests_and_events() -> None:
    first, second = entry([{}, {}], [{}]), entry([{}], [{}, {}, {}], received=RECEIVED + 60_000)
    frame = decode(Delivery("g", [first, second], {})).frame
    low = [n - first.receipt_low for n in frame["receipt_low"].to_list()[:3]]
    assert low == [0, 0, 1]
    assert frame["receipt_index"].to_list() == [0, 1, 0, 0, 0, 1, 2]
    assert frame["receipt_high"].to_list() == [first.receipt_high] * 3 + [second.receipt_high] * 4
    assert frame["minute"].to_list() == [RECEIVED // 60_000] * 3 + [RECEIVED // 60_000 + 1] * 4
    assert frame["row"].to_list() == [*range(7)]


def test_the_head_belongs_to_each_event_of_its_request() -> None:
    frame = decode(Delivery("g", [entry([{}, {}], ip="10.0.0.0", ua="curl", page="p", key="k")], {})).frame
    assert frame.select("ip", "ua", "page", "key").rows() == [("10.0.0.0", "curl", "p", "k")] * 2


@pytest.mark.parametrize(
    "change",
    [
        {"body": b'{"category":"a"}\n'},
        {"heads": b'{"n":3}\n'},
        {"heads": b""},
        {"count": 3},
        {"body": b'{"category":"a"}\n{"bytes":"x"}\n'},
        {"body": b'{"category":"a"}\n{"cat'},
        {"body": b'{"category":"\xff"}\n{}\n'},
    ],
    ids=str,
)
def test_what_does_not_fit_together_is_malformed(change) -> None:
    with pytest.raises(Malformed):
        decode(Delivery("g", [replace(entry([{}, {}]), **change)], {}))


def test_the_schema_knows_every_field_of_a_line() -> None:
    from eventmill.event import Line

    assert set(json.loads(json.dumps(Line.__struct_encode_fields__))) == set(LINE_SCHEMA)
