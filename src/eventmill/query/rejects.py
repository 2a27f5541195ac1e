"""What was refused: the reason and the bytes as they came, to be looked at, mended and sent again."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from eventmill.event import receipt_parse, receipt_text
from eventmill.query.conditions import as_sql
from eventmill.query.days import clamp, instants, rfc3339_ms
from eventmill.query.filters import parse_conditions
from eventmill.query.model import RequestError, known, parse_number, parse_range
from eventmill.query.select import Statement
from eventmill.query.source import Store

PARAMETERS = ("from", "to", "tz", "topic", "reason", "filters", "limit", "before")
FIELDS = ("topic", "reason", "detail", "id", "bytes")
"""What `filters` may name here: columns of the table."""
_COLUMNS = ("topic", "reason", "detail", "toUnixTimestamp64Milli(received)", "id", "receipt_high", "receipt_low",
            "receipt_index", "base64Encode(bytes)")  # fmt: skip
# A batch that is stored again after a crash has the same receipts.
_ONCE = "LIMIT 1 BY receipt_high, receipt_low, receipt_index"
_NEWEST = "ORDER BY received DESC, receipt_high DESC, receipt_low DESC, receipt_index DESC"


class Reject(msgspec.Struct):
    """One refused event. `id` is its receipt; `bytes` its text as it came, bytes that are no text as `\\xNN`."""

    id: str
    topic: str
    reason: str
    received: str
    bytes: str
    detail: str = ""
    event_id: str = ""
    bytes_base64: str = ""


class Rejects(msgspec.Struct):
    """The answer, newest first. `next` is the `before` of the page that follows, null on the last."""

    data: list[Reject]
    next: str | None = None


@dataclass(slots=True, frozen=True)
class RejectsRequest:
    """Conditions, and how many at most."""

    statement: Statement
    limit: int


class ReplayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which rejects to send again: by `ids`, or all of a `topic` and `reason`. `bytes` mends one."""

    ids: list[str] = []
    topic: str | None = None
    reason: str | None = None
    bytes: str | None = None


class Replayed(msgspec.Struct):
    """How many went into the queue again, as new events with new receipts."""

    replayed: int


def parse(params: Mapping[str, str], default_tz: str) -> RejectsRequest:
    """Everything unless `from` and `to` are given. Raises `RequestError`."""
    known(params, PARAMETERS)
    made = Statement()
    if params.get("from") or params.get("to"):
        days = parse_range(params, default_tz)
        first, last = clamp(days)
        since, until = instants(days) if first <= last else (0, 0)
        made.where += ["received >= {since:DateTime64(3, 'UTC')}", "received < {until:DateTime64(3, 'UTC')}"]
        made.params |= {"since": since, "until": until}
    for name in ("topic", "reason"):
        if params.get(name):
            made.equal(name, params[name])
    conditions = parse_conditions(params.get("filters") or "", FIELDS)
    made.where += as_sql(conditions, made.params, text=lambda field, *_: field)
    if params.get("before"):
        high, low, index = _receipt(params["before"])
        made.where.append("(receipt_high, receipt_low, receipt_index) < ({high:UInt64}, {low:UInt64}, {index:UInt32})")
        made.params |= {"high": high, "low": low, "index": index}
    return RejectsRequest(made, parse_number(params, "limit", 100, 1, 10_000))


def rejects(store: Store, request: RejectsRequest) -> Rejects:
    """One page."""
    tail = f"ORDER BY receipt_high DESC, receipt_low DESC, receipt_index DESC {_ONCE} LIMIT {request.limit + 1}"
    rows = store.query(request.statement.build(_COLUMNS, [], "rejects", tail), request.statement.params)
    data = [_reject(row) for row in rows[: request.limit]]
    return Rejects(data, data[-1].id if len(rows) > request.limit else None)


def reject(store: Store, receipt: str) -> Reject | None:
    """One of them, whole; None where there is none of this receipt. Raises `RequestError`."""
    found = by_receipts(store, [receipt])
    return found[0] if found else None


def by_receipts(store: Store, receipts: Sequence[str]) -> list[Reject]:
    """Those of these receipts. Raises `RequestError` where one is no receipt."""
    places = [_receipt(text) for text in receipts]
    if not places:
        return []
    made = Statement(
        ["has({receipts:Array(Tuple(UInt64, UInt64, UInt32))}, (receipt_high, receipt_low, receipt_index))"],
        {"receipts": places},
    )
    rows = store.query(made.build(_COLUMNS, [], "rejects", f"{_NEWEST} {_ONCE}"), made.params)
    return [_reject(row) for row in rows]


def to_replay(store: Store, request: ReplayRequest, limit: int = 10_000) -> list[tuple[str, bytes]]:
    """(topic, bytes) of what the request names, with the mended bytes where given. Raises `RequestError`."""
    if request.ids:
        found = by_receipts(store, request.ids)
        missing = {*request.ids} - {row.id for row in found}
        if missing:
            raise RequestError(f"no reject {min(missing)}")
    elif request.topic or request.reason:
        params = {"topic": request.topic or "", "reason": request.reason or "", "limit": str(limit)}
        found = rejects(store, parse(params, "UTC")).data
    else:
        raise RequestError("say which: ids, or topic, or reason")
    if request.bytes is not None:
        if len(found) != 1:
            raise RequestError("bytes mends one reject: give its id alone in ids")
        return [(found[0].topic, request.bytes.encode())]
    # Of what the queue lost, and of what was erased, there is nothing left to send.
    return [(row.topic, base64.b64decode(row.bytes_base64)) for row in found if row.bytes_base64]


def _receipt(text: str) -> tuple[int, int, int]:
    try:
        high, low, index = receipt_parse(text)
    except ValueError as error:
        raise RequestError(f"{text!r} is no id of a reject; they look like 019…-…#0") from error
    return high, low, index or 0


def _reject(row: Sequence[Any]) -> Reject:
    topic, reason, detail, received, event_id, high, low, index, encoded = row
    raw = base64.b64decode(encoded)
    return Reject(
        id=receipt_text(high, low, index),
        topic=str(topic),
        reason=str(reason),
        received=rfc3339_ms(int(received)),
        bytes=raw.decode("utf-8", "backslashreplace"),
        detail=detail,
        event_id=event_id,
        bytes_base64=encoded,
    )
