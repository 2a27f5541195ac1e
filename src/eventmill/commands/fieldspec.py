"""A field's check in one word of the command line: `amount:number,required,min=0`."""

import json
from typing import Any

import msgspec

from eventmill.topics import Field, TopicError


def parse_field(text: str) -> tuple[str, Field]:
    """(name, check) of `NAME[:TYPE][,required][,OPTION=VALUE…]`; `pattern=` takes the rest, commas included.

    `values=` are parted by `|`. Raises TopicError.
    """
    head, *words = _words(text)
    name, _, kind = head.partition(":")
    if not name:
        raise TopicError(f"--field {text!r}: write NAME:TYPE, e.g. amount:number,required,min=0")
    options: dict[str, Any] = {"type": kind or "string"}
    for word in words:
        option, equals, value = word.partition("=")
        if option == "required" and not equals:
            options["required"] = True
        elif option == "values":
            options["values"] = [plain_or_json(one) for one in value.split("|")]
        elif equals:
            options[option] = value if option == "pattern" else plain_or_json(value)
        else:
            raise TopicError(f"--field {text!r}: {word!r} needs a value; write {word}=…")
    try:
        return name, msgspec.convert(options, Field, strict=True)
    except msgspec.ValidationError as error:
        known = ", ".join(Field.__struct_fields__)
        raise TopicError(f"--field {text!r}: {error}; the options are {known}") from error


def plain_or_json(text: str) -> Any:
    """A number or a truth value where the text is one, else the text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, str | int | float | bool) else text


def _words(text: str) -> list[str]:
    before, pattern, after = text.partition(",pattern=")
    return before.split(",") + ([f"pattern={after}"] if pattern else [])
