"""A collector for a test that needs no settings of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.collect.harness import Running, running


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "data") as collector:
        yield collector
