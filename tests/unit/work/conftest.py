"""A real store for a module of tests."""

from collections.abc import Iterator

import pytest

from eventmill.store.clickhouse import ClickHouseStore


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseStore]:
    opened = ClickHouseStore("chdb:", data=tmp_path_factory.mktemp("data"), zone="UTC", wait_s=30)
    yield opened
    opened.close()
