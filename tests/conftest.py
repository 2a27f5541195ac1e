"""Fixtures that every kind of test shares."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.services import CATALOGUE, MissingError, Program
from scripts.services import free_port as find_free_port


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory as the server would find it on its first start: not there yet."""
    return tmp_path / "eventmill-data"


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Call it for a free loopback port below 32768."""
    return find_free_port


@pytest.fixture(scope="session")
def service() -> Callable[[str], Program]:
    """`service("nginx")`: the program or server of that name from `scripts.services`.

    Where it is not installed the test is skipped with the reason, or fails in CI (`CI` set), where
    `.ci/run` has installed everything: a test that silently never runs proves nothing.
    """

    def find(name: str) -> Program:
        program = CATALOGUE[name]
        try:
            _ = program.path
        except MissingError as missing:
            if os.environ.get("CI"):
                pytest.fail(str(missing))
            pytest.skip(str(missing))
        return program

    return find


@pytest.fixture(scope="session")
def crash_dose() -> str:
    """`small` in `make test`, `full` in `make crash`."""
    dose = os.environ.get("EVENTMILL_CRASH_DOSE", "small")
    if dose not in ("small", "full"):
        raise pytest.UsageError(f"EVENTMILL_CRASH_DOSE is {dose!r}; it is small or full")
    return dose
