"""A server for every test, with its books; what a failed test leaves running is killed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.services import Program
from tests.acceptance.server import Server
from tests.crash.broker import Broker
from tests.crash.disk import Disk, why_not
from tests.crash.harness import SMALL_FILES, Rig

Build = Callable[..., Rig]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Build]:
    """`rig(collectors=2, config=…, data=…)` builds one, not started yet."""
    built: list[Rig] = []

    def build(collectors: int = 2, config: str = SMALL_FILES, data: Path | None = None) -> Rig:
        books = tmp_path / f"books-{len(built)}"
        books.mkdir()
        one = Rig(Server(data or tmp_path / f"data-{len(built)}", config, collectors), books)
        one.server.log = tmp_path / f"server-{len(built)}.log"  # not on a disk that is about to fail
        built.append(one)
        return one

    yield build
    for one in built:
        if one.server.process is not None and one.server.process.poll() is None:
            one.kill_everything()


@pytest.fixture(scope="session")
def dose(crash_dose: str) -> Callable[[int, int], int]:
    """`dose(small, full)`: the one that this run takes."""
    return lambda small, full: full if crash_dose == "full" else small


@pytest.fixture(scope="session")
def chance() -> int:
    """The seed of this run's random moments, printed with a failure: EVENTMILL_CRASH_SEED repeats it."""
    seed = int(os.environ.get("EVENTMILL_CRASH_SEED", int.from_bytes(os.urandom(4))))
    print(f"EVENTMILL_CRASH_SEED={seed}")
    return seed


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """In CI only a container without loop devices is a reason to skip: root is what CI runs as."""
    trial = tmp_path / "trial"
    trial.mkdir()
    if reason := why_not(trial):
        if os.environ.get("CI") and Path("/dev/loop-control").exists():
            pytest.fail(reason)
        pytest.skip(reason)
    made = Disk(tmp_path)
    made.mount()
    yield made
    made.unmount()


@pytest.fixture
def broker(service: Callable[[str], Program], tmp_path: Path) -> Iterator[Callable[[str], Broker]]:
    made: list[Broker] = []

    def make(name: str) -> Broker:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Broker(service(name), folder))
        return made[-1]

    yield make
    for one in made:
        one.close()
