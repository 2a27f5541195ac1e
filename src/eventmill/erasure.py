"""What is to be forgotten, and how an event, a line or a text is recognised as part of it.

An erasure is kept as a *mark*: a salted hash of the value instead of the value, so that the list of what was
erased is not a list of persons. Whoever holds the store can still test a guess against it; a mark goes when the
queue has nothing left of its time.
"""

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

import msgspec

from eventmill.event import Head, Line

FIELDS = ("user", "id", "session")
REASON = "erased"
ERASED_LINE = b'{"_x":"erased","_raw":""}'
"""Stands in the queue for an event that was erased: counted as before, refused with this reason, without bytes."""
_PLAIN = re.compile(r"[A-Za-z0-9_.@:-]{4,}")
_line = msgspec.json.Decoder(Line)
_heads = msgspec.json.Decoder(Head)
_any = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode


class Mark(msgspec.Struct, frozen=True):
    """Everything received up to `until` (ms since the epoch) whose `field` has this digest. `stored` says that the
    store holds nothing of it any more; what is left to do is in the queue."""

    field: str
    digest: str
    until: int
    stored: bool = False


def digest(salt: str, value: str) -> str:
    """SHA-256 in capital hexadecimals, as the store's `hex(SHA256(concat(salt, value)))` writes it."""
    return hashlib.sha256((salt + value).encode("utf-8", "surrogatepass")).hexdigest().upper()


class Marks:
    """Marks ready for looking up: which values of a field are erased, and until when."""

    def __init__(self, salt: str, marks: Iterable[Mark]) -> None:
        self._salt = salt
        self._until: dict[str, dict[str, int]] = {}
        for mark in marks:
            known = self._until.setdefault(mark.field, {})
            known[mark.digest] = max(mark.until, known.get(mark.digest, 0))
        self.until = max((until for known in self._until.values() for until in known.values()), default=-1)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(self._until)

    def names(self, field: str, value: str | None, received: int) -> bool:
        """Whether an event received then, with this value of the field, is erased."""
        known = self._until.get(field)
        return bool(known and value) and received <= known.get(digest(self._salt, value or ""), -1)  # type: ignore[union-attr]

    def in_text(self, text: str, received: int) -> bool:
        """Whether an event's text as it was sent names an erased value in its field."""
        return any(self.names(field, value, received) for field in self._until for value in _values(text, field))

    def in_line(self, line: Line, request_key: str | None, index: int, received: int) -> bool:
        """The same of a line of the queue, with what the request's head says."""
        identity = line.id or (f"{request_key}-{index}" if request_key is not None else None)
        return (
            self.names("user", line.user if line.user is not None else line.v, received)
            or self.names("session", line.session, received)
            or self.names("id", identity, received)
            or bool(line.raw and self.in_text(line.raw, received))
        )

    def in_entry(self, heads: bytes, body: bytes, received: int) -> tuple[bytes, bytes, int] | None:
        """(heads, body, events erased) of a queue's entry, as many heads and lines as before; None where nothing is
        to be erased. The head of a request goes too where all its events do."""
        if received > self.until:
            return None
        lines, erased = body.split(b"\n"), 0
        kept_heads, at = [], 0
        for text in heads.removesuffix(b"\n").split(b"\n"):
            head = _heads.decode(text)
            gone = [
                place
                for index, place in enumerate(range(at, at + head.n))
                if lines[place] != ERASED_LINE and self._in_bytes(lines[place], head.key, index, received)
            ]
            for place in gone:
                lines[place] = ERASED_LINE
            whole = gone and all(line == ERASED_LINE for line in lines[at : at + head.n])
            kept_heads.append(_encode(Head(head.n)) if whole else text)
            erased += len(gone)
            at += head.n
        return (b"\n".join([*kept_heads, b""]), b"\n".join(lines), erased) if erased else None

    def _in_bytes(self, text: bytes, request_key: str | None, index: int, received: int) -> bool:
        try:
            return self.in_line(_line.decode(text), request_key, index, received)
        except msgspec.DecodeError:
            return self.in_text(text.decode("utf-8", "replace"), received)


def plain(value: str) -> str | None:
    """The value where JSON writes it as it is, so that it can be searched for; else None. A text as it was sent may
    still hide it (`\\u0061`, `%61`): where there is a backslash or a percent sign, the text has to be read."""
    return value if _PLAIN.fullmatch(value) else None


def _values(text: str, field: str) -> Iterable[str]:
    """Every value that the text gives the field: of its objects where it is JSON, else of what looks like it."""
    try:
        found = _any.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _guessed(text, field)
    objects = found if isinstance(found, list) else [found]
    values = [item.get(field) for item in objects if isinstance(item, dict)]
    return [value if isinstance(value, str) else _encode(value).decode() for value in values if value is not None]


def _guessed(text: str, field: str) -> list[str]:
    """What is no JSON (cut, several values, a form): the text after each `field:` or `field=`."""
    found = []
    for match in re.finditer(rf"""\b{field}\\?["']?\s*[:=]\s*("(?:[^"\\]|\\.)*"|[^\s,}}&"';]+)""", text):
        value = match[1]
        if value.startswith('"'):
            try:
                found.append(str(_any.decode(value)))
            except msgspec.DecodeError:
                found.append(value.strip('"'))
        else:
            found += [value, unquote_plus(value)]
    return found
