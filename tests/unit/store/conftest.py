"""Stores for tests: each is closed after its test, since a process can open one directory at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventmill.store.clickhouse import ClickHouseStore
from tests.unit.store.erased_site import Site


@pytest.fixture
def opened(data_dir: Path) -> Iterator[Callable[..., ClickHouseStore]]:
    """`opened(zone="UTC", …)`: the store of this test's data directory; the one opened before is closed."""
    last: list[ClickHouseStore] = []

    def make(**given: Any) -> ClickHouseStore:
        for store in last:
            store.close()
        last[:] = [ClickHouseStore("chdb:", **{"data": data_dir, "zone": "UTC", "wait_s": 1.0, **given})]
        return last[0]

    yield make
    for store in last:
        store.close()


@pytest.fixture
def site(opened: Callable[..., ClickHouseStore], data_dir: Path) -> Site:
    """An empty one."""
    return Site(opened(), data_dir)
