"""What goes wrong in real life, so that every column of the ledger has something to show."""

from random import Random
from typing import Any

Event = dict[str, Any]


def retries(events: list[Event], random: Random, count: int) -> list[Event]:
    """The same events again, as a client sends them that did not hear the first answer: duplicates."""
    with_id = [event for event in events if "id" in event]
    return random.sample(with_id, min(count, len(with_id)))


def conflicts(events: list[Event], random: Random, count: int) -> list[Event]:
    """Other events under an id that is taken: rejected, `id_conflict`."""
    return [{**event, "label": "something-else"} for event in retries(events, random, count)]


def wrong_orders() -> list[Event]:
    """Orders that fail the checks that their topic declares."""
    order = {"topic": "order", "site": "shop.example", "category": "order", "action": "paid", "label": "mug"}
    return [
        {**order, "order_id": "o-wrong-1", "amount": "a lot", "currency": "EUR"},
        {**order, "order_id": "o-wrong-2", "amount": -5, "currency": "EUR"},
        {**order, "amount": 12, "currency": "EUR"},
        {**order, "order_id": "o-wrong-4", "amount": 12, "currency": "shells"},
        {"site": "docs.example", "category": "page", "action": "view", "time": "the day before yesterday"},
    ]


MALFORMED = (
    b'{"category": "page", "action": "view"',
    b'{"category": "page" "action": "view"}',
    b'{"category": "p\xff"}',
    b'["not", "an", "event"]',
)
"""Bodies that are no event: answered 400, kept as rejects."""
