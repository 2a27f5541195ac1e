"""Days, hours and minutes of a time zone as instants, daylight saving included."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from eventmill.query.model import FIRST_DAY, LAST_DAY, Range


def midnight(day: date, zone: ZoneInfo) -> int:
    """The first second of a day of the zone, in s since the epoch. Where midnight is skipped (clocks go
    forward at 0:00), the day begins with the change."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def clamp(days: Range) -> tuple[date, date]:
    """The days of the range that the store can hold; first > last where there are none."""
    return max(days.first, FIRST_DAY), min(days.last, LAST_DAY)


def clamped(days: Range) -> Range:
    """The same range of the days that the store can hold."""
    first, last = clamp(days)
    return msgspec.structs.replace(days, first=first, last=last)


def instants(days: Range) -> tuple[int, int]:
    """[since, until) of the range in s since the epoch."""
    first, last = clamp(days)
    since, until = midnight(first, days.zone), midnight(last + timedelta(days=1), days.zone)
    return (since, until) if days.hours is None else (max(since, days.hours[0]), min(until, days.hours[1]))


def beginning(days: Range) -> str:
    """Where the range begins, as shown: a date, RFC 3339 where it is of hours."""
    return days.first.isoformat() if days.hours is None else rfc3339(days.hours[0], days.zone)


def rfc3339(second: int, zone: ZoneInfo) -> str:
    """An instant as shown: local time with the zone's offset of that moment."""
    return datetime.fromtimestamp(second, UTC).astimezone(zone).isoformat()


def quarter_hours(days: Range) -> bool:
    """Whether the zone's offset is a multiple of 15 minutes all through: the quarter-hour projection needs it."""
    first, last = clamp(days)
    at, zone = first, days.zone
    while at <= last:
        offset = datetime(at.year, at.month, at.day, tzinfo=zone).utcoffset()
        if offset is None or offset.total_seconds() % 900:
            return False
        at += timedelta(days=28)
    return True


def rfc3339_ms(moment: int) -> str:
    """Milliseconds since the epoch as shown, in UTC: `2026-11-20T10:05:00.123Z`."""
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
