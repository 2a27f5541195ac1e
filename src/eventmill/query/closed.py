"""Values counted once for each day that is over: a month's ranking then reads a few rows a day and today's events.

A day's counts are kept under its *version*: how many events it has that the question may concern. Events are only
ever added to a day, so an equal count means an equal day; a late event makes another version, and the day is counted
anew, from the events until that is done. Erasing calls `forget`.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import xxhash

from eventmill.query.days import instants
from eventmill.query.dimensions import DAILY, reads
from eventmill.query.memo import Memo
from eventmill.query.model import Filter, Range
from eventmill.query.select import STATES, Statement, bucket, plan
from eventmill.query.source import Store, StoreError

log = logging.getLogger(__name__)
_WORTH = 500_000
"""Events in the closed days from which counting them once is worth it."""
_MOST_BYTES = 2_000_000_000
"""Kept on the disk in all; beyond, the questions counted longest ago go."""
_FEW = 8
"""A day is kept where it has this many times more events than values."""
_WARM_DAYS = 7
_ROUND_S = 60.0
_READING_S = 600
_LOCKS = 16
ROWS = ("closed_walks", "closed_visitors")
"""Tables of rows that `closed_answers` names by their attempt."""
_NAMED = "SELECT toUInt64OrZero(answer) AS attempt FROM closed_answers FINAL WHERE length(answer) < 21 AND attempt != 0"
_KEEP = """INSERT INTO closed_days SELECT {question:UInt64}, {day:Date}, {version:UInt64}, {attempt:UInt64},
 {kept:Bool}, {rows:UInt64}, {spec:String}"""
_FILL = """INSERT INTO closed_values (question, value, attempt, pv, uv)
SELECT {{_question:UInt64}}, {value} AS closed_value, {{_attempt:UInt64}}, count(), {states}
FROM events WHERE {where} GROUP BY closed_value SETTINGS max_threads = 1"""


class Question(msgspec.Struct, frozen=True):
    """What is counted: the expression of a value and the conditions beside time; days are days of `tz`."""

    value: str
    where: tuple[str, ...]
    params: dict[str, Any]
    filter: Filter
    tz: str

    def __hash__(self) -> int:
        return self.number

    @property
    def text(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")

    @property
    def number(self) -> int:
        return xxhash.xxh3_64_intdigest(self.text)


@dataclass(slots=True, frozen=True)
class Cover:
    """What of a range is counted already (`attempts` in `closed_values`), and the stretches of days that are not."""

    question: int
    attempts: list[int]
    rest: list[Range]

    def times(self, params: dict[str, Any]) -> str:
        """The condition on `time` for the rest; its parameters are added to `params`."""
        parts = ["0"] if not self.rest else []
        for number, days in enumerate(self.rest):
            params[f"since{number}"], params[f"until{number}"] = instants(days)
            parts.append(
                f"time >= {{since{number}:DateTime64(3, 'UTC')}} AND time < {{until{number}:DateTime64(3, 'UTC')}}"
            )
        return "(" + " OR ".join(parts) + ")"


class ClosedDays:
    """The cache. Safe from several threads and processes: what is kept is read from the store each time."""

    def __init__(self, store: Store, zone: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.store, self._zone, self._now = store, zone, now
        self.worth, self.room = _WORTH, _MOST_BYTES
        self.memo = Memo(lambda: store.revision)
        """What follows from the store as it is."""
        self.lasting = Memo(lambda: 0, most=8)
        """What follows from kept rows alone, which never change."""
        self._wanted: dict[Question, set[date]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._working_out = [threading.Lock() for _ in range(_LOCKS)]
        self._unnamed: frozenset[int] = frozenset()

    def cover(self, question: Question, days: Range) -> Cover | None:
        """What of the days need not be counted again; has the rest counted. None where the days have too few events
        for that, or where days of this zone cannot be counted cheaply. Raises what the store raises."""
        versions = self.versions(question.filter, days)
        today = self.today(days.tz)
        closed = {day: count for day, count in versions.items() if day < today}
        if sum(closed.values()) < self.worth:
            return None
        sql = "SELECT day, version, attempt * kept FROM closed_days FINAL WHERE question = {question:UInt64}"
        kept = {row[0]: (int(row[1]), int(row[2])) for row in self.store.query(sql, {"question": question.number})}
        found = {day: kept[day][1] for day, count in closed.items() if day in kept and kept[day][0] == count}
        missing = closed.keys() - found.keys()
        if missing:
            with self._lock:
                self._wanted.setdefault(question, set()).update(missing)
            self._wake.set()
        attempts = {day: attempt for day, attempt in found.items() if attempt}
        rest = [day for day in versions if day not in attempts]
        return Cover(question.number, list(attempts.values()), stretches(rest, days.tz))

    def forget(self) -> None:
        """Drops all that is kept: some events were erased."""
        for table in ("closed_days", "closed_values", "closed_answers", *ROWS):
            self.store.command(f"TRUNCATE TABLE {table}")
        self.lasting = Memo(lambda: 0, most=8)

    def working_out(self, question: int) -> threading.Lock:
        """Held while days of this question are worked out for `closed_answers`."""
        return self._working_out[question % _LOCKS]

    def run(self, stop: threading.Event) -> None:
        """Counts what was asked for, and yesterday for the questions of the last days, until told to stop."""
        while not stop.is_set():
            try:
                self.work(stop)
            except Exception as error:
                # Only a cache: whatever fails here must not take the pipeline with it.
                log.warning("counting closed days waits: %s", error, exc_info=not isinstance(error, StoreError))
                stop.wait(_ROUND_S)
            deadline = time.monotonic() + _ROUND_S
            while not stop.is_set() and time.monotonic() < deadline and not self._wake.wait(1.0):
                pass
            self._wake.clear()

    def work(self, stop: threading.Event | None = None) -> None:
        """One round. Takes half of one core at most: statistics must not hold up what comes in."""
        self._warm()
        while (job := self._next()) is not None:
            began = time.monotonic()
            self._fill(*job)
            if stop is not None and stop.wait(min(5.0, time.monotonic() - began)):
                return
        self._evict()
        self._evict_rows()

    def today(self, tz: str) -> date:
        """The day that is not over yet."""
        return self._now().astimezone(ZoneInfo(tz)).date()

    def _next(self) -> tuple[Question, date] | None:
        with self._lock:
            for question, days in list(self._wanted.items()):
                if days:
                    day = max(days)
                    days.discard(day)
                    return question, day
                del self._wanted[question]
        return None

    def _warm(self) -> None:
        """Yesterday is counted for every question that has a day of the week before."""
        sql = "SELECT any(spec), max(day) AS last FROM closed_days FINAL GROUP BY question"
        for spec, last in self.store.query(sql):
            question = msgspec.json.decode(spec, type=Question)
            yesterday = self.today(question.tz) - timedelta(days=1)
            if last < yesterday <= last + timedelta(days=_WARM_DAYS):
                with self._lock:
                    self._wanted.setdefault(question, set()).add(yesterday)

    def _fill(self, question: Question, day: date) -> None:
        days = Range(day, day, question.tz)
        version = self.versions(question.filter, days).get(day, 0)
        if not version:
            return
        params: dict[str, Any] = {**question.params, "_question": question.number}
        attempt = params["_attempt"] = time.time_ns()
        where = " AND ".join([*question.where, Cover(0, [], [days]).times(params)])
        distinct = f"SELECT uniq({question.value}) FROM events WHERE {where}"  # noqa: S608
        rows = int(self.store.query(distinct, params)[0][0])
        kept = rows * _FEW <= version
        if kept:
            self.store.command(_FILL.format(states=STATES, value=question.value, where=where), params)
            if self.versions(question.filter, days).get(day) != version:
                return  # events came in between: what was counted may be of neither version
        self.store.command(
            _KEEP,
            {
                "question": question.number, "day": day, "version": version, "attempt": attempt, "kept": kept,
                "rows": rows if kept else 0, "spec": question.text.decode(),
            },
        )  # fmt: skip

    def versions(self, chosen: Filter, days: Range) -> Mapping[date, int]:
        """How many events each day has, as far as projections tell; empty where they do not."""
        return self.memo.get(("versions", _text(chosen), days), partial(self._versions, chosen, days))

    def _versions(self, chosen: Filter, days: Range) -> dict[date, int]:
        parts = {name: text for name, text in chosen.parts.items() if name in DAILY}
        conditions = tuple(each for each in chosen.conditions if reads(each.field) <= DAILY)
        coarse = Filter(topic=chosen.topic, site=chosen.site, parts=parts, conditions=conditions)
        made = plan(coarse, days, depth=0, store_zone=self._zone, finest="day", uniques=False)
        day = bucket(made, "day", days.tz)
        if made.kind == "raw" or day is None:
            return {}
        sql = made.statement.build([f"{day} AS closed_day", "count()"], ["closed_day"])
        return {row[0]: int(row[1]) for row in self.store.query(sql, made.statement.params)}

    def _evict(self) -> None:
        """Removes attempts that no day names any more; where all are too many, unnames the questions that were
        counted longest ago. Their values go a round later, when no question can still be reading them."""
        known = "SELECT attempt FROM closed_days FINAL"
        before = (time.time_ns() // 10**9 - _READING_S) * 10**9
        stale = self.store.query(
            f"SELECT DISTINCT attempt FROM closed_values WHERE attempt < {before} AND attempt NOT IN ({known})"  # noqa: S608
        )
        self._delete("closed_values", "attempt", [int(row[0]) for row in stale])
        sql = "SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND table = 'closed_values'"
        size, count = self.store.query(sql)[0]
        if size <= self.room:
            return
        sql = "SELECT question, sum(rows) FROM closed_days FINAL GROUP BY question ORDER BY max(attempt) DESC"
        left, gone = self.room * count / size, []
        for question, rows in self.store.query(sql):
            left -= int(rows)
            if left < 0:
                gone.append(int(question))
        self._delete("closed_days", "question", gone)

    def _evict_rows(self) -> None:
        """Removes kept rows of attempts that no day names, and named none a round ago either: no question is still
        reading them. Where all are too many, nothing is named any more."""
        sql = f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table IN {ROWS}"  # noqa: S608
        if self.store.query(sql)[0][0] > self.room:
            self.store.command("TRUNCATE TABLE closed_answers")
        named = {int(row[0]) for row in self.store.query(_NAMED)}
        before = (time.time_ns() // 10**9 - _READING_S) * 10**9
        found: dict[str, set[int]] = {}
        for table in ROWS:
            sql = f"SELECT DISTINCT attempt FROM {table} WHERE attempt < {before}"  # noqa: S608
            found[table] = {int(row[0]) for row in self.store.query(sql)} - named
            self._delete(table, "attempt", sorted(found[table] & self._unnamed))
        self._unnamed = frozenset().union(*found.values())

    def _delete(self, table: str, column: str, values: Sequence[int]) -> None:
        if values:
            listed = ",".join(map(str, values))
            self.store.command(f"ALTER TABLE {table} DELETE WHERE {column} IN ({listed}) SETTINGS mutations_sync = 1")


def _text(chosen: Filter) -> bytes:
    """A filter as a key: it holds lists and is no key itself."""
    return msgspec.json.encode(chosen, order="sorted")


def stretches(days: Iterable[date], tz: str) -> list[Range]:
    """Days joined to ranges without gaps."""
    found: list[Range] = []
    for day in sorted(days):
        if found and found[-1].last + timedelta(days=1) == day:
            found[-1] = Range(found[-1].first, day, tz)
        else:
            found.append(Range(day, day, tz))
    return found


def by_value(
    cover: Cover, value: str, where: Sequence[str], params: Mapping[str, Any], *, uniques: bool, only: str = ""
) -> tuple[Statement, str]:
    """(parameters, table expression) of `counted`, `views` and, where asked for, `visitors` (states) of a range;
    a value may stand in several rows. `only` is a condition with `%s` in place of the value."""
    made = Statement([], dict(params))
    state = f", {STATES} AS visitors" if uniques else ""
    live = " AND ".join([*where, cover.times(made.params), *([only.replace("%s", value)] if only else [])])
    tables = [f"SELECT {value} AS counted, count() AS views{state} FROM events WHERE {live} GROUP BY counted"]  # noqa: S608
    if cover.attempts:
        made.params |= {"_question": cover.question, "_attempts": cover.attempts}
        tables.append(
            f"SELECT value AS counted, pv AS views{', uv AS visitors' if uniques else ''} FROM closed_values "  # noqa: S608
            "WHERE question = {_question:UInt64} AND has({_attempts:Array(UInt64)}, attempt)"
            + (f" AND {only.replace('%s', 'value')}" if only else "")
        )
    return made, f"({' UNION ALL '.join(tables)})"
