"""Isolation finds exactly the events that break a step, and keeps their text."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.queue.base import Delivery
from eventmill.work.batch import decode
from eventmill.work.poison import Attempts, isolate
from tests.unit.work.lines import entry


def probe(entries) -> bool:
    """Breaks on the word poison in any event that is not marked."""
    frame = decode(Delivery("g", entries, {})).frame
    live = frame.filter(frame["_x"].is_null())
    return not (live["category"] == "poison").any()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.lists(st.booleans(), min_size=1, max_size=4), min_size=1, max_size=3), min_size=1, max_size=5)
)
def test_exactly_the_bad_ones_are_marked(shape) -> None:
    requests = [[[{"category": "poison" if bad else "good"} for bad in events] for events in each] for each in shape]
    delivery = Delivery("g", [entry(*each, ip="10.0.0.0") for each in requests], {"s": 1})
    cleansed = isolate(delivery, probe)
    assert cleansed.positions == delivery.positions
    assert probe(cleansed.entries)
    frame = decode(cleansed).frame
    wanted = [bad for each in shape for events in each for bad in events]
    assert (frame["_x"] == "poison").fill_null(False).to_list() == wanted
    # The others are as they were, and each still has its place.
    before = decode(delivery).frame
    for name in ("receipt_high", "receipt_low", "receipt_index", "ip"):
        assert frame[name].to_list() == before[name].to_list()
    kept = [json.loads(raw)["category"] for raw in frame["_raw"].drop_nulls().to_list()]
    assert kept == ["poison"] * sum(wanted)


def test_an_entry_whose_heads_do_not_fit_keeps_its_events() -> None:
    torn = replace(entry([{}, {"category": "kept"}, {}]), heads=b'{"n":7}\n')
    frame = decode(isolate(Delivery("g", [entry([{}]), torn], {}), _decodes)).frame
    assert frame["_x"].to_list() == [None] * 4
    assert frame["category"].to_list() == [None, None, "kept", None]


def test_an_entry_that_lost_lines_is_rejected_whole() -> None:
    torn = replace(entry([{}, {}, {}]), body=b'{"category":"one"}\n')
    frame = decode(isolate(Delivery("g", [entry([{}]), torn], {}), _decodes)).frame
    assert frame["_x"].to_list() == [None, "poison", "poison", "poison"]


def _decodes(entries) -> bool:
    try:
        decode(Delivery("g", entries, {}))
    except Exception:  # noqa: BLE001 - whatever it raises is the answer
        return False
    return True


def test_deaths_are_counted_for_the_same_delivery_only(tmp_path) -> None:
    path = tmp_path / "attempts" / "g.json"
    one, two = Delivery("g", [entry([{}])], {}), Delivery("g", [entry([{}])], {})
    for deaths in range(3):
        assert Attempts(path).begin(one) == deaths
    assert Attempts(path).begin(two) == 0
    again = Attempts(path)
    assert again.begin(two) == 1
    again.end()
    assert Attempts(path).begin(two) == 0
    path.write_text("{cut")
    assert Attempts(path).begin(two) == 0
