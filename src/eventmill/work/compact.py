"""The ledger's rows of each delivery become one row a minute once nothing of them can be delivered again.

Each stream has a mark (a minute, in `meta`): below it the sums count, which have no shard; from it on the rows of the
deliveries. Sums are written before the mark moves, and what they replace is deleted a round later, when no question
can still be reading it: a crash anywhere leaves one of them to count. `query/ledger.py` reads by the mark.
"""

from eventmill.store.base import Store

_NAME = "ledger:"
_STEP_MINUTES = 1440
_SUM = """INSERT INTO ledger (stream, shard, first_high, first_low, topic, minute, stored, duplicate, rejected, batch)
SELECT stream, '', 0, 0, topic, minute, sum(stored), sum(duplicate), sum(rejected), max(batch)
FROM ledger FINAL WHERE stream = {stream:String} AND shard != '' AND minute >= {mark:UInt32} AND minute < {until:UInt32}
GROUP BY stream, topic, minute"""


def mark(store: Store, stream: str) -> int:
    """The minute since the epoch below which sums count; 0 where nothing was summed."""
    found = store.query("SELECT value FROM meta FINAL WHERE name = {name:String}", {"name": _NAME + stream})
    return int(found[0][0]) if found else 0


def compact(store: Store, stream: str, until: int) -> None:
    """Sums the minutes before `until`, of which every event must be committed. A day at a time is worth it."""
    before = mark(store, stream)
    if before:
        params = {"stream": stream, "mark": before}
        where = "stream = {stream:String} AND shard != '' AND minute < {mark:UInt32}"
        if store.query(f"SELECT 1 FROM ledger WHERE {where} LIMIT 1", params):  # noqa: S608
            store.command(f"ALTER TABLE ledger DELETE WHERE {where} SETTINGS mutations_sync = 1", params)
    if until - before >= _STEP_MINUTES:
        store.command(_SUM, {"stream": stream, "mark": before, "until": until})
        set_mark(store, stream, until)


def reopen(store: Store, stream: str, since: int) -> None:
    """Before the minutes from `since` on are delivered again and their rows written anew."""
    if mark(store, stream) > since:
        set_mark(store, stream, since)


def set_mark(store: Store, stream: str, minute: int) -> None:
    params = {"name": _NAME + stream, "value": str(minute)}
    store.command("INSERT INTO meta SELECT {name:String}, {value:String}, now64(3, 'UTC')", params)
