"""What waits: events that are durable and not stored yet, and when it will be empty."""

from collections.abc import Mapping, Sequence

import msgspec

from eventmill.query.model import known
from eventmill.query.source import Queue


class Waiting(msgspec.Struct):
    """Of one group, topic and shard. `seconds` is the age of the oldest event that waits."""

    group: str
    topic: str
    shard: str
    events: int
    seconds: float


class Drain(msgspec.Struct):
    """`rate` is events stored a second just now; `seconds` until empty at this rate, null where it stands still."""

    rate: float
    seconds: float | None


class LagAnswer(msgspec.Struct):
    """The answer: only what waits is listed. `events` and `seconds` are of all of it: the sum and the oldest."""

    data: list[Waiting]
    events: int
    seconds: float
    drain: Drain


def parse(params: Mapping[str, str]) -> None:
    """Takes no parameters. Raises `RequestError`."""
    known(params, ())


def lag(queue: Queue, groups: Mapping[str, Sequence[str]], rate: float) -> LagAnswer:
    """The lag of all groups; `rate` is what the workers store a second."""
    data = [Waiting(row.group, row.topic, row.shard, row.events, row.oldest_ms / 1000) for row in queue.lag(groups)]
    events = sum(row.events for row in data)
    seconds = round(events / rate, 1) if rate > 0 else (None if events else 0.0)
    return LagAnswer(data, events, max((row.seconds for row in data), default=0.0), Drain(round(rate, 1), seconds))
