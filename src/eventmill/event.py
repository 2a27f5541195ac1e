"""What an event is: its fields, its four-part key, and the receipt that the door gives it.

An event travels as one line of JSON. The door writes only canonical lines (`Line`), so that whoever reads
the queue never meets JSON that the door did not accept.
"""

import os
import uuid

import msgspec

KEY_PARTS = ("category", "action", "label", "value")
TEXT_FIELDS = (
    "id", "site", "topic", "time", *KEY_PARTS, "user", "session", "url", "referrer",
    "user_agent", "ip", "language", "screen",
)  # fmt: skip
NUMBER_FIELDS = ("duration_ms", "bytes")
FIELDS = (*TEXT_FIELDS, *NUMBER_FIELDS, "props")
MAX_ID_BYTES = 64
DEFAULT_TOPICS = ("event", "request", "log")


class Line(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """An event as the queue holds it: every field of the schema's type, nothing unknown.

    `time` is the text or number that was sent, as text. `props` is a JSON object as text, so that numbers
    keep their digits through every stage. The last four fields are the door's own and never a client's:
    `v` the visitor (hash), `x` the reason why the door rejects the event, `raw` the text as it was sent
    (kept where the topic's checks may still reject it), `sent` how many fields were sent.
    """

    id: str | None = None
    site: str | None = None
    topic: str | None = None
    time: str | int | float | None = None
    category: str | None = None
    action: str | None = None
    label: str | None = None
    value: str | None = None
    user: str | None = None
    session: str | None = None
    url: str | None = None
    referrer: str | None = None
    user_agent: str | None = None
    ip: str | None = None
    language: str | None = None
    screen: str | None = None
    duration_ms: float | None = None
    bytes: int | None = None
    props: dict[str, object] | str | None = None
    v: str | None = msgspec.field(default=None, name="_v")
    x: str | None = msgspec.field(default=None, name="_x")
    raw: str | None = msgspec.field(default=None, name="_raw")
    sent: int | None = msgspec.field(default=None, name="_n")


class Head(msgspec.Struct, omit_defaults=True, gc=False):
    """What the events of one request share: written once beside their lines.

    `n` how many lines of the body are its own, `ip` the truncated address, `ua` the user agent, `page` the
    Referer of a pixel (the page it stands on), `key` the Idempotency-Key. Queues that part the events of one commit
    add what is no longer said by the place: `high` and `low` the request's receipt, `first` the index of the first
    of its lines, `at` when it was received (ms since the epoch); `again` that the queue may hold it twice.
    """

    n: int = 1
    ip: str | None = None
    ua: str | None = None
    page: str | None = None
    key: str | None = None
    high: int = 0
    low: int = 0
    first: int = 0
    at: int = 0
    again: bool = False


def key_text(*parts: str) -> str:
    """The key as shown: parts joined by dots, `.` and `%` inside a part escaped, trailing empty parts cut."""
    kept = list(parts)
    while kept and not kept[-1]:
        kept.pop()
    return ".".join(p.replace("%", "%25").replace(".", "%2E") for p in kept)


def key_parts(text: str) -> tuple[str, ...]:
    """The parts of a key as shown; the inverse of `key_text`."""
    if not text:
        return ()
    return tuple(p.replace("%2E", ".").replace("%25", "%") for p in text.split("."))


RECEIPT_BLOCK_BITS = 22


class ReceiptSource:
    """Gives blocks of receipts: UUIDv7 (RFC 9562) whose low 64 bits count upwards inside a block.

    A request's receipt is the block's first one plus the request's place in it; an event's receipt adds its
    index in the request. 48 bits of time, then 12 bits of counter and 40 random bits drawn for each block: two
    blocks never meet, and a clock that steps back does not repeat one.
    """

    __slots__ = ("_count", "_last")

    def __init__(self) -> None:
        self._last = 0
        self._count = 0

    def block(self, now_ms: int) -> tuple[int, int]:
        """(high, low) 64-bit halves of the first receipt; the low half has 2**22 successors."""
        if now_ms > self._last:
            self._last, self._count = now_ms, 0
        else:
            self._count += 1
            if self._count > 0xFFF:
                self._last, self._count = self._last + 1, 0
        high = (self._last & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | self._count
        low = 0x8000_0000_0000_0000 | int.from_bytes(os.urandom(5), "big") << RECEIPT_BLOCK_BITS
        return high, low


def receipt_block(high: int, low: int) -> tuple[int, int]:
    """What all receipts of one block share, and no other block has."""
    return high, low >> RECEIPT_BLOCK_BITS


def receipt_text(high: int, low: int, index: int | None = None) -> str:
    """A receipt as shown: the UUID, and `#index` of the event where given."""
    text = str(uuid.UUID(int=high << 64 | low))
    return text if index is None else f"{text}#{index}"


def receipt_parse(text: str) -> tuple[int, int, int | None]:
    """(high, low, index) of a receipt as shown. Raises ValueError where it is none."""
    body, _, index = text.partition("#")
    number = uuid.UUID(body).int
    return number >> 64, number & 0xFFFF_FFFF_FFFF_FFFF, int(index) if index else None
