"""The quick way to a property finds what a JSON parser finds."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from eventmill.query.dimensions import prop_json
from eventmill.query.source import Store
from tests.stored_events import frame, row

NAMES = ["plan", "n", 'q"uote', "back\\slash", "pl", "plan:", "日本", "tab\t", "a.b", "{", "%s", "'", "é"]
TEXTS = ["", "x", '"plan":1', '\\"plan\\":', "}", "{", '{"plan":"in text"}', "\\", '"', "日本", "a\nb", "[", "],"]


def _value(chance: random.Random, depth: int) -> Any:
    kind = chance.randrange(8 if depth else 5)
    if kind == 0:
        return chance.choice(TEXTS)
    if kind in (1, 2):
        return chance.choice([0, -1, 1.5, 10**18, True, False, None])
    if kind in (3, 4):
        return chance.choice(TEXTS) + chance.choice(TEXTS)
    if kind == 5:
        return [_value(chance, depth - 1) for _ in range(chance.randrange(3))]
    return {chance.choice(NAMES): _value(chance, depth - 1) for _ in range(chance.randrange(3))}


def _props(chance: random.Random) -> dict[str, Any]:
    depth = chance.choice([0, 0, 2])
    return {name: _value(chance, depth) for name in chance.sample(NAMES, chance.randrange(len(NAMES)))}


def test_a_property_is_found_as_a_parser_finds_it(opened: Callable[..., Store]) -> None:
    chance, store = random.Random(11), opened()
    props = [_props(chance) for _ in range(3000)]
    texts = [msgspec.json.encode(entry).decode() if entry else "" for entry in props]
    at = datetime(2026, 11, 20, tzinfo=UTC)
    store.insert("events", frame(row(at, id=str(place), props=text) for place, text in enumerate(texts)))
    for name in NAMES:
        params: dict[str, Any] = {}
        sql = f"SELECT id, {prop_json(name, params)} FROM events"
        found = {int(place): value for place, value in store.query(sql, params)}
        for place, entry in enumerate(props):
            if name not in entry:
                assert not found[place], (name, texts[place])
            else:
                assert msgspec.json.decode(found[place]) == entry[name], (name, texts[place])
