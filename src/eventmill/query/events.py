"""Where one event is: stored, queued, a duplicate, or rejected. By its id or its receipt."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from eventmill.event import Head, Line, key_text, receipt_parse, receipt_text
from eventmill.query import rejects
from eventmill.query.days import rfc3339_ms
from eventmill.query.model import known
from eventmill.query.source import EntryRow, Queue, Store

SHOWN = (
    "site", "topic", "category", "action", "label", "value", "id", "user", "session", "url", "referrer", "source",
    "channel", "user_agent", "browser", "os", "device", "bot", "ip", "country", "language", "screen", "duration_ms",
    "bytes", "props", "stream", "batch",
)  # fmt: skip
_MOMENTS = ("toUnixTimestamp64Milli(time)", "toUnixTimestamp64Milli(received)")
_RECEIPT = ("receipt_high", "receipt_low", "receipt_index")
_SEARCHED = 200
"""Entries of the queue that are looked through for one id."""
_line = msgspec.json.Decoder(Line)
_heads = msgspec.json.Decoder(Head)


class Trace(msgspec.Struct, omit_defaults=True):
    """What is known of an event. `state` is stored, queued, duplicate or rejected; the rest as far as it is known:
    `of` the receipt of the stored event that a duplicate repeats, `shard` and `seq` the place in the queue while the
    queue still keeps it."""

    state: str
    receipt: str
    topic: str
    key: str = ""
    received: str = ""
    time: str | None = None
    id: str | None = None
    event: dict[str, Any] | None = None
    of: str | None = None
    reason: str | None = None
    detail: str | None = None
    bytes: str | None = None
    shard: str | None = None
    seq: int | None = None


def parse(params: Mapping[str, str]) -> None:
    """Takes no parameters but the id in the path. Raises `RequestError`."""
    known(params, ())


def trace(store: Store, queue: Queue, needle: str) -> Trace | None:
    """The event of this receipt, else the newest with this client id; None where there is none.

    The queue is asked before the store: an event that moves on between the two is found in one of them.
    """
    if not needle or "\0" in needle:
        return None
    receipt = _as_receipt(needle)
    waiting = next(_queued(queue, needle, receipt), None)
    found = _stored(store, needle, receipt) or _rejected(store, needle, receipt)
    if found is not None and waiting is not None:
        if waiting.receipt != found.receipt:  # the newest in the queue repeats it
            waiting = next((one for one in _queued(queue, needle, receipt) if one.receipt == found.receipt), None)
        if waiting is not None:
            found.shard, found.seq = waiting.shard, waiting.seq
    if found is not None or waiting is None:
        return found
    if waiting.id:
        same = _stored(store, waiting.id, None)
        if same is not None and (same.event or {}).get("topic") == waiting.topic:
            waiting.state, waiting.of = "duplicate", same.receipt
    return waiting


def _as_receipt(text: str) -> tuple[int, int, int] | None:
    try:
        high, low, index = receipt_parse(text)
    except ValueError:
        return None
    return high, low, index or 0


def _where(needle: str, receipt: tuple[int, int, int] | None) -> tuple[str, dict[str, Any]]:
    if receipt is None:
        return "id = {id:String}", {"id": needle}
    # A receipt carries its time, which finds the parts; an id that looks like a receipt is found too.
    moment = receipt[0] >> 16
    params = {
        "id": needle, "high": receipt[0], "low": receipt[1], "index": receipt[2],
        "since": (moment - 86_400_000) / 1000, "until": (moment + 86_400_000) / 1000,
    }  # fmt: skip
    place = "receipt_high = {high:UInt64} AND receipt_low = {low:UInt64} AND receipt_index = {index:UInt32}"
    day = "received BETWEEN {since:DateTime64(3, 'UTC')} AND {until:DateTime64(3, 'UTC')}"
    return f"({place} AND {day}) OR id = {{id:String}}", params


def _stored(store: Store, needle: str, receipt: tuple[int, int, int] | None) -> Trace | None:
    where, params = _where(needle, receipt)
    columns = ", ".join((*SHOWN, *_MOMENTS, *_RECEIPT))
    rows = store.query(
        f"SELECT {columns} FROM events WHERE {where} ORDER BY received DESC LIMIT 1",  # noqa: S608 - own lists
        params,
    )
    if not rows:
        return None
    row = rows[0]
    event = dict(zip(SHOWN, row, strict=False))
    time, received, high, low, index = row[len(SHOWN) :]
    return Trace(
        state="stored",
        receipt=receipt_text(high, low, index),
        topic=event["topic"],
        key=key_text(event["category"], event["action"], event["label"], event["value"]),
        received=rfc3339_ms(received),
        time=rfc3339_ms(time),
        id=event["id"] or None,
        event={name: value for name, value in event.items() if value not in ("", None)},
    )


def _rejected(store: Store, needle: str, receipt: tuple[int, int, int] | None) -> Trace | None:
    where, params = _where(needle, receipt)
    rows = store.query(
        f"SELECT {', '.join(_RECEIPT)} FROM rejects WHERE {where} ORDER BY received DESC LIMIT 1",  # noqa: S608
        params,
    )
    row = rejects.reject(store, receipt_text(*rows[0])) if rows else None
    if row is None:
        return None
    return Trace(
        state="rejected",
        receipt=row.id,
        topic=row.topic,
        received=row.received,
        id=row.event_id or None,
        reason=row.reason,
        detail=row.detail,
        bytes=row.bytes,
    )


def _queued(queue: Queue, needle: str, receipt: tuple[int, int, int] | None) -> Iterator[Trace]:
    """Events in the queue's files with this id, or at this receipt."""
    asked = [msgspec.json.encode(needle)] if receipt is None else [msgspec.json.encode(needle), b""]
    for search in asked:
        for entry in queue.find(search, _SEARCHED):
            yield from _in_entry(entry, needle, receipt)


def _in_entry(entry: EntryRow, needle: str, receipt: tuple[int, int, int] | None) -> Iterator[Trace]:
    own = not entry.receipt_high  # told by its heads
    here = receipt is not None and (own or (entry.receipt_high == receipt[0] and entry.receipt_low <= receipt[1]))
    if not here and msgspec.json.encode(needle) not in entry.body:
        return
    for high, low, index, line in lines(entry):
        if (high, low, index) == receipt or line.id == needle:
            yield Trace(
                state="queued",
                receipt=receipt_text(high, low, index),
                topic=entry.topic,
                key=key_text(line.category or "", line.action or "", line.label or "", line.value or ""),
                received=rfc3339_ms(entry.received),
                id=line.id,
                shard=entry.shard,
                seq=entry.seq,
            )


def lines(entry: EntryRow) -> Iterator[tuple[int, int, int, Line]]:
    """(receipt's high, low, index, line) of each event of an entry; lines that cannot be read are left out."""
    for place, text in zip(_places(entry), entry.body.splitlines(), strict=False):
        try:
            yield *place, _line.decode(text)
        except msgspec.DecodeError:
            continue


def _places(entry: EntryRow) -> Sequence[tuple[int, int, int]]:
    """Receipts by the place in the entry, where the heads do not tell them."""
    try:
        heads = _heads.decode_lines(entry.heads)
    except msgspec.DecodeError:
        return []
    return [
        (head.high, head.low, head.first + index) if head.high else (entry.receipt_high, entry.receipt_low + at, index)
        for at, head in enumerate(heads)
        for index in range(head.n)
    ]
