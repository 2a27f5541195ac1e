"""The days and hours that a range is made of, and the range before it."""

from collections.abc import Iterator
from datetime import date, timedelta

from eventmill.query.days import clamp, instants, midnight
from eventmill.query.model import Range


def empty(days: Range) -> bool:
    """Whether the store can hold none of these days."""
    first, last = clamp(days)
    return first > last


def dates(days: Range) -> Iterator[date]:
    """Each day that the store can hold."""
    first, last = clamp(days)
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def hours(days: Range) -> Iterator[int]:
    """Where each hour begins, in s since the epoch; a day has 23 to 25 of them."""
    for day in dates(days):
        yield from range(midnight(day, days.zone), midnight(day + timedelta(days=1), days.zone), 3600)


def seconds(days: Range) -> int:
    """How long the range is."""
    since, until = instants(days)
    return max(0, until - since)


def previous(days: Range) -> Range:
    """The range of equal length right before; days that no calendar has are left out."""
    length = days.last - days.first
    last = max(days.first, date.min + timedelta(days=length.days + 1)) - timedelta(days=1)
    return Range(last - length, last, days.tz)
