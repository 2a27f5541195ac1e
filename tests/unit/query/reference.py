"""Plain counterparts of what statements compute: the text of a dimension, and whether conditions hold."""

import json
import random
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from eventmill.event import KEY_PARTS, key_text
from eventmill.settings import Product
from tests.stored_events import Row, scattered

URLS = ["", "https://shop.example/", "https://shop.example", "https://shop.example/item/1?utm=x#top",
        "https://blog.example/item/2/", "https://blog.example/ü%20b?q=/item/", "http://[::1]:80/A/b.html"]  # fmt: skip
PRODUCTS = (Product(name="items", path="/item/"), Product(name="shop", site="shop"), Product(name="late", path="/"))
PROPS: list[dict[str, Any]] = [
    {}, {"plan": "pro"}, {"plan": "Pro", "n": 1}, {"plan": 1, "n": 1.5}, {"plan": "1"},
    {"plan": True, "x": {"plan": 2}},
    {"plan": None}, {"plan": 'q"uo\\te', "n": [1, 2]}, {"plan": ""}, {"n": "日本"},
]  # fmt: skip


def varied(seed: int, count: int, first: datetime, last: datetime) -> list[Row]:
    """`scattered` events, shuffled, with pages, properties, numbers and odd texts."""
    chance = random.Random(seed)
    rows = [
        {
            **made,
            "url": chance.choice(URLS),
            "props": json.dumps(chance.choice(PROPS), separators=(",", ":"), ensure_ascii=False),
            "duration_ms": chance.choice([None, 0.5, 12.0, 1e6]),
            "bytes": chance.choice([None, 0, 7, 12]),
            "source": chance.choice(["", "google.com", "newsletter"]),
            "channel": chance.choice(["direct", "search", "mail"]),
            "country": chance.choice(["", "DE", "CN"]),
            "screen": chance.choice(["", "'; --", "100%_", "a\\b", "日本"]),
        }
        for made in scattered(seed, count, first, last)
    ]
    for made in rows:
        made["url_host"] = (urlsplit(made["url"]).hostname or "").lower()
    chance.shuffle(rows)
    return rows


def text_of(event: Row, field: str) -> str:
    """The text of a dimension."""
    if field.startswith("props."):
        found = json.loads(event["props"] or "{}").get(field[6:], "")
        return found if isinstance(found, str) else json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    if field == "product":
        path = text_of(event, "page") if event["url"] else ""
        fits = (p.name for p in PRODUCTS if p.site in ("", event["site"]) and path.startswith(p.path))
        return next(fits, "")
    if field == "key":
        return key_text(*(event[part] for part in KEY_PARTS))
    if field == "route":
        return str(event["label"]) if event["topic"] == "request" else ""
    if field == "page":
        return (urlsplit(event["url"]).path or "/") if event["url"] else text_of(event, "key")
    value = event[field]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if value < 1e6 else str(int(value))
    return "" if value is None else str(value)


def has(event: Row, field: str) -> bool:
    """Whether a ranking lists the event: other kinds of events have no route, not every event has a property."""
    if field.startswith("props."):
        return field[6:] in json.loads(event["props"] or "{}")
    return event["topic"] == "request" if field == "route" else event.get(field, "") is not None


def holds(event: Row, conditions: Iterable[Sequence[Any]]) -> bool:
    """Whether the event meets all conditions `[operator, field, value]`."""
    return all(_holds(operator, text_of(event, field), value) for operator, field, value in conditions)


def _holds(operator: str, text: str, value: Any) -> bool:
    return {
        "is": lambda: text == value,
        "is_not": lambda: text != value,
        "contains": lambda: value in text,
        "starts_with": lambda: text.startswith(value),
        "in": lambda: text in value,
    }[operator]()
