"""Generated events like those of a product: about 400 bytes each, the same for every contestant."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

AGENTS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"
    for v in range(100, 160)
]


def events(count: int, seed: int = 1, *, ids: bool = True, span_days: int = 20) -> Iterator[dict[str, object]]:
    """Events over `span_days` days up to now; a third carry props, all have distinct ids where asked."""
    rng = random.Random(seed)
    start = datetime.now(UTC) - timedelta(days=span_days)
    for number in range(count):
        page, channel = rng.randint(1, 5000), rng.randint(1, 50)
        event: dict[str, object] = {"id": f"{seed:x}-{rng.getrandbits(96):024x}"} if ids else {}
        event |= {
            "time": (start + timedelta(seconds=rng.random() * span_days * 86400)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
            + "Z",
            "site": "shop",
            "category": "h5",
            "action": rng.choice(("pv", "click", "share")),
            "label": str(page),
            "value": str(channel),
            "user": f"u{rng.randint(1, 100_000)}",
            "url": f"https://example.com/p/{page}?channel={channel}",
            "referrer": "https://www.example.org/search",
            "user_agent": rng.choice(AGENTS),
            "duration_ms": round(rng.random() * 100, 3),
        }
        if number % 3 == 0:
            event["props"] = {"plan": "pro", "price": rng.randint(1, 100)}
        yield event


def bodies(count: int, size: int = 1000, seed: int = 1, *, ids: bool = True) -> list[bytes]:
    """NDJSON bodies of `size` events each."""
    lines = [json.dumps(event, separators=(",", ":")).encode() for event in events(count, seed, ids=ids)]
    return [b"\n".join(lines[at : at + size]) for at in range(0, count, size)]
