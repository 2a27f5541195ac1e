"""Raw events are kept for `store.keep`; the daily counts of expired ones stay.

Days of receipt expire whole. Each is a *source*: its rows are counted into `daily`, then it is marked `counted` in
`meta`, then its raw rows are deleted, then it is marked `deleted`. A crash anywhere is mended by the next run:
what is not marked is counted again (equal rows replace each other), what is marked is only deleted. Rows that
arrive for a source after that (a worker days behind) are its next generation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from eventmill.store.base import Store

COUNTED, DELETED = "counted", "deleted"
_GENERATIONS = 100
_NAME = "expired:"
_COUNT = """INSERT INTO daily (day, site, topic, category, action, label, value, source, version, pv, uv)
SELECT toDate(time, '{zone}') AS day, site, topic, category, action, label, value,
 {{source:UInt32}}, {{version:UInt64}}, count(), uniqCombined64State(16)(nullIf(user_hash, cityHash64('')))
FROM events WHERE toYYYYMMDD(received) = {{received:UInt32}}
GROUP BY day, site, topic, category, action, label, value"""


@dataclass(slots=True, frozen=True)
class Source:
    """A day of receipt (as 20261120), how often it was expired before, and how far it is."""

    day: int
    generation: int
    state: str

    @property
    def number(self) -> int:
        """What stands in `daily.source`."""
        return self.day * _GENERATIONS + self.generation


def sources(store: Store) -> dict[int, Source]:
    """The last generation of each day that was ever expired."""
    found = {}
    rows = store.query("SELECT name, value FROM meta FINAL WHERE startsWith(name, {name:String})", {"name": _NAME})
    for name, value in rows:
        generation, _, state = str(value).partition(":")
        day = int(str(name).removeprefix(_NAME))
        found[day] = Source(day, int(generation), state)
    return found


def expire(store: Store, keep_ms: int, now_ms: int, zone: str, at: Callable[[str], None] = lambda _: None) -> int:
    """Expires the days of receipt that ended before `now_ms - keep_ms`; 0 keeps for ever. Returns rows deleted.

    `at` is told each point reached: a crash test stops there. Raises `StoreError`.
    """
    if keep_ms <= 0:
        return 0
    cutoff = datetime.fromtimestamp((now_ms - keep_ms) / 1000, UTC).date()
    params = {"cutoff": cutoff.isoformat()}
    old = "received < toDateTime64({cutoff:String}, 3, 'UTC')"
    days = store.query(
        f"SELECT toYYYYMMDD(received) AS day, count() FROM events WHERE {old} GROUP BY day ORDER BY day",  # noqa: S608
        params,
    )
    known = sources(store)
    # A crash after the delete left these without their last mark.
    pending = {day: source for day, source in known.items() if source.state == COUNTED and day < _number(cutoff)}
    for day, _ in days:
        pending[int(day)] = _count(store, int(day), known.get(int(day)), now_ms, zone)
        at("counted")
    if days:
        _delete(store, old, params, cutoff)
        at("deleted")
    for source in pending.values():
        _mark(store, Source(source.day, source.generation, DELETED))
    store.command(f"ALTER TABLE rejects DELETE WHERE {old} SETTINGS mutations_sync = 1", params)
    return sum(int(rows) for _, rows in days)


def _count(store: Store, day: int, before: Source | None, now_ms: int, zone: str) -> Source:
    if before is not None and before.state == COUNTED:
        return before
    source = Source(day, 0 if before is None else before.generation + 1, COUNTED)
    store.command(_COUNT.format(zone=zone), {"source": source.number, "version": now_ms, "received": day})
    _mark(store, source)
    return source


def _delete(store: Store, old: str, params: dict[str, str], cutoff: date) -> None:
    """Whole months go as partitions, at once; the rest of the days by a mutation, complete on return."""
    first = int(cutoff.strftime("%Y%m"))
    months = store.query(f"SELECT DISTINCT toYYYYMM(received) FROM events WHERE {old}", params)  # noqa: S608
    for (month,) in months:
        if int(month) < first:
            store.command(f"ALTER TABLE events DROP PARTITION {int(month)}")
    if any(int(month) == first for (month,) in months):
        store.command(f"ALTER TABLE events DELETE WHERE {old} SETTINGS mutations_sync = 1", params)


def _mark(store: Store, source: Source) -> None:
    store.command(
        "INSERT INTO meta SELECT {name:String}, {value:String}, now64(3, 'UTC')",
        {"name": f"{_NAME}{source.day}", "value": f"{source.generation}:{source.state}"},
    )


def _number(day: date) -> int:
    return int(day.strftime("%Y%m%d"))
