"""Answers that are made of days, each worked out once when it is over.

A day's part of the answer is kept under its *version*: how many events that day has and the days around it that the
part is made of. Events are only ever added, so equal counts mean equal events. What is not kept is worked out while
the question waits, some days at a time: no statement reads more than it must, and what was worked out stays where a
later one fails. Erasing forgets all (`ClosedDays.forget`); what was not made anew for 40 days goes by itself.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

import msgspec
import xxhash

from eventmill.query import spans
from eventmill.query.closed import ClosedDays, stretches
from eventmill.query.days import clamped
from eventmill.query.model import FIRST_DAY, LAST_DAY, Filter, Range
from eventmill.query.source import StoreError

log = logging.getLogger(__name__)
T = TypeVar("T")
PORTION = 8_000_000
"""Events of the days that are worked out by one statement, where it is more than one day."""
_MOST_BYTES = 500_000_000
"""Kept on the disk; beyond, all is thrown away."""
_LONGEST = 4_000_000
"""Characters of a day's part, beyond which it is not worth keeping."""
_NONE = ""
"""What stands for a day without any part."""
_KEPT = """SELECT day, version, answer FROM closed_answers FINAL
WHERE question = {question:UInt64} AND day BETWEEN {first:Date} AND {last:Date}"""
_SIZE = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'closed_answers'"


@dataclass(slots=True, frozen=True)
class Parts(Generic[T]):
    """What is asked of each day. `name` changes with the statement; `margin` is how many days around it matter."""

    name: str
    filter: Filter
    margin: int
    make: Callable[[Range], Mapping[date, T]]
    """The parts of these days; a day without any may be left out."""
    encode: Callable[[T], str]
    """Never the empty text."""
    decode: Callable[[str], T]

    def question(self, tz: str) -> int:
        """The number of what is asked, with days of this zone."""
        return xxhash.xxh3_64_intdigest(msgspec.json.encode([self.name, self.filter, tz], order="sorted"))


def by_day(closed: ClosedDays | None, parts: Parts[T], days: Range) -> dict[date, T]:
    """The parts of the days that have any. Raises what the store raises."""
    if spans.empty(days):
        return {}
    days = clamped(days)
    found = None if closed is None else days_over(closed, parts, days)
    if closed is None or found is None:
        return {**parts.make(days)}
    last = not_over(closed, parts, days)
    if last is None:
        return found
    return found | {**closed.memo.get(("open", parts.question(days.tz), last), partial(parts.make, last))}


def days_over(closed: ClosedDays, parts: Parts[T], days: Range) -> dict[date, T] | None:
    """The parts of the days that are over, as far as they have any; None where keeping them is not worth it, and
    of hours."""
    if days.hours is not None:
        return None
    counts = _counts(closed, parts, days)
    if sum(counts.values()) < closed.worth:
        return None
    question = parts.question(days.tz)
    open_days = not_over(closed, parts, days)
    over = [day for day in counts if days.first <= day <= days.last and (not open_days or day < open_days.first)]
    versions = {day: _version(counts, parts, day) for day in over}
    kept = _read(closed, question, days, versions)
    if kept.keys() != versions.keys():
        with closed.working_out(question):  # whoever asked for the same meanwhile waits, and finds it here
            kept = _read(closed, question, days, versions)
            for some in _portions([day for day in over if day not in kept], counts, days.tz):
                made = parts.make(some)
                fresh = {day: parts.encode(made[day]) if day in made else _NONE for day in spans.dates(some)}
                kept |= fresh
                _keep(closed, parts, some, fresh, versions)
    return {day: parts.decode(text) for day, text in kept.items() if text != _NONE}


def not_over(closed: ClosedDays, parts: Parts[T], days: Range) -> Range | None:
    """The days of the range whose part may still grow."""
    first = max(days.first, closed.today(days.tz) - timedelta(days=parts.margin))
    return Range(first, days.last, days.tz) if first <= days.last else None


def _read(closed: ClosedDays, question: int, days: Range, versions: Mapping[date, int]) -> dict[date, str]:
    rows = closed.store.query(_KEPT, {"question": question, "first": days.first, "last": days.last})
    return {day: answer for day, version, answer in rows if versions.get(day) == int(version)}


def _portions(missing: Iterable[date], counts: Mapping[date, int], tz: str) -> Iterator[Range]:
    """The days, a few at a time."""
    for stretch in stretches(missing, tz):
        first, size = stretch.first, 0
        for day in spans.dates(stretch):
            if day > first and size + counts[day] > PORTION:
                yield Range(first, day - timedelta(days=1), tz)
                first, size = day, 0
            size += counts[day]
        yield Range(first, stretch.last, tz)


def _counts(closed: ClosedDays, parts: Parts[T], days: Range) -> Mapping[date, int]:
    """How many events each day has, with the days around the range that matter."""
    margin = timedelta(days=parts.margin)
    near = Range(max(days.first - margin, FIRST_DAY), min(days.last + margin, LAST_DAY), days.tz)
    return closed.versions(parts.filter, near)


def _version(counts: Mapping[date, int], parts: Parts[T], day: date) -> int:
    near = range(-parts.margin, parts.margin + 1)
    return xxhash.xxh3_64_intdigest(msgspec.json.encode([counts.get(day + timedelta(days=n), 0) for n in near]))


def _keep(
    closed: ClosedDays, parts: Parts[T], days: Range, fresh: Mapping[date, str], versions: Mapping[date, int]
) -> None:
    """Keeps the parts of days that had the same events before and after. Only a cache: a failure is no error."""
    import polars as pl

    try:
        now = _counts(closed, parts, days)
        sure = {
            day: text for day, text in fresh.items()
            if versions[day] == _version(now, parts, day) and len(text) <= _LONGEST
        }  # fmt: skip
        if int(closed.store.query(_SIZE)[0][0]) > _MOST_BYTES:
            closed.store.command("TRUNCATE TABLE closed_answers")
        if sure:
            # As columns: texts of this length are slow as parameters of a command.
            columns = {
                "question": [parts.question(days.tz)] * len(sure), "day": [*sure],
                "version": [versions[day] for day in sure], "made": [datetime.now(UTC)] * len(sure),
                "answer": [*sure.values()],
            }  # fmt: skip
            moment = pl.Datetime("ms", "UTC")
            frame = pl.DataFrame(
                columns, schema_overrides={"question": pl.UInt64, "version": pl.UInt64, "made": moment}
            )
            closed.store.insert("closed_answers", frame)
    except StoreError as error:
        log.warning("days that are over are not kept: %s", error)
