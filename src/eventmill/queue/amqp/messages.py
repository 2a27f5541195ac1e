"""A part of a commit as messages, and a message as an entry.

The body is the lines and behind them the heads, since properties must fit into one frame. Headers: `events` how many
lines, `heads` where they begin, `received` (ms), `seq`. `message_id` names the message for good: 16 hexadecimal digits
drawn by the writer, since a commit that failed may be sent again, cut in another way.
"""

import os
import time
from collections.abc import Iterator

import msgspec
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractIncomingMessage
from xxhash import xxh3_64_intdigest

from eventmill.event import Head
from eventmill.queue.base import Entry
from eventmill.queue.records import Part

MESSAGE_BYTES = 65_536
"""Lines of a message, but for a single longer one: with the number of unacknowledged messages a bound on memory."""
_encode = msgspec.json.Encoder().encode
_head = msgspec.json.Decoder(Head).decode


class Sequence:
    """Numbers that only grow: the time in ns, or one more than the last."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last = max(self._last + 1, time.time_ns())
        return self._last


def messages(part: Part, sequence: Sequence) -> Iterator[Message]:
    """The messages that hold this part."""
    for one in cut(part, MESSAGE_BYTES):
        lines = b"".join(one.lines)
        yield Message(
            lines + b"".join(one.heads),
            delivery_mode=DeliveryMode.PERSISTENT,
            content_type="application/x-ndjson",
            message_id=os.urandom(8).hex(),
            headers={"events": one.count, "heads": len(lines), "received": one.received, "seq": sequence.next()},
        )


def cut(part: Part, size: int) -> Iterator[Part]:
    """The part in pieces whose lines have about `size` bytes at most, at least one line each."""
    if sum(map(len, part.lines)) <= size:
        yield part
        return
    piece, room, at = _empty(part), size, 0
    for text in part.heads:
        head = _head(text)
        first, end = at, at + head.n
        while at < end:
            room -= len(part.lines[at])
            if room < 0 and (piece.count or at > first):
                _add(piece, part, head, first, at, end)
                yield piece
                piece, room, first = _empty(part), size - len(part.lines[at]), at
            at += 1
        _add(piece, part, head, first, at, end)
    yield piece


def _empty(part: Part) -> Part:
    return Part(part.topic, part.partition, part.received)


def _add(piece: Part, part: Part, head: Head, first: int, at: int, end: int) -> None:
    """Lines [first, at) of a head whose lines end at `end`."""
    if at > first:
        index = head.first + head.n - (end - first)
        piece.heads.append(_encode(msgspec.structs.replace(head, n=at - first, first=index)) + b"\n")
        piece.lines += part.lines[first:at]
        piece.count += at - first


def entry(shard: str, message: AbstractIncomingMessage) -> Entry:
    """The entry in a message. Its receipts stand in the heads; `receipt_low` is the message's name, for the ledger."""
    topic, body, told = shard.rpartition("/")[0], message.body, message.headers
    try:
        count, received, seq = (int(told[name]) for name in ("events", "received", "seq"))  # type: ignore[arg-type]
        heads, low = int(told["heads"]), int(message.message_id or "", 16)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError):
        return _foreign(shard, topic, message)
    return Entry(shard, seq, topic, received, 0, low, count, body[heads:], body[:heads])


def _foreign(shard: str, topic: str, message: AbstractIncomingMessage) -> Entry:
    """What no door of ours has written is shown as a reject. Its content is its receipt."""
    text = message.body.decode("utf-8", "backslashreplace")
    at = int((message.timestamp.timestamp() if message.timestamp else time.time()) * 1000)
    low = xxh3_64_intdigest(message.body + (message.message_id or "").encode())
    head = _encode(Head(high=at << 16 | 0x7000, low=low | 1 << 63, at=at))
    return Entry(shard, at, topic, at, 0, low, 1, head + b"\n", _encode({"_x": "foreign", "_raw": text}) + b"\n")
