"""An event that is not of the strict form: unknown fields, numbers where text is kept, wrong types.

Nothing of it is lost: what cannot be made of its field's type makes a line with the reason in `_x` and the text
as it was sent in `_raw`, which the worker writes to the rejects.
"""

import math
from collections.abc import Callable

import msgspec

from eventmill.collect.privacy import scrub
from eventmill.collect.props import NUMBER, has_float, merged_text
from eventmill.collect.sent import MAX_BYTES, Sent, encoder, id_fits
from eventmill.event import TEXT_FIELDS

_PLAIN = frozenset(TEXT_FIELDS)
_LONGEST_NUMBER = 40
_sources = msgspec.json.Decoder(dict[str, msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, object])


class _Invalid(Exception):
    """A known field holds what cannot be made of its type."""


def line_of(values: dict[str, object], source: msgspec.Raw, *, keep_raw: bool) -> Sent:
    """The line of one decoded event; `source` is its text, kept in the line where `keep_raw`.

    The event's own `props` and its unknown fields become one object; of the same name the outer one wins.
    """
    try:
        line = Sent(**_known_fields(values, source))  # type: ignore[arg-type]
    except _Invalid as invalid:
        return rejected(f"invalid_{invalid}", _kept_text(values, source), len(values), values)
    if keep_raw:
        line.raw = _kept_text(values, source)
        line.sent = len(values)
    return line


def _known_fields(values: dict[str, object], source: msgspec.Raw) -> dict[str, object]:
    known: dict[str, object] = {}
    unknown: dict[str, object] = {}
    for name, value in values.items():
        if name in _PLAIN:
            if isinstance(value, str):
                known[name] = value
            elif value is not None:
                known[name] = _source_text(name, value, source)
        elif name not in _MADE:
            unknown[name] = value
        elif value is not None and name != "props":
            known[name] = _MADE[name](value)
    if "id" in known and not id_fits(str(known["id"])):
        raise _Invalid("id")
    own = values.get("props")
    if own is not None:
        known["props"] = _own_props_text(own, unknown, source)
    elif unknown:
        known["props"] = merged_text(unknown, _sources.decode(source) if has_float(unknown) else {})
    return known


def rejected(reason: str, text: str, sent: int, values: dict[str, object]) -> Sent:
    """A line that only carries an event to the rejects: `text` without addresses, and its id for tracing."""
    line = Sent(x=reason, raw=text, sent=sent)
    identity, topic = values.get("id"), values.get("topic")
    if isinstance(identity, str) and id_fits(identity):
        line.id = identity
    if isinstance(topic, str):
        line.topic = topic
    return line


def _kept_text(values: dict[str, object], source: msgspec.Raw) -> str:
    """The event's text as it was sent, but for the addresses in it."""
    text = str(source, "utf-8")
    # Escapes could hide an address: then it is looked for in the text without them.
    plain = encoder.encode(values).decode() if "\\u00" in text else text
    scrubbed = scrub(plain)
    return text if scrubbed == plain else scrubbed


def _source_text(name: str, value: object, source: msgspec.Raw) -> str:
    """A scalar as it was written: `1.0` stays `1.0`, true is `true`. A time can only be a number."""
    if isinstance(value, dict | list) or (name == "time" and isinstance(value, bool)):
        raise _Invalid(name)
    if type(value) is int and value:
        return str(value)  # only of zero are there two, 0 and -0
    return str(_sources.decode(source)[name], "utf-8")


def _duration(value: object) -> float:
    """Milliseconds, of a number or the text of one."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Invalid("duration_ms")
    try:
        number = float(value)
    except OverflowError as error:
        raise _Invalid("duration_ms") from error
    if not math.isfinite(number):
        raise _Invalid("duration_ms")
    return number


def _bytes(value: object) -> int:
    """0 to 2**63-1, of a whole number or the text of one."""
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER and NUMBER.fullmatch(value):
        value = int(value) if value.lstrip("-").isdigit() else float(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_BYTES:
        raise _Invalid("bytes")
    return value


_MADE: dict[str, Callable[[object], object]] = {"duration_ms": _duration, "bytes": _bytes, "props": lambda value: value}


def _own_props_text(own: object, outer: dict[str, object], source: msgspec.Raw) -> str:
    """The event's own props, which may be an object or the text of one, with its unknown fields in them."""
    text: msgspec.Raw | str | None = None
    if isinstance(own, str):
        text = own
        try:
            own = _object.decode(own)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _Invalid("props") from error
    if not isinstance(own, dict):
        raise _Invalid("props")
    sources: dict[str, msgspec.Raw] = {}
    if has_float(own) or has_float(outer):
        outer_sources = _sources.decode(source)
        sources = {**_sources.decode(outer_sources["props"] if text is None else text), **outer_sources}
    return merged_text({**own, **outer}, sources)
