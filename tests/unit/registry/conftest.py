"""A settings database in a directory of its own, with a clock that the test sets."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from eventmill.registry.database import Database
from eventmill.registry.open import open_database
from eventmill.settings import Settings


@dataclass
class Clock:
    """Milliseconds since the epoch."""

    now: int = 1_795_176_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path, clock: Clock) -> Iterator[Database]:
    opened = open_database(Settings(data=str(tmp_path)), clock)
    yield opened
    opened.close()
