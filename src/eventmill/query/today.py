"""What was stored of today up to some batch, counted once: a question then reads what came since.

Rows are never changed and carry the number of their batch, which only grows in each stream. So what was counted up to a
batch holds for good, late events included, and the rest is what has a greater number. Known in this process only: after
a start it is counted anew.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from eventmill.query.days import instants
from eventmill.query.model import Range
from eventmill.query.select import STATES
from eventmill.query.source import Store

_WORTH = 100_000
"""Events of today from which counting is worth it."""
_MORE = 50_000
"""Events since from which it is worth it again."""
_PAUSE_S = 30.0
_FEW = 8
_TIMES = "time >= {_today:DateTime64(3, 'UTC')} AND time < {_tomorrow:DateTime64(3, 'UTC')}"
_FILL = """INSERT INTO closed_values (question, value, attempt, pv, uv)
SELECT {{_question:UInt64}}, {value} AS closed_value, {{_attempt:UInt64}}, count(), {states}
FROM events WHERE {where} GROUP BY closed_value SETTINGS max_threads = 1"""
_HEADS = f"SELECT stream, toInt64(max(batch)) - 1 FROM events WHERE {_TIMES} GROUP BY stream"  # noqa: S608
"""The greatest batch may still be on its way into the store, all before it are there."""


@dataclass(slots=True, frozen=True)
class Part:
    """The rows of a day with batches up to these are counted under `attempt`; the day had `version` events by then."""

    days: Range
    attempt: int
    batches: Mapping[str, int]
    version: int
    made: float

    def beyond(self, params: dict[str, Any]) -> str:
        """The condition on the day's rows that were not counted; its parameters are added."""
        params |= {"_today": instants(self.days)[0], "_tomorrow": instants(self.days)[1]}
        return f"{_TIMES} AND NOT {upto(self.batches, params)}"


def upto(batches: Mapping[str, int], params: dict[str, Any]) -> str:
    """The condition on rows whose batch is one of these streams', up to its number."""
    params |= {"_streams": list(batches), "_batches": list(batches.values())}
    known = "has({_streams:Array(String)}, stream)"
    return f"({known} AND batch <= mapFromArrays({{_streams:Array(String)}}, {{_batches:Array(Int64)}})[stream])"


class Today:
    """The parts by question. Safe from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.worth, self.more, self.pause_s = _WORTH, _MORE, _PAUSE_S
        self._parts: dict[int, Part] = {}
        self._lock = threading.Lock()
        self._era = 0

    @property
    def attempts(self) -> set[int]:
        with self._lock:
            return {part.attempt for part in self._parts.values()}

    def part(self, question: int, day: date, version: int) -> tuple[Part | None, bool]:
        """What is counted of the day that has `version` events, and whether it should be counted again."""
        with self._lock:
            found = self._parts.get(question)
        if found is None or found.days.first != day:
            return None, version >= self.worth
        return found, version - found.version >= self.more and time.monotonic() - found.made > self.pause_s

    def count(
        self, question: int, value: str, where: str, params: Mapping[str, Any], days: Range, version: int
    ) -> None:
        """Counts the day as it is in the store. `where` has `{times}` in place of the condition on time."""
        with self._lock:
            era = self._era
        given: dict[str, Any] = {
            **params, "_question": question, "_today": instants(days)[0], "_tomorrow": instants(days)[1],
        }  # fmt: skip
        batches = {str(stream): int(batch) for stream, batch in self._store.query(_HEADS, given)}
        attempt = given["_attempt"] = time.time_ns()
        condition = where.replace("{times}", f"{_TIMES} AND {upto(batches, given)}")
        distinct = f"SELECT uniq({value}) FROM events WHERE {condition}"  # noqa: S608
        if int(self._store.query(distinct, given)[0][0]) * _FEW > version:
            return
        self._store.command(_FILL.format(states=STATES, value=value, where=condition), given)
        with self._lock:
            if era == self._era:
                self._parts[question] = Part(days, attempt, batches, version, time.monotonic())

    def forget(self) -> None:
        """Some events were erased: nothing that was counted holds, nor what is being counted."""
        with self._lock:
            self._era += 1
            self._parts.clear()
