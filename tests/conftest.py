"""Fixtures that every kind of test shares."""

import json
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


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes what a test marked `guarantee` has shown, for `python -m scripts.guarantees`."""
    path, shown = os.environ.get("EVENTMILL_GUARANTEES"), dict(report.user_properties).get("guarantee")
    if path and shown and report.when == "call":
        with Path(path).open("a", encoding="utf-8") as notes:
            notes.write(json.dumps({**shown, "outcome": report.outcome, "said": report.capstdout}) + "\n")


@pytest.fixture(autouse=True)
def _guarantee(request: pytest.FixtureRequest) -> None:
    mark = request.node.get_closest_marker("guarantee")
    if mark is not None:
        parameters = getattr(getattr(request.node, "callspec", None), "params", {})
        queue = mark.kwargs.get("queue") or parameters.get("name")
        request.node.user_properties.append(("guarantee", {"rows": list(mark.args), "queue": queue}))
