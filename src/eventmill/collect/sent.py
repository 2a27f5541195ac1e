"""An event as clients send it: the strict form that passes at once, and its way to a canonical line."""

from typing import Annotated

import msgspec

from eventmill.event import MAX_ID_BYTES, Line

NO_PROPS = msgspec.Raw()
MAX_BYTES = 2**63 - 1
_UNDERSCORE, _BACKSLASH = b"_\\"


class Sent(Line, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """`event.Line` for decoding: props as they came, and the bounds that a type can state.

    The same object is then completed (visitor, props as text) and encoded: the fields' names are the same.
    It would let a client set the door's own fields; `names_private` keeps such bodies out.
    """

    id: Annotated[str, msgspec.Meta(max_length=MAX_ID_BYTES)] | None = None
    bytes: Annotated[int, msgspec.Meta(ge=0, le=MAX_BYTES)] | None = None
    props: msgspec.Raw = NO_PROPS  # type: ignore[assignment]


decoder = msgspec.json.Decoder(Sent)
array_decoder = msgspec.json.Decoder(list[Sent])
encoder = msgspec.json.Encoder()


def names_private(body: bytes) -> bool:
    """Whether a key may begin with an underscore, as only the door's own fields do (or a value: no harm)."""
    # `in` with bytes raises and clears an error inside (CPython 3.11), with a number it does not; and most bodies
    # have no underscore or no backslash at all.
    return (_UNDERSCORE in body and body.find(b'"_') >= 0) or (_BACKSLASH in body and body.find(b'"\\u005') >= 0)


def id_fits(text: str) -> bool:
    return len(text) <= MAX_ID_BYTES and (text.isascii() or len(text.encode()) <= MAX_ID_BYTES)


def time_text(value: str | int | float) -> str:
    """A time as text, the shortest that reads back as the same number."""
    return value if isinstance(value, str) else repr(value)
