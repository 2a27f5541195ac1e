"""Fault 16: the machine's clock goes back an hour, then on by ten years, then back, under load and across restarts."""

import json
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.services import Program
from tests.acceptance.server import until
from tests.crash.conftest import Build

pytestmark = pytest.mark.crash
HOUR, TEN_YEARS = 3600, 10 * 365 * 86_400


class MovedClock:
    """The wall clock of the processes started with `env`."""

    def __init__(self, folder: Path, gcc: Path) -> None:
        self._file, library = folder / "clock", folder / "clock_shim.so"
        source = Path(__file__).with_name("clock_shim.c")
        subprocess.run([gcc, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
        self.env = {"LD_PRELOAD": str(library), "EVENTMILL_TEST_CLOCK": str(self._file)}
        self.move(0)

    def move(self, seconds: int) -> None:
        """In force at once in running processes: the file is written in place."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))


@pytest.mark.timeout(240)
def test_nothing_is_lost_double_or_purged_when_the_clock_jumps(
    rig: Build, tmp_path: Path, service: Callable[[str], Program]
) -> None:
    clock = MovedClock(tmp_path, service("gcc").path)
    one = rig()
    one.start(clock.env)
    early = [{"id": f"early-{n}", "site": "shop", "label": f"early-{n}"} for n in range(50)]
    body = "\n".join(map(json.dumps, early))
    for book in ("sent", "acked"):
        (one.books / f"{book}-early").write_text("".join(f"{event['label']}\n" for event in early))
    assert one.server.send("/e", body).json == {"accepted": 50}
    with one.load(3):
        for seconds in (-HOUR, TEN_YEARS, 0):
            time.sleep(0.7)
            clock.move(seconds)
            one.kill("engine")  # it comes back with a backlog, and retention is what it does first
            one.kill("collector-0")
            time.sleep(0.7)
            assert one.server.send("/e", body).json == {"accepted": 50}
            until(lambda: one.pids().keys() >= {"engine", "collector-0"}, "both", why=one.server.said)
            if seconds == TEN_YEARS:
                assert one.server.stop() == 0
                one.start(clock.env)
    months = {row["minute"][:4] for row in one.server.api("ledger")["data"]}
    verdict = one.finish()
    assert len(months) == 2, "the processes followed the moved clock"
    assert verdict.duplicate >= 150
