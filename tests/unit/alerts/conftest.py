"""A store for a module of tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventmill.store.clickhouse import ClickHouseStore


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ClickHouseStore]]:
    """`opened("Europe/Berlin")`: an empty store with days of that zone; the one opened before is closed."""
    last: list[ClickHouseStore] = []

    def make(zone: str = "UTC") -> ClickHouseStore:
        for store in last:
            store.close()
        data: Path = tmp_path_factory.mktemp("data")
        last[:] = [ClickHouseStore("chdb:", data=data, zone=zone)]
        return last[0]

    yield make
    for store in last:
        store.close()
