"""Deliveries as the door would have written them."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from eventmill.event import ReceiptSource
from eventmill.queue.base import Delivery, Draft, Entry
from eventmill.work.batch import Batch, decode

RECEIVED = 1_790_000_000_000  # 2026-09-21
_receipts = ReceiptSource()
_seqs = itertools.count(1)
Event = Mapping[str, Any]


def draft(*requests: Sequence[Event], topic: str = "event", received: int = RECEIVED, **head: str) -> Draft:
    """One entry on its way: each request a sequence of events, all with the same `head`."""
    heads = b"".join(json.dumps({"n": len(events), **head}).encode() + b"\n" for events in requests)
    lines = [json.dumps(_line(event)) for events in requests for event in events]
    body = "".join(line + "\n" for line in lines).encode()
    return Draft(topic, received, *_receipts.block(received), len(lines), heads, body)


def entry(*requests: Sequence[Event], topic: str = "event", received: int = RECEIVED, **head: str) -> Entry:
    made = draft(*requests, topic=topic, received=received, **head)
    return Entry(
        "shard-000",
        next(_seqs),
        topic,
        received,
        made.receipt_high,
        made.receipt_low,
        made.count,
        made.heads,
        made.body,
    )


def batch(*events: Event, topic: str = "event", received: int = RECEIVED, **head: str) -> Batch:
    """These events as one request, decoded."""
    return decode(Delivery("g", [entry(events, topic=topic, received=received, **head)], {}))


def _line(event: Event) -> dict[str, Any]:
    """As in the queue: props and time are text."""
    line = dict(event)
    if isinstance(line.get("props"), dict):
        line["props"] = json.dumps(line["props"], separators=(",", ":"))
    return line
