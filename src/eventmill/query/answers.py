"""Answers that are made of days, each worked out once when it is over.

A day's part of the answer is kept under its *version*: how many events that day has and the days around it that the
part is made of. Events are only ever added, so equal counts mean equal events. What is not kept is worked out while
the question waits, in one go over all days that are missing. Erasing forgets all (`ClosedDays.forget`); what was not
made anew for 40 days goes by itself.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Generic, TypeVar

import msgspec
import xxhash

from eventmill.query import spans
from eventmill.query.closed import ClosedDays
from eventmill.query.days import clamped
from eventmill.query.model import FIRST_DAY, LAST_DAY, Filter, Range
from eventmill.query.source import StoreError

log = logging.getLogger(__name__)
T = TypeVar("T")
_MOST_BYTES = 500_000_000
"""Kept on the disk; beyond, all is thrown away."""
_LONGEST = 4_000_000
"""Characters of a day's part, beyond which it is not worth keeping."""
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
    decode: Callable[[str], T]


def by_day(closed: ClosedDays | None, parts: Parts[T], days: Range) -> dict[date, T]:
    """The parts of the days that have any. Raises what the store raises."""
    if spans.empty(days):
        return {}
    days = clamped(days)
    versions = {} if closed is None or days.hours is not None else _versions(closed, parts, days)
    if closed is None or not versions:
        return {**parts.make(days)}
    question = xxhash.xxh3_64_intdigest(msgspec.json.encode([parts.name, parts.filter, days.tz], order="sorted"))
    rows = closed.store.query(_KEPT, {"question": question, "first": days.first, "last": days.last})
    kept = {day: parts.decode(answer) for day, version, answer in rows if versions.get(day) == int(version)}
    missing = [day for day in versions if day not in kept]
    if missing:
        between = Range(min(missing), max(missing), days.tz)
        made = parts.make(between)
        kept |= made
        over = closed.today(days.tz) - timedelta(days=parts.margin)
        fresh = {day: parts.encode(made[day]) for day in missing if day in made and day < over}
        if fresh:
            _keep(closed, question, fresh, versions, _versions(closed, parts, days))
    return kept


def _versions(closed: ClosedDays, parts: Parts[T], days: Range) -> dict[date, int]:
    """The version of each day that has events; none at all where they are too few to keep anything of them."""
    margin = timedelta(days=parts.margin)
    counts = closed.versions(
        parts.filter, Range(max(days.first - margin, FIRST_DAY), min(days.last + margin, LAST_DAY), days.tz)
    )
    if sum(counts.values()) < closed.worth:
        return {}
    near = range(-parts.margin, parts.margin + 1)
    return {
        day: xxhash.xxh3_64_intdigest(msgspec.json.encode([counts.get(day + timedelta(days=n), 0) for n in near]))
        for day in counts
        if days.first <= day <= days.last
    }


def _keep(
    closed: ClosedDays, question: int, fresh: Mapping[date, str], before: Mapping[date, int], now: Mapping[date, int]
) -> None:
    """Keeps the parts of days that had the same events before and after. Only a cache: a failure is no error."""
    import polars as pl

    sure = {day: text for day, text in fresh.items() if before[day] == now.get(day) and len(text) <= _LONGEST}
    try:
        if int(closed.store.query(_SIZE)[0][0]) > _MOST_BYTES:
            closed.store.command("TRUNCATE TABLE closed_answers")
        if sure:
            # As columns: texts of this length are slow as parameters of a command.
            columns = {
                "question": [question] * len(sure), "day": [*sure], "version": [before[day] for day in sure],
                "made": [datetime.now(UTC)] * len(sure), "answer": [*sure.values()],
            }  # fmt: skip
            moment = pl.Datetime("ms", "UTC")
            frame = pl.DataFrame(
                columns, schema_overrides={"question": pl.UInt64, "version": pl.UInt64, "made": moment}
            )
            closed.store.insert("closed_answers", frame)
    except StoreError as error:
        log.warning("days that are over are not kept: %s", error)
