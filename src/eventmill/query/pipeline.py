"""What the store holds, as the pipeline's page shows it; the other figures of that page are in `web.pipeline`."""

import msgspec

from eventmill.query.source import Store

_PARTS = """SELECT sum(rows), sum(bytes_on_disk), count() FROM system.parts
WHERE active AND database = currentDatabase() AND table = {table:String}"""
_SITES = """SELECT site FROM (SELECT site, count() AS n FROM events GROUP BY site
UNION ALL SELECT site, sum(pv) AS n FROM daily GROUP BY site) WHERE site != '' GROUP BY site ORDER BY sum(n) DESC, site
LIMIT {limit:UInt32}"""
_ENDS = "SELECT count(), toUnixTimestamp64Milli(min(received)), toUnixTimestamp64Milli(max(received)) FROM events"
SITES = 1000
"""Sites listed at most: those with the most events."""


class StoreSize(msgspec.Struct):
    """Raw events kept, their bytes on disk, and the parts they lie in: many where merging is behind."""

    rows: int
    bytes: int
    parts: int


def store_size(store: Store) -> StoreSize:
    """From the store's own books: no row is read."""
    ((rows, size, parts),) = store.query(_PARTS, {"table": "events"})
    return StoreSize(int(rows), int(size), int(parts))


def sites(store: Store) -> list[str]:
    """Sites that sent events, expired ones too; the busiest first."""
    return [str(name) for (name,) in store.query(_SITES, {"limit": SITES})]


def ends(store: Store) -> tuple[int, int] | None:
    """When the first and the last raw event were received, in ms since the epoch; None where there is none."""
    ((count, first, last),) = store.query(_ENDS)
    return (int(first), int(last)) if count else None
