"""Events as they come: what was stored since the last look."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from eventmill.event import key_text, receipt_text
from eventmill.query.days import rfc3339_ms
from eventmill.query.model import FILTERS, Filter, known, parse_filter
from eventmill.query.select import matching
from eventmill.query.source import Store
from eventmill.settings import Product

PARAMETERS = FILTERS
_COLUMNS = (
    "stream", "batch", "toUnixTimestamp64Milli(received)", "toUnixTimestamp64Milli(time)", "site", "topic",
    "category", "action", "label", "value", "url", "referrer_host", "browser", "os", "device", "bot",
    "receipt_high", "receipt_low", "receipt_index",
)  # fmt: skip


class LiveEvent(msgspec.Struct, omit_defaults=True):
    """One event as the stream shows it. `receipt` leads to the whole of it (`events/{id}`)."""

    receipt: str
    received: str
    time: str
    topic: str
    key: str
    site: str = ""
    url: str = ""
    referrer_host: str = ""
    browser: str = ""
    os: str = ""
    device: str = ""
    bot: bool = False


class Position(msgspec.Struct):
    """Up to where each stream of batches was seen; `since_ms` keeps the search in the newest parts."""

    batches: dict[str, int]
    since_ms: int


def parse(params: Mapping[str, str], products: Sequence[Product] = ()) -> Filter:
    """A filter. Raises `RequestError`."""
    known(params, PARAMETERS)
    return parse_filter(params, products)


def start(store: Store, now_ms: int) -> Position:
    """The end of what is stored now."""
    rows = store.query(
        "SELECT stream, max(batch) FROM events WHERE received >= {since:DateTime64(3, 'UTC')} GROUP BY stream",
        {"since": (now_ms - 86_400_000) / 1000},
    )
    return Position({str(stream): int(batch) for stream, batch in rows}, now_ms - 60_000)


def newer(store: Store, chosen: Filter, position: Position, limit: int) -> list[LiveEvent]:
    """The newest `limit` events behind the position, oldest first; moves the position to the end."""
    heads = store.query(
        "SELECT stream, max(batch) FROM events WHERE received >= {since:DateTime64(3, 'UTC')} GROUP BY stream",
        {"since": position.since_ms / 1000},
    )
    moved = {str(stream): int(batch) for stream, batch in heads if batch > position.batches.get(str(stream), 0)}
    found: list[tuple[int, LiveEvent]] = []
    for number, (stream, batch) in enumerate(moved.items()):
        made = matching(chosen)
        made.where += [
            f"stream = {{stream_{number}:String}}", "batch > {after:UInt64}", "batch <= {upto:UInt64}",
            "received >= {since:DateTime64(3, 'UTC')}",
        ]  # fmt: skip
        made.params |= {
            f"stream_{number}": stream, "after": position.batches.get(stream, 0), "upto": batch,
            "since": position.since_ms / 1000, "limit": limit,
        }  # fmt: skip
        tail = "ORDER BY received DESC, receipt_low DESC, receipt_index DESC LIMIT {limit:UInt32}"
        found += [_event(row) for row in store.query(made.build(_COLUMNS, [], tail=tail), made.params)]
    position.batches |= moved
    found.sort(key=lambda row: row[0])
    return [event for _, event in found[-limit:]]


def _event(row: Any) -> tuple[int, LiveEvent]:
    _, _, received, time, site, topic, *parts, url, referrer, browser, system, device, bot, high, low, index = row
    return int(received), LiveEvent(
        receipt=receipt_text(high, low, index),
        received=rfc3339_ms(received),
        time=rfc3339_ms(time),
        topic=topic,
        key=key_text(*parts),
        site=site,
        url=url,
        referrer_host=referrer,
        browser=browser,
        os=system,
        device=device,
        bot=bool(bot),
    )
