"""Unique visitors are an estimate: small numbers exact, large ones within 1 % in 95 of 100 answers, over any days."""

from collections.abc import Callable

import pytest

from eventmill.query import counts, top
from eventmill.query.source import Store

SMALL, LARGE, SIZE = 40, 60, 20_000
RANGE = {"from": "2026-11-01", "to": "2026-11-10"}
_FILL = """INSERT INTO events (category, action, browser, time, received, user, stream, batch)
SELECT 'h5', toString({name:UInt32}), toString({name:UInt32}),
 toDateTime64('2026-11-01 00:00:00', 3, 'UTC') + (number * 7919 % 864000) AS time, time,
 concat('u', toString({name:UInt32}), '-', toString(number % {users:UInt32})), 's', {name:UInt32}
FROM numbers({count:UInt32})"""


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store]) -> Store:
    """Groups of users, each by the number in its name; every user has two events or more, on other days."""
    made = opened("UTC")
    for name in range(SMALL + LARGE):
        made.command(_FILL, {"name": name, "users": users(name), "count": 2 * users(name)})
    return made


def users(name: int) -> int:
    return name * 17 + 1 if name < SMALL else SIZE + name * 331


def off(found: dict[str, int]) -> list[float]:
    return sorted(abs(found[str(name)] / users(name) - 1) for name in range(SMALL, SMALL + LARGE))


@pytest.mark.parametrize("tz", ["UTC", "Asia/Kathmandu"])
def test_keys_over_the_whole_range(store: Store, tz: str) -> None:
    """In the store's zone from projections, in another from the events."""
    params = {"from": "2026-10-31", "to": "2026-11-11", "by": "action", "interval": "total", "tz": tz}
    data = counts.counts(store, counts.parse(params, "UTC"), "UTC").data
    found = {row.eventKey.removeprefix("h5."): row.eventData.uv or 0 for row in data}
    assert {name: found[str(name)] for name in range(SMALL)} == {name: users(name) for name in range(SMALL)}
    assert off(found)[int(LARGE * 0.95)] < 0.01


def test_values_of_a_field(store: Store) -> None:
    answer = top.top(store, top.parse({**RANGE, "dimension": "browser", "limit": "1000"}, "UTC"), "UTC")
    found = {row.value: row.uv for row in answer.data}
    assert {name: found[str(name)] for name in range(SMALL)} == {name: users(name) for name in range(SMALL)}
    assert off(found)[int(LARGE * 0.95)] < 0.01
