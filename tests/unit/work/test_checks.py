"""A topic's checks: every type and every bound."""

import pytest

from eventmill.topics import Field, Topic
from eventmill.work.checks import compile_topic

FINE = [
    (Field(type="string"), ["", "x", "ÿ"]),
    (Field(type="integer"), [0, -3, 2**70, "12", "-1", 3.0]),
    (Field(type="number"), [0, 1.5, "1.5", "1e3", -2]),
    (Field(type="boolean"), [True, False, "true", "false"]),
    (Field(type="time"), ["2026-11-20T10:00:00Z", "2026-11-20", 1795168800, "1795168800"]),
    (Field(type="enum", values=["a", 1]), ["a", 1]),
    (Field(type="number", min=0, max=2), [0, 2, "2", 1.9]),
    (Field(min_length=2, max_length=3), ["ab", "abc", "äöü"]),
    (Field(pattern="[a-z]+"), ["a", "abc"]),
]
WRONG = [
    (Field(type="string"), [1, True, [], {}]),
    (Field(type="integer"), [1.5, "1.5", "x", "", True, [], {}]),
    (Field(type="number"), ["x", "", True, [], "nan", "inf", "1e999"]),
    (Field(type="boolean"), [1, 0, "yes", "", []]),
    (Field(type="time"), ["soon", "", True, [], "nan"]),
    (Field(type="enum", values=["a", 1]), ["b", "1", 2, [], {}]),
    (Field(type="number", min=0, max=2), [-0.1, 2.1, "3"]),
    (Field(type="integer", min=0), [-1, "-1"]),
    (Field(min_length=2, max_length=3), ["a", "abcd"]),
    (Field(pattern="[a-z]+"), ["A", "a1", ""]),
]


def verdict(field: Field, value: object) -> tuple[str, str] | None:
    return compile_topic(Topic(fields={"f": field}))({"f": value}, 1)


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in FINE for value in values], ids=repr)
def test_passes(field: Field, value: object) -> None:
    assert verdict(field, value) is None


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG for value in values], ids=repr)
def test_is_invalid(field: Field, value: object) -> None:
    found = verdict(field, value)
    assert found is not None
    assert found[0] == "invalid_field"
    assert found[1].startswith("f: ")


def test_required() -> None:
    check = compile_topic(Topic(fields={"f": Field(required=True), "g": Field()}))
    assert check({"f": "x"}, 1) is None
    assert check({}, 0) == ("missing_field", "f")
    assert check({"f": None}, 1) == ("missing_field", "f")


def test_undeclared_fields() -> None:
    assert compile_topic(Topic(fields={"f": Field()}))({"f": "x", "g": 1}, 2) is None
    assert compile_topic(Topic(fields={"f": Field()}, extra="reject"))({"f": "x", "g": 1}, 2) == ("extra_field", "g")
