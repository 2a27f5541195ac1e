"""props as JSON text: an object whose numbers keep their digits and whose keys are all different."""

import re
from collections.abc import Sequence

import msgspec

from eventmill.collect.privacy import may_name_address, scrub_fields
from eventmill.collect.sent import Sent, encoder

_objects = msgspec.json.Decoder(list[dict[str, object]])
_object = msgspec.json.Decoder(dict[str, object])
_sources = msgspec.json.Decoder(dict[str, msgspec.Raw])
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")


def make_canonical(lines: Sequence[Sent]) -> None:
    """Replaces the props of `lines` (all have some) by their text.

    Raises msgspec.ValidationError where props are not an object, RecursionError where they are too deep.
    """
    raws = [line.props for line in lines]
    joined = b"[" + b",".join(raws) + b"]"
    # Encoded again to the same bytes: no spaces, no double keys, no number whose digits would change.
    if encoder.encode(_objects.decode(joined)) == joined and not may_name_address(joined.decode()):
        for line, raw in zip(lines, raws, strict=True):
            line.props = str(raw, "utf-8")  # type: ignore[assignment]
    else:
        for line, raw in zip(lines, raws, strict=True):
            line.props = text_of(raw)  # type: ignore[assignment]


def text_of(source: msgspec.Raw) -> str:
    """The canonical text of one JSON object. Raises as `make_canonical`."""
    values = _object.decode(source)
    return merged_text(values, _sources.decode(source) if has_float(values) else {})


def has_float(values: dict[str, object]) -> bool:
    """Whether there are numbers that might be written otherwise than they were: `1.10`."""
    return float in map(type, values.values())


def merged_text(values: dict[str, object], sources: dict[str, msgspec.Raw]) -> str:
    """The canonical text of an object that is decoded; `sources` has its floats as they were written.

    Scalars keep their source text; containers are encoded again, so that the last of double keys wins.
    """
    kept = values
    if sources:
        kept = {name: sources[name] if isinstance(value, float) else value for name, value in values.items()}
    text = encoder.encode(kept).decode()
    return encoder.encode(scrub_fields(kept)).decode() if may_name_address(text) else text
