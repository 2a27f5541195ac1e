"""Asks with days that are over counted once: the answer must be the one that reads every event."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from eventmill.query.closed import ClosedDays
from eventmill.query.source import Store

T = TypeVar("T")
TODAY = datetime(2026, 4, 4, 12, tzinfo=UTC)


def days_over(store: Store, today: datetime = TODAY) -> ClosedDays:
    """Keeps days of however few events."""
    closed = ClosedDays(store, "UTC", lambda: today)
    closed.worth = 1
    return closed


def thrice(store: Store, ask: Callable[[ClosedDays | None], T]) -> T:
    """The answer of every event, found again while days are kept and from kept ones."""
    plainly = ask(None)
    closed = days_over(store)
    closed.forget()
    assert ask(closed) == plainly
    assert ask(closed) == plainly
    return plainly
