"""received = stored + duplicate + rejected + queued, for each topic and minute of receipt."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import nlargest

import msgspec

from eventmill.clock import MINUTE_MS, system_clock
from eventmill.query.days import clamp, instants, rfc3339
from eventmill.query.model import Range, known, parse_number, parse_range, parse_tz
from eventmill.query.source import LagRow, Queue, Store

PARAMETERS = ("from", "to", "topic", "tz", "limit")
_END = 1 << 40
_NOTHING = (0, 0, 0)
_EPOCH = date(1970, 1, 1)
# Old minutes count by their sums, which have no shard (see work/compact.py).
_ROWS = """FROM ledger FINAL
WHERE minute >= {since:UInt32} AND minute < {until:UInt32}
 AND (shard = '') = (minute < (SELECT mapFromArrays(groupArray(substring(name, 8)), groupArray(toUInt32(value)))
  FROM meta FINAL WHERE startsWith(name, 'ledger:'))[stream])"""
_SQL = f"SELECT topic, minute, sum(stored), sum(duplicate), sum(rejected) {_ROWS} GROUP BY topic, minute"
_BY_TOPIC = f"SELECT topic, sum(stored) + sum(duplicate) + sum(rejected) {_ROWS} GROUP BY topic"


@dataclass(slots=True, frozen=True)
class LedgerRequest:
    """Minutes [since, until) since the epoch; at most `limit` rows, the newest."""

    since: int
    until: int
    topic: str | None
    tz: str
    limit: int


class Balance(msgspec.Struct):
    """Five counts of events; the first is the sum of the others."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    queued: int = 0


class Minute(msgspec.Struct):
    """A topic's balance in one minute of receipt (RFC 3339)."""

    topic: str
    minute: str
    received: int
    stored: int
    duplicate: int
    rejected: int
    queued: int


class Ledger(msgspec.Struct):
    """The answer. `total` covers all rows, those beyond `limit` too. `balanced` is false where more was handled than
    received, or where received events are neither handled nor waiting in the queue. `topics` are the parts of
    `total`."""

    data: list[Minute]
    total: Balance
    balanced: bool
    topics: dict[str, Balance] = {}


def parse(params: Mapping[str, str], default_tz: str) -> LedgerRequest:
    """Everything unless `from` and `to` are given. Raises `RequestError`."""
    known(params, PARAMETERS)
    limit = parse_number(params, "limit", 100_000, 0, 1_000_000)
    topic = params.get("topic") or None
    if not params.get("from") and not params.get("to"):
        return LedgerRequest(0, _END, topic, parse_tz(params, default_tz), limit)
    days: Range = parse_range(params, default_tz)
    first, last = clamp(days)
    since, until = instants(days) if first <= last else (60, 60)
    return LedgerRequest(-(-since // 60), -(-until // 60), topic, days.tz, limit)


def ledger(store: Store, queue: Queue, request: LedgerRequest, groups: Mapping[str, Sequence[str]]) -> Ledger:
    """The balance at one moment: handled is read before received, so that an event between the two shows as queued.

    Where something is queued, the queue must know of it: what is neither handled nor waiting there is lost. A queue
    that does not count what it took is asked first what waits there, and that and what was handled was received.
    """
    waiting = None if queue.counts_received else queue.lag(groups)
    handled = _handled(store, request)
    received = _received(queue, request) if waiting is None else _known(handled, waiting, request)
    topics, balanced = _sums(handled, received)
    total = Balance()
    for one in topics.values():
        for name in Balance.__struct_fields__:
            setattr(total, name, getattr(total, name) + getattr(one, name))
    if balanced and total.queued and waiting is None:
        balanced = not _lost(store, queue, request, received, groups)
    return Ledger(_shown(handled, received, request), total, balanced, topics)


def _sums(
    handled: Mapping[tuple[str, int], tuple[int, int, int]], received: Mapping[tuple[str, int], int]
) -> tuple[dict[str, Balance], bool]:
    """By topic; and whether nothing was handled that was not received."""
    # Plain sums: a month has over 100,000 places, and every dashboard's badge asks for all of them.
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    balanced = True
    for place, got in received.items():
        stored, duplicate, rejected = handled.get(place, _NOTHING)
        row = sums[place[0]]
        row[0] += got
        row[1] += stored
        row[2] += duplicate
        row[3] += rejected
        if got < stored + duplicate + rejected:
            balanced = False
    for place in handled.keys() - received.keys():  # there should be none
        for at, count in enumerate(handled[place], 1):
            sums[place[0]][at] += count
            balanced = balanced and not count
    return {topic: Balance(got, s, d, r, got - s - d - r) for topic, (got, s, d, r) in sorted(sums.items())}, balanced


def _shown(
    handled: Mapping[tuple[str, int], tuple[int, int, int]],
    received: Mapping[tuple[str, int], int],
    request: LedgerRequest,
) -> list[Minute]:
    """The newest rows, in the order of time and topic."""
    zone = Range(_EPOCH, _EPOCH, request.tz).zone
    places = handled.keys() | received.keys() if request.limit else set()
    newest = nlargest(request.limit, places, key=lambda place: (place[1], place[0]))
    data = []
    for topic, minute in reversed(newest):
        got, counts = received.get((topic, minute), 0), handled.get((topic, minute), _NOTHING)
        data.append(Minute(topic, rfc3339(minute * 60, zone), got, *counts, got - sum(counts)))
    return data


def _minutes(request: LedgerRequest) -> dict[str, int]:
    return {"since": request.since, "until": min(request.until, 0xFFFFFFFF)}


def _handled(store: Store, request: LedgerRequest) -> dict[tuple[str, int], tuple[int, int, int]]:
    rows = store.query(_SQL, _minutes(request))
    return {(t, m): (s, d, r) for t, m, s, d, r in rows if request.topic in (None, t)}


def _received(queue: Queue, request: LedgerRequest) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for row in queue.received(request.since, request.until):
        if request.topic in (None, row.topic):
            place = row.topic, row.minute
            found[place] = found.get(place, 0) + row.count
    return found


def _known(
    handled: Mapping[tuple[str, int], tuple[int, int, int]], waiting: Sequence[LagRow], request: LedgerRequest
) -> dict[tuple[str, int], int]:
    """What was handled and what waits; all of it in the minute in which the oldest of it was received."""
    found = {place: sum(counts) for place, counts in handled.items()}
    now = system_clock()
    for lag in waiting:
        place = lag.topic, (now - lag.oldest_ms) // MINUTE_MS
        if request.topic in (None, lag.topic) and request.since <= place[1] < request.until:
            found[place] = found.get(place, 0) + lag.events
    return found


def _lost(
    store: Store,
    queue: Queue,
    request: LedgerRequest,
    received: Mapping[tuple[str, int], int],
    groups: Mapping[str, Sequence[str]],
) -> bool:
    """Whether a topic has events of `received` that are neither waiting (asked first) nor handled (asked after).

    All that waits is taken off, that of other minutes too: a loss may stay unseen in a range, none is made up."""
    missing: Counter[str] = Counter()
    for (topic, _), count in received.items():
        missing[topic] += count
    for lag in queue.lag(groups):
        missing[lag.topic] -= lag.events
    for topic, count in store.query(_BY_TOPIC, _minutes(request)):
        missing[topic] -= count
    return any(count > 0 for topic, count in missing.items() if request.topic in (None, topic))
