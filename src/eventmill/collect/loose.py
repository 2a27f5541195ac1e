"""An event that is not of the strict form: unknown fields, numbers where text is kept, wrong types.

Nothing of it is lost: what cannot be made of its field's type makes a line with the reason in `_x` and the text
as it was sent in `_raw`, which the worker writes to the rejects.
"""

import msgspec

from eventmill.collect.privacy import scrub
from eventmill.collect.props import NUMBER, merged_text
from eventmill.collect.sent import MAX_BYTES, Sent, id_fits
from eventmill.event import TEXT_FIELDS

_TEXT = frozenset(TEXT_FIELDS) - {"time"}
_sources = msgspec.json.Decoder(dict[str, msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, object])


class _Invalid(Exception):
    """A known field holds what cannot be made of its type."""


def line_of(values: dict[str, object], source: msgspec.Raw, keep_raw: bool) -> Sent:
    """The line of one decoded event; `source` is its text, kept in the line where `keep_raw`.

    The event's own `props` and its unknown fields become one object; of the same name the outer one wins.
    """
    known: dict[str, object] = {}
    props: dict[str, object] = {}
    own_props: object = None
    sources: dict[str, msgspec.Raw] | None = None
    try:
        for name, value in values.items():
            if name in _TEXT:
                if isinstance(value, str):
                    known[name] = value
                elif value is not None:
                    sources = sources or _sources.decode(source)
                    known[name] = _scalar_text(name, value, sources[name])
            elif name == "props":
                own_props = value
            elif name == "time":
                if value is not None:
                    sources = sources or _sources.decode(source)
                    known[name] = value if isinstance(value, str) else _number_text(name, value, sources[name])
            elif name == "duration_ms":
                known[name] = duration_of(value)
            elif name == "bytes":
                known[name] = bytes_of(value)
            else:
                props[name] = value
        identity = known.get("id")
        if isinstance(identity, str) and not id_fits(identity):
            raise _Invalid("id")
        if own_props is not None or props:
            known["props"] = _props_text(own_props, props, source, sources)
    except _Invalid as invalid:
        return rejected(f"invalid_{invalid}", str(source, "utf-8"), len(values), values)  # type: ignore[arg-type, call-overload]
    line = Sent(**known)  # type: ignore[arg-type]
    if keep_raw:
        line.raw = scrub(str(source, "utf-8"))  # type: ignore[arg-type, call-overload]
        line.sent = len(values)
    return line


def rejected(reason: str, text: str, sent: int, values: dict[str, object]) -> Sent:
    """A line that only carries an event to the rejects; its id stays readable, so that it can be traced."""
    line = Sent(x=reason, raw=scrub(text), sent=sent)
    identity, topic = values.get("id"), values.get("topic")
    if isinstance(identity, str) and id_fits(identity):
        line.id = identity
    if isinstance(topic, str):
        line.topic = topic
    return line


def _scalar_text(name: str, value: object, source: msgspec.Raw) -> str:
    if isinstance(value, dict | list):
        raise _Invalid(name)
    return str(source, "utf-8")  # type: ignore[arg-type, call-overload, no-any-return]


def _number_text(name: str, value: object, source: msgspec.Raw) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Invalid(name)
    return str(source, "utf-8")  # type: ignore[arg-type, call-overload, no-any-return]


def duration_of(value: object) -> float | None:
    """Milliseconds, of a number or the text of one."""
    if value is None or (isinstance(value, float | int) and not isinstance(value, bool)):
        return None if value is None else _finite(float(value))
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return _finite(float(value))
    raise _Invalid("duration_ms")


def _finite(number: float) -> float:
    if number - number != 0:
        raise _Invalid("duration_ms")
    return number


def bytes_of(value: object) -> int | None:
    """0 to 2**63-1, of a whole number or the text of one."""
    if value is None:
        return None
    if isinstance(value, str) and NUMBER.fullmatch(value) and len(value) <= 40:
        value = int(value) if value.lstrip("-").isdigit() else float(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_BYTES:
        return value
    raise _Invalid("bytes")


def _props_text(
    own: object, outer: dict[str, object], source: msgspec.Raw, sources: dict[str, msgspec.Raw] | None
) -> str:
    sources = sources or _sources.decode(source)
    if own is None:
        return merged_text(outer, sources)
    text: msgspec.Raw | str = sources["props"]
    if isinstance(own, str):
        text = own
        try:
            own = _object.decode(own)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _Invalid("props") from error
    if not isinstance(own, dict):
        raise _Invalid("props")
    return merged_text({**own, **outer}, {**_sources.decode(text), **sources})
