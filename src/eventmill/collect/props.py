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
    objects = _objects.decode(joined)
    compact = encoder.encode(objects)
    if may_name_address(compact.decode()):
        texts = [text_of(raw) for raw in raws]
    elif compact == joined:
        # Encoded again to the same bytes: no spaces, no double keys, no number whose digits would change.
        texts = [str(raw, "utf-8") for raw in raws]
    else:
        texts = [_encoded(values, _sources_of(values, raw)) for values, raw in zip(objects, raws, strict=True)]
    for line, text in zip(lines, texts, strict=True):
        line.props = text  # type: ignore[assignment]


def text_of(source: msgspec.Raw) -> str:
    """The canonical text of one JSON object. Raises as `make_canonical`."""
    values = _object.decode(source)
    return merged_text(values, _sources_of(values, source))


def has_float(values: dict[str, object]) -> bool:
    """Whether there are numbers that might be written otherwise than they were: `1.10`."""
    return float in map(type, values.values())


def merged_text(values: dict[str, object], sources: dict[str, msgspec.Raw]) -> str:
    """The canonical text of an object that is decoded; `sources` has its floats as they were written.

    Scalars keep their source text; containers are encoded again, so that the last of double keys wins.
    """
    text = _encoded(values, sources)
    if not may_name_address(text):
        return text
    return encoder.encode(scrub_fields(_with_sources(values, sources))).decode()


def _encoded(values: dict[str, object], sources: dict[str, msgspec.Raw]) -> str:
    return encoder.encode(_with_sources(values, sources)).decode()


def _with_sources(values: dict[str, object], sources: dict[str, msgspec.Raw]) -> dict[str, object]:
    if not sources:
        return values
    return {name: sources[name] if isinstance(value, float) else value for name, value in values.items()}


def _sources_of(values: dict[str, object], source: msgspec.Raw) -> dict[str, msgspec.Raw]:
    return _sources.decode(source) if has_float(values) else {}
