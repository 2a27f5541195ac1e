"""The days and hours that a range is made of, and the range before it."""

from collections.abc import Iterator
from datetime import date, timedelta

from eventmill.query.days import clamp, instants, midnight
from eventmill.query.model import Range, of_hours

_EARLIEST = -62_100_000_000
"""In s since the epoch: a moment of the first years that calendars of all zones have."""


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
    if days.hours is not None:
        yield from range(*instants(days), 3600)
        return
    for day in dates(days):
        yield from range(midnight(day, days.zone), midnight(day + timedelta(days=1), days.zone), 3600)


def seconds(days: Range) -> int:
    """How long the range is."""
    since, until = instants(days)
    return max(0, until - since)


def previous(days: Range) -> Range:
    """The range of equal length right before; days that no calendar has are left out."""
    if days.hours is not None:
        since, until = days.hours
        return of_hours(max(2 * since - until, _EARLIEST), max(since, _EARLIEST + 3600), days.tz)
    length = days.last - days.first
    last = max(days.first, date.min + timedelta(days=length.days + 1)) - timedelta(days=1)
    return Range(last - length, last, days.tz)
