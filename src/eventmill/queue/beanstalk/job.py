"""What a job holds: a note (one line of JSON), the heads of its requests, an empty line, the lines of its events.

Tubes are named PREFIX.TOPIC.PARTITION. A job's time to run says how many events are in it: `TTR_S` and one second for
each, so that what waits can be counted without reading it.
"""

from collections.abc import Iterator

import msgspec

from eventmill.event import Head
from eventmill.queue.base import Entry, QueueFull
from eventmill.queue.records import Part

TTR_S = 300
"""An insert takes less by far: a job that is still reserved after that belongs to somebody who hangs."""
_MOST_EVENTS = 500
_NOTE_BYTES = 400
_RAW_BYTES = 10_000
_head = msgspec.json.Decoder(Head)
_encode = msgspec.json.Encoder().encode


class Note(msgspec.Struct):
    """The first line. `high` and `low` name this job for good: ids of jobs can be given again after a restart."""

    tube: str
    received: int
    count: int
    high: int
    low: int


_note = msgspec.json.Decoder(Note)


def tube_of(prefix: str, topic: str, partition: int) -> str:
    return f"{prefix}.{topic}.{partition}"


def shard_of(prefix: str, tube: str) -> str | None:
    """TOPIC/PARTITION of a tube under this prefix."""
    topic, _, partition = tube.removeprefix(prefix + ".").rpartition(".")
    return f"{topic}/{partition}" if tube.startswith(prefix + ".") and topic and partition.isdecimal() else None


def topic_of(shard: str) -> str:
    return shard.rpartition("/")[0]


def events_of(ttr: int) -> int:
    """Of a job with this time to run; 1 for a job of somebody else's."""
    return ttr - TTR_S if TTR_S < ttr <= TTR_S + _MOST_EVENTS else 1


def encode(note: Note, heads: list[bytes], lines: list[bytes]) -> bytes:
    return b"".join((_encode(note), b"\n", *heads, b"\n", *lines))


def decode(prefix: str, seq: int, body: bytes) -> Entry | None:
    """None where no writer of ours made it for a tube under this prefix."""
    first, _, rest = body.partition(b"\n")
    heads, _, lines = rest.partition(b"\n\n")
    try:
        note = _note.decode(first)
    except msgspec.DecodeError:
        return None
    shard = shard_of(prefix, note.tube)
    if shard is None or not lines or lines.count(b"\n") != note.count:
        return None
    return Entry(shard, seq, topic_of(shard), note.received, note.high, note.low, note.count, heads + b"\n", lines)


def cut(part: Part, room: int) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Heads and lines of a part, so many at a time as go into a job of `room` bytes. Raises QueueFull where a single
    event does not; one that was acknowledged before becomes a reject."""
    room -= _NOTE_BYTES
    heads: list[bytes] = []
    lines: list[bytes] = []
    size = at = 0
    for text in part.heads:
        if b'"n":' not in text and len(lines) < _MOST_EVENTS:  # one event, as mostly where ids part a request
            used = size + len(text) + len(part.lines[at])
            if used <= room:
                heads.append(text)
                lines.append(part.lines[at])
                size, at = used, at + 1
                continue
        head = _head.decode(text)
        own, done = part.lines[at : at + head.n], 0
        at += head.n
        cost = len(text) + 20  # as much as the numbers of a head can grow
        while done < len(own):
            used, taken = size + cost, 0
            while done + taken < len(own) and len(lines) + taken < _MOST_EVENTS:
                used += len(own[done + taken])
                if used > room:
                    break
                taken += 1
            if taken:
                whole = taken == head.n
                heads.append(text if whole else _piece(head, done, taken))
                lines += own[done : done + taken]
                size, done = size + cost + sum(map(len, own[done : done + taken])), done + taken
            elif lines:
                yield heads, lines
                heads, lines, size = [], [], 0
            else:
                own[done] = _too_big(head, own[done], room)
    if lines:
        yield heads, lines


def _piece(head: Head, done: int, taken: int) -> bytes:
    return _encode(msgspec.structs.replace(head, n=taken, first=head.first + done)) + b"\n"


def _too_big(head: Head, line: bytes, room: int) -> bytes:
    if head.again and len(line) > room // 2:  # it waited elsewhere, and would hold up for ever what comes after it
        raw = line[: min(_RAW_BYTES, room // 4)].decode("utf-8", "replace")
        return _encode({"_x": "too_large", "_raw": raw}) + b"\n"
    raise QueueFull(
        f"an event of {len(line)} bytes does not fit into a job of beanstalkd ({room} bytes); start it with a larger -z"
    )
