"""Deadlines: one look at every connection once a second instead of a timer for each request."""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Protocol

from eventmill.collect.limits import LINGER_SECONDS, WRITE_SECONDS, Limits


class Phase(Enum):
    """What is expected of a connection's peer."""

    NEW = auto()
    """Its first request."""
    IDLE = auto()
    """Another request, or nothing."""
    HEAD = auto()
    BODY = auto()
    REPLY = auto()
    """That it waits for the disk."""
    CLOSING = auto()
    """That it takes the last reply."""
    LINGERING = auto()
    """That it closes its half."""


class Swept(Protocol):
    """A connection as its deadlines see it. `since` is when its phase began and `stalled_since` when its peer
    stopped taking replies (0: it takes them), both in seconds since the epoch."""

    since: int
    stalled_since: int

    def phase(self) -> Phase: ...

    def late(self) -> None:
        """Answers 408 and closes."""

    def expire(self) -> None:
        """Closes an idle connection."""

    def drain(self) -> None:
        """Ends the connection once it owes nothing; a request that is under way still passes."""

    def abort(self) -> None:
        """Closes at once, whatever is under way."""


def sweep(doors: Iterable[Swept], now: int, limits: Limits) -> None:
    """Ends what is late: heads, bodies, idle connections, replies that are not taken, lingering closes."""
    allowed = {
        Phase.NEW: limits.header_timeout,
        Phase.IDLE: limits.idle_timeout,
        Phase.HEAD: limits.header_timeout,
        Phase.BODY: limits.body_timeout,
        Phase.CLOSING: WRITE_SECONDS,
        Phase.LINGERING: LINGER_SECONDS,
    }
    for door in list(doors):
        if door.stalled_since and now - door.stalled_since > WRITE_SECONDS:
            door.abort()
            continue
        phase = door.phase()
        if phase is Phase.REPLY or now - door.since <= allowed[phase]:
            continue
        if phase in {Phase.HEAD, Phase.BODY}:
            door.late()
        elif phase in {Phase.NEW, Phase.IDLE}:
            door.expire()
        else:
            door.abort()
