"""Each reason to reject, and that the bytes stay with it."""

import json
from zoneinfo import ZoneInfo

import pytest

from eventmill.clock import DAY_MS
from eventmill.topics import Field, Topic, with_defaults
from eventmill.work.batch import Batch
from eventmill.work.validate import Validate
from tests.unit.work.lines import RECEIVED, batch

UTC = ZoneInfo("UTC")


def validated(made: Batch, **topics: Topic) -> Batch:
    return Validate(with_defaults(topics), UTC)(made)


def reasons(made: Batch) -> list[tuple[str, str]]:
    return [row for rows in made.rejected for row in rows.select("reason", "detail").rows()]


def test_what_the_door_marked_is_rejected_with_the_text_as_sent() -> None:
    made = validated(batch({"category": "ok"}, {"_x": "malformed_json", "_raw": "{oops", "id": "7"}))
    assert made.frame["category"].to_list() == ["ok"]
    (rows,) = made.rejected
    assert rows.select("reason", "bytes", "id").rows() == [("malformed_json", "{oops", "7")]


def test_a_topic_that_nobody_declared() -> None:
    made = validated(batch({"topic": "nowhere"}, {"topic": "event"}, {}))
    assert reasons(made) == [("unknown_topic", "nowhere")]
    assert made.frame.height == 2


def test_a_time_that_is_none() -> None:
    made = validated(batch({"time": "soon"}, {"time": "2026-09-21T00:00:00Z"}))
    assert reasons(made) == [("invalid_time", "soon")]


@pytest.mark.parametrize("sent", ["1989-12-31T23:59:59Z", str((RECEIVED + DAY_MS + 1000) // 1000), "0", "-5"])
@pytest.mark.parametrize("props", [None, {"a": 1}, {}])
def test_a_time_that_cannot_be_true_becomes_that_of_receipt_and_is_kept(sent: str, props: dict | None) -> None:
    event = {"time": sent} if props is None else {"time": sent, "props": props}
    made = validated(batch(event, {"time": str(RECEIVED)}))
    assert made.frame["at"].to_list() == [RECEIVED, RECEIVED]
    assert json.loads(made.frame["props"][0]) == {**(props or {}), "_time": sent}
    assert made.frame["props"][1] is None


def test_without_a_time_it_is_that_of_receipt() -> None:
    assert validated(batch({}, {})).frame["at"].to_list() == [RECEIVED] * 2


def test_checks_see_known_fields_and_props_and_keep_the_text_as_sent() -> None:
    topic = Topic(
        fields={"amount": Field(type="number", required=True, min=0), "label": Field(required=True)}, extra="reject"
    )
    made = validated(
        batch(
            {"label": "a", "props": {"amount": 1}, "_raw": "good"},
            {"label": "a", "_raw": "no amount"},
            {"label": "a", "props": {"amount": -1}, "_raw": "negative"},
            {"label": "a", "props": {"amount": 1}, "category": "c", "_raw": "one more"},
            topic="order",
        ),
        order=topic,
    )
    assert made.frame["_raw"].to_list() == ["good"]
    (rows,) = made.rejected
    assert rows.select("reason", "detail", "bytes").rows() == [
        ("missing_field", "amount", "no amount"),
        ("invalid_field", "amount: -1 is below 0", "negative"),
        ("extra_field", "category", "one more"),
    ]


def test_the_number_of_fields() -> None:
    made = validated(batch({"_n": 4}, {"_n": 3}, topic="financial"), financial=Topic(field_count=4))
    assert reasons(made) == [("field_count", "3 fields, 4 wanted")]


def test_topics_can_change_while_running() -> None:
    step = Validate(with_defaults({"t": Topic()}), UTC)
    assert step(batch({"_n": 3}, topic="t")).frame.height == 1
    step.topics = with_defaults({"t": Topic(field_count=4)})
    assert step(batch({"_n": 3}, topic="t")).frame.height == 0
