"""Rows of `events` for tests that insert straight into a store, and what they must add up to, computed plainly."""

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from eventmill.event import KEY_PARTS

TEXTS = (
    "site", "topic", *KEY_PARTS, "id", "user", "session", "url", "url_host", "referrer", "referrer_host", "utm_source",
    "utm_medium", "utm_campaign", "source", "channel", "user_agent", "browser", "os", "device", "ip", "country",
    "language", "screen", "props", "stream",
)  # fmt: skip
COUNTS = ("id_hash", "content", "receipt_high", "receipt_low", "batch")
Row = dict[str, Any]


def row(time: datetime | int, **given: Any) -> Row:
    """One event at `time` (aware, or ms since the epoch); what is not given is empty."""
    at = time if isinstance(time, int) else int(time.timestamp() * 1000)
    made: Row = {
        **dict.fromkeys(TEXTS, ""), **dict.fromkeys(COUNTS, 0), "topic": "event", "category": "h5", "user": "u1",
        "stream": "s", "batch": 1, "receipt_index": 0, "bot": False, "duration_ms": None, "bytes": None,
        "time": at, "received": at,
    }  # fmt: skip
    return {**made, **given}


def frame(rows: Iterable[Row]) -> pl.DataFrame:
    """The rows as the worker would insert them."""
    made = pl.DataFrame(list(rows), infer_schema_length=None)
    moments = [pl.col(name).cast(pl.Datetime("ms", "UTC")) for name in ("time", "received")]
    numbers = [pl.col(name).cast(pl.UInt64) for name in COUNTS]
    return made.with_columns(
        *moments, *numbers, pl.col("receipt_index").cast(pl.UInt32), pl.col("duration_ms").cast(pl.Float64),
        pl.col("bytes").cast(pl.Int64),
    )  # fmt: skip


_USERS = ["", *(f"u{number}" for number in range(40))]


def scattered(seed: int, count: int, first: datetime, last: datetime) -> list[Row]:
    """Events at random moments with few keys and users, keys of every depth among them."""
    chance = random.Random(seed)
    begin, end = int(first.timestamp() * 1000), int(last.timestamp() * 1000)
    rows = []
    for number in range(count):
        depth = chance.randrange(1, 5)
        parts = [
            chance.choice(["h5", "web", "a.b"]), chance.choice(["pv", "click"]), chance.choice(["85", "86"]),
            chance.choice(["41", "42", "43"]),
        ]  # fmt: skip
        named = zip(KEY_PARTS, parts, strict=True)
        rows.append(
            row(
                chance.randrange(begin, end),
                **{name: part if place < depth else "" for place, (name, part) in enumerate(named)},
                site=chance.choice(["shop", "blog"]), topic=chance.choice(["event", "request"]),
                user=chance.choice(_USERS), bot=chance.random() < 0.1, receipt_low=number,
                browser=chance.choice(["Chrome", "Safari", ""]),
            )
        )  # fmt: skip
    return rows


def local(event: Row, zone: str) -> datetime:
    """When the event was, on the clocks of the zone."""
    return datetime.fromtimestamp(event["time"] / 1000, UTC).astimezone(ZoneInfo(zone))


def tally(pairs: Iterable[tuple[Any, Row]]) -> dict[Any, tuple[int, int]]:
    """(pv, uv) of each group."""
    found: dict[Any, list[str]] = defaultdict(list)
    for group, event in pairs:
        found[group].append(event["user"])
    return {group: (len(users), len({*users} - {""})) for group, users in found.items()}
