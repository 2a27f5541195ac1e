"""A topic's declared checks, compiled to one function over an event's fields."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from eventmill.topics import Field, Topic

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, or None."""


def compile_topic(topic: Topic) -> Callable[[Mapping[str, Any], int | None], tuple[str, str] | None]:
    """A function from the fields as sent, and their number, to (reason, detail), or None where all is well."""
    checks = [(name, field.required, _compile(field)) for name, field in topic.fields.items()]
    declared = frozenset(topic.fields)
    refuse_extra, count = topic.extra == "reject", topic.field_count

    def check(event: Mapping[str, Any], sent: int | None) -> tuple[str, str] | None:
        if count is not None and sent != count:
            return "field_count", f"{sent} fields, {count} wanted"
        for name, required, test in checks:
            value = event.get(name)
            if value is None:
                if required:
                    return "missing_field", name
                continue
            if wrong := test(value):
                return "invalid_field", f"{name}: {wrong}"
        if refuse_extra:
            for name in event:
                if name not in declared:
                    return "extra_field", name
        return None

    return check


def _compile(field: Field) -> Check:
    test = _TYPES[field.type]
    tests: list[Check] = [test]
    if field.type in ("integer", "number"):
        tests.append(_range(field))
    if field.type == "string":
        tests.append(_text(field))
    if field.type == "enum":
        allowed = list(field.values or ())
        tests.append(lambda value: None if value in allowed else f"{value!r} is none of {allowed}")

    def check(value: Any) -> str | None:
        for one in tests:
            if wrong := one(value):
                return wrong
        return None

    return check


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):  # forms and pixels have only text
        try:
            return int(value)
        except ValueError:
            try:
                return float(value)
            except ValueError:
                return None
    return None


def _is_integer(value: Any) -> str | None:
    number = _number(value)
    ok = number is not None and (isinstance(number, int) or number.is_integer())
    return None if ok else f"{value!r} is no integer"


def _is_number(value: Any) -> str | None:
    number = _number(value)
    return None if number is not None and math.isfinite(number) else f"{value!r} is no number"


def _is_boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) or value in ("true", "false") else f"{value!r} is no boolean"


def _is_string(value: Any) -> str | None:
    return None if isinstance(value, str) else f"{value!r} is no string"


def _is_time(value: Any) -> str | None:
    if _is_number(value) is None:
        return None
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return f"{value!r} is no time"
    return None


_TYPES: dict[str, Check] = {
    "string": _is_string,
    "integer": _is_integer,
    "number": _is_number,
    "boolean": _is_boolean,
    "time": _is_time,
    "enum": lambda _value: None,
}


def _range(field: Field) -> Check:
    def check(value: Any) -> str | None:
        number = _number(value)
        if number is None:
            return None
        if field.min is not None and number < field.min:
            return f"{value} is below {field.min:g}"
        if field.max is not None and number > field.max:
            return f"{value} is above {field.max:g}"
        return None

    return check


def _text(field: Field) -> Check:
    pattern = re.compile(field.pattern) if field.pattern is not None else None

    def check(value: Any) -> str | None:
        if field.min_length is not None and len(value) < field.min_length:
            return f"shorter than {field.min_length}"
        if field.max_length is not None and len(value) > field.max_length:
            return f"longer than {field.max_length}"
        if pattern is not None and not pattern.fullmatch(value):
            return f"does not match {field.pattern}"
        return None

    return check
