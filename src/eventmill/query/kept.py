"""Rows of days that are over, kept in a table of the store: what is too much for `closed_answers` itself, which then
says which *attempt* holds a day's rows. Attempts that no day names are deleted by `ClosedDays.work`.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from eventmill.query import spans
from eventmill.query.answers import Parts, days_over, not_over
from eventmill.query.closed import ClosedDays
from eventmill.query.days import clamped
from eventmill.query.model import Filter, Range
from eventmill.query.source import StoreError

log = logging.getLogger(__name__)
_DAYS = 1 << 16
"""Attempts of one statement, one for each day: `attempt % 65536` is the day, as the store counts them."""
LIMITS = "SETTINGS max_memory_usage = 2000000000, max_execution_time = 120"
"""For the statement that fills: it must leave room for the inserts."""


@dataclass(slots=True, frozen=True)
class Kept:
    """What of a range is in the table, and the days that are not: None where all are."""

    question: int
    attempts: list[int]
    rest: Range | None

    @property
    def where(self) -> str:
        return "question = {_question:UInt64} AND attempt IN {_attempts:Array(UInt64)}"

    @property
    def params(self) -> dict[str, object]:
        return {"_question": self.question, "_attempts": self.attempts}


@dataclass(slots=True, frozen=True)
class Rows:
    """What is kept of each day. `name` changes with the statements; `margin` is how many days around it matter."""

    name: str
    filter: Filter
    """Events of other days or of none can change nothing in the rows."""
    margin: int
    fill: Callable[[dict[str, object], Range], None]
    """Inserts the rows of these days. `{_question:UInt64}` is theirs; that of a day is attempt
    `{_attempt:UInt64} + toUInt16(day)`."""


def kept(closed: ClosedDays | None, rows: Rows, days: Range) -> Kept:
    """What of the range is kept; first inserts what is missing. Raises what the store raises."""
    nothing = Kept(0, [], days)
    if closed is None or spans.empty(days):
        return nothing
    days = clamped(days)

    def make(some: Range) -> dict[date, int]:
        attempt = time.time_ns() // _DAYS * _DAYS
        rows.fill({"_question": question, "_attempt": attempt}, some)
        return {day: attempt + (day - date(1970, 1, 1)).days for day in spans.dates(some)}

    parts = Parts(name=rows.name, filter=rows.filter, margin=rows.margin, make=make, encode=str, decode=int)
    question = parts.question(days.tz)
    try:
        attempts = days_over(closed, parts, days)
    except StoreError as error:
        log.warning("%s: days that are over are not kept: %s", rows.name, error)
        return nothing
    return nothing if attempts is None else Kept(question, [*attempts.values()], not_over(closed, parts, days))
