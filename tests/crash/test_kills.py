"""Faults 1 to 4: processes killed at random moments, and at chosen system calls, under load."""

import random
import subprocess
import time
from collections.abc import Callable

import pytest

from scripts.services import Program
from tests.acceptance.server import PROGRAM, until
from tests.crash.conftest import Build
from tests.crash.harness import alive, pause
from tests.crash.inject import injected

pytestmark = pytest.mark.crash


@pytest.mark.guarantee(1, 2, 3, 4, queue="sqlite")
@pytest.mark.timeout(3600)
def test_random_kills_of_every_process(rig: Build, dose: Callable[[int, int], int], chance: int) -> None:
    wanted, in_a_row, moments = dose(12, 200), dose(5, 9), random.Random(chance)
    one = rig()
    one.start()
    while one.kills < wanted:
        with one.load(4):
            for _ in range(in_a_row):
                pause(0.05, 1.2, moments)
                one.kill(moments.choice(["collector-0", "collector-1", "engine"]))
            pause(0.05, 1.0, moments)
            orphans = one.kill_parent()
            one.start()  # at once, while they still end
            assert not any(map(alive, orphans))
            pause(0.05, 1.0, moments)
    verdict = one.finish()
    print(f"{one.kills} kills: {verdict}")
    assert verdict.acked
    assert verdict.duplicate
    assert verdict.reasons["id_conflict"]


CALLS = {
    # before the write, between write and fsync, after the fsync, after the reply
    "collector-0": ("pwrite64", "fdatasync", "write", "epoll_pwait"),
    # before and between the syncs of a part and of the position, before a part gets its name
    "engine": ("fdatasync", "rename"),
}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("victim", CALLS)
def test_killed_at_the_calls_that_make_durable(
    victim: str, rig: Build, service: Callable[[str], Program], dose: Callable[[int, int], int], chance: int
) -> None:
    moments = random.Random(chance)
    one = rig(collectors=1)
    one.start()
    for _ in range(dose(2, 10)):
        for call in CALLS[victim]:
            with one.load(3):
                pid = one.pids()[victim]
                fault = f"signal=KILL:when={moments.randint(1, 12)}"
                with injected(service("strace").path, pid, call, fault) as tracer:
                    tracer.wait(60)
                one.kills += 1
                until(lambda pid=pid: one.pids().get(victim, pid) != pid, "the next process", why=one.server.said)
    assert one.server.restarts() >= one.kills
    print(f"{one.kills} kills at system calls: {one.finish()}")


def test_a_second_server_on_the_directory_is_refused(rig: Build) -> None:
    """Fault 4: never two engines on one directory; the first goes on undisturbed."""
    one = rig(collectors=1)
    one.start()
    with one.load(2):
        before = one.server.runtime()
        second = subprocess.run(
            [str(PROGRAM), "serve", "--data", str(one.server.data), "--collect", "127.0.0.1:0", "--web", "127.0.0.1:0"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        time.sleep(0.2)
    assert second.returncode == 1
    assert f"pid {before['pid']}" in second.stderr
    assert "--data" in second.stderr
    assert one.server.runtime() == before
    assert one.finish().acked
