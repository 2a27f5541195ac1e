"""Where a page of counts ends: the next one goes on behind it, whatever was stored in between."""

import base64
import binascii
from datetime import date
from typing import Any, NamedTuple

import msgspec

from eventmill.event import KEY_PARTS
from eventmill.query.errors import RequestError


class Place(NamedTuple):
    """A row of counts: its bucket (a date, or seconds since the epoch; None where there is one) and the key's parts."""

    when: date | int | None
    key: tuple[str, ...]

    def text(self) -> str:
        """As it stands in a url."""
        encoded = msgspec.json.encode(tuple(self))
        return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()

    def behind(self, depth: int, params: dict[str, Any]) -> str:
        """The condition on rows of keys of `depth` that come later: columns `g0` … are the bucket and the parts.

        Rows are ordered by bucket, then by parts; a key comes before those below it."""
        parts = self.key[:depth]
        columns = [f"g{number}" for number in range(len(parts) + (self.when is not None))]
        values = [f"{{cursor{number}:String}}" for number in range(len(parts))]
        params |= {f"cursor{number}": part for number, part in enumerate(parts)}
        if self.when is not None:
            params["cursor_when"] = self.when
            values.insert(0, "{cursor_when:Date}" if isinstance(self.when, date) else "{cursor_when:UInt32}")
        if not columns:
            return "1" if depth > len(self.key) else "0"
        sign = ">=" if depth > len(self.key) else ">"
        return f"tuple({', '.join(columns)}) {sign} tuple({', '.join(values)})"


def parse(text: str, interval: str) -> Place | None:
    """The place that `next` named; None where the text is empty. Raises `RequestError`."""
    if not text:
        return None
    kind: Any = {"day": date, "total": None}.get(interval, int)
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        when, key = msgspec.json.decode(raw, type=tuple[kind, tuple[str, ...]])
    except (ValueError, UnicodeEncodeError, binascii.Error, msgspec.DecodeError, RecursionError) as error:
        raise RequestError("cursor is the `next` of an answer to the same question; leave it out to begin") from error
    if len(key) > len(KEY_PARTS) or any("\0" in part for part in key) or (interval == "hour" and not 0 <= when < 2**32):
        raise RequestError("cursor is the `next` of an answer to the same question; leave it out to begin")
    return Place(when, key)
