"""Conditions on any dimension: `[["is","browser","Chrome"],["contains","page","/item/"]]`; all must hold."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from eventmill.query.dimensions import COLUMNS, COMPUTED, is_dimension
from eventmill.query.errors import RequestError

OPERATORS = ("is", "is_not", "contains", "starts_with", "in")
MAX_CONDITIONS, MAX_VALUES, MAX_TEXT = 50, 1_000, 8_192
_LONGEST = 200_000
_EXAMPLE = '[["is","browser","Chrome"]]'
_Given = tuple[str, str, str | list[str]]


class Condition(msgspec.Struct, frozen=True, array_like=True):
    """`values` is one text, for `in` any number; upper and lower case are different."""

    operator: str
    field: str
    values: tuple[str, ...]


def parse_conditions(text: str, fields: Sequence[str] = ()) -> tuple[Condition, ...]:
    """The conditions of this JSON text, none where it is empty; `fields` are allowed, all dimensions by default.
    Raises `RequestError`."""
    if not text:
        return ()
    if len(text) > _LONGEST:
        raise RequestError(f"filters is longer than {_LONGEST:,} characters")
    try:
        given = msgspec.json.decode(text, type=list[_Given])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise RequestError(f"filters is no list of [operator, field, value] such as {_EXAMPLE}: {error}") from error
    if len(given) > MAX_CONDITIONS:
        raise RequestError(f"filters has more than {MAX_CONDITIONS} conditions")
    # The same condition twice says nothing more; equal sets of conditions are equal questions.
    return tuple(sorted({condition(*each, fields) for each in given}, key=msgspec.json.encode))


def condition(operator: str, field: str, value: str | list[str], fields: Sequence[str] = ()) -> Condition:
    """One condition, checked. Raises `RequestError`."""
    if operator not in OPERATORS:
        raise RequestError(f"unknown operator {operator!r} in filters; one of {', '.join(OPERATORS)}")
    if field not in fields if fields else not is_dimension(field):
        known = ", ".join(fields or (*COLUMNS, *COMPUTED, "props.NAME"))
        raise RequestError(f"unknown field {field!r} in filters; one of {known}")
    if isinstance(value, str) is (operator == "in"):
        right = '["in","os",["iOS","Android"]]' if operator == "in" else f'["{operator}","os","iOS"]'
        raise RequestError(f"{operator} takes {'a list of texts' if operator == 'in' else 'one text'}: {right}")
    values = (value,) if isinstance(value, str) else tuple(sorted({*value}))
    if not values or len(values) > MAX_VALUES:
        raise RequestError(f"in takes from 1 to {MAX_VALUES:,} texts, not {len(values):,}")
    if any("\0" in text or len(text) > MAX_TEXT for text in (field, *values)):
        raise RequestError(f"a text in filters has NUL or more than {MAX_TEXT:,} characters")
    return Condition(operator, field, values)


_PHRASE = re.compile(r"\s*(?P<field>\S+)\s+(?P<words>is\s+not|is|contains|starts\s+with|in)(?:\s+(?P<value>.*))?",
                     re.DOTALL)  # fmt: skip


def parse_phrase(text: str) -> Condition:
    """A condition as people write it: `browser is not Chrome`, `os in iOS,Android`. Raises `RequestError`."""
    found = _PHRASE.fullmatch(text)
    if found is None:
        raise RequestError(f"{text!r} is no condition; write FIELD is|is not|contains|starts with|in VALUE")
    operator = "_".join(found["words"].split())
    value = found["value"] or ""
    return condition(operator, found["field"], [v.strip() for v in value.split(",")] if operator == "in" else value)


def conditions_text(conditions: Iterable[Condition]) -> str:
    """The parameter `filters` that says these."""
    plain = [[c.operator, c.field, [*c.values] if c.operator == "in" else c.values[0]] for c in conditions]
    return msgspec.json.encode(plain).decode() if plain else ""
