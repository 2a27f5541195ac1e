"""The events of a commit parted for a broker: by partition, each request's head telling its receipt and its time.

What a broker holds of a partition is an ordinary NDJSON text of canonical lines (`event.Line`), beside it the heads
(`event.Head`), one a line. The partition follows from the id, so that the same id always meets the same worker.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import msgspec

from eventmill.event import Head
from eventmill.queue.base import Draft


class _Named(msgspec.Struct, gc=False):
    """What decides the partition; all other fields are passed over."""

    id: str | None = None


_named = msgspec.json.Decoder(_Named)
_head = msgspec.json.Decoder(Head)
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Part:
    """Events of one topic for one partition. `received` in ms since the epoch; `heads` and `lines` end in newlines."""

    topic: str
    partition: int
    received: int
    count: int = 0
    heads: list[bytes] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)


def parts(draft: Draft, partitions: int) -> list[Part]:
    """The draft's events by partition, in order; those without an id stay together, in a partition of their commit."""
    found: dict[int, Part] = {}
    nameless = draft.receipt_low >> 22
    for head, lines in requests(draft):
        runs: dict[int, list[int]] = {}
        for index, line in enumerate(lines):
            name = name_of(line, head, head.first + index)
            place = (nameless if name is None else crc32(name.encode())) % partitions
            runs.setdefault(place, []).append(index)
        for place, indexes in runs.items():
            part = found.get(place)
            if part is None:
                part = found[place] = Part(draft.topic, place, draft.received)
            part.count += len(indexes)
            part.heads += _heads(head, indexes)
            part.lines += [lines[index] for index in indexes]
    return [found[place] for place in sorted(found)]


def name_of(line: bytes, head: Head, index: int) -> str | None:
    """The id that an event will have, None where it has none: of its own, else of the Idempotency-Key."""
    return _named.decode(line).id or (f"{head.key}-{index}" if head.key is not None else None)


def requests(draft: Draft) -> Iterator[tuple[Head, list[bytes]]]:
    """Each request of the draft: its head, complete with receipt and time, and its lines."""
    lines = draft.body.splitlines(keepends=True)
    at = 0
    for number, text in enumerate(draft.heads.splitlines()):
        head = _head.decode(text)
        if not head.high:  # a draft that was a part before tells it already
            head.high, head.low, head.at = draft.receipt_high, draft.receipt_low + number, draft.received
        at += (count := head.n)
        yield head, lines[at - count : at]


def _heads(head: Head, indexes: Sequence[int]) -> list[bytes]:
    """One head for each unbroken run of indexes."""
    made, start = [], 0
    for place in range(1, len(indexes) + 1):
        if place == len(indexes) or indexes[place] != indexes[place - 1] + 1:
            own = msgspec.structs.replace(head, n=place - start, first=head.first + indexes[start])
            made.append(_encode(own) + b"\n")
            start = place
    return made
