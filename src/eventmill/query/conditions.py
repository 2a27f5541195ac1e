"""Conditions of a filter as SQL."""

from collections.abc import Callable, Iterable
from typing import Any

from eventmill.event import KEY_PARTS, key_parts, key_text
from eventmill.query.dimensions import expression, reads
from eventmill.query.filters import Condition

_FORMS = {
    "is": "{} = {{{}:String}}",
    "is_not": "{} != {{{}:String}}",
    "contains": "position({}, {{{}:String}}) > 0",
    "starts_with": "startsWith({}, {{{}:String}})",
    "in": "{} IN {{{}:Array(String)}}",
}
Expression = Callable[[str, dict[str, Any], str], str]


def as_sql(
    conditions: Iterable[Condition], params: dict[str, Any], tag: str = "", text: Expression = expression
) -> list[str]:
    """One SQL condition each; their parameters are added to `params`, their names begin with `tag`."""
    made = []
    for number, condition in enumerate(conditions):
        name = f"{tag}filter{number}"
        parts = _whole_key(condition)
        if parts is not None:
            # On the primary key's own columns: read from there instead of putting every key together.
            for part, value in zip(KEY_PARTS, parts, strict=True):
                params[f"{name}_{part}"] = value
                made.append(f"{part} = {{{name}_{part}:String}}")
            continue
        params[name] = [*condition.values] if condition.operator == "in" else condition.values[0]
        made.append(_FORMS[condition.operator].format(text(condition.field, params, f"{name}_field"), name))
    return made


def columns(conditions: Iterable[Condition]) -> frozenset[str]:
    """All columns that the conditions read."""
    return frozenset[str]().union(*(reads(condition.field) for condition in conditions))


def _whole_key(condition: Condition) -> tuple[str, ...] | None:
    """The parts of `key is …` where it is a key as shown; else nothing can equal it, and the text is compared."""
    if (condition.operator, condition.field) != ("is", "key"):
        return None
    parts = key_parts(condition.values[0])
    if len(parts) > len(KEY_PARTS) or key_text(*parts) != condition.values[0]:
        return None
    return (*parts, *("" for _ in KEY_PARTS[len(parts) :]))
