"""Fault 34: SIGTERM, once and twice, under load."""

import signal
import time

import pytest

from tests.crash.conftest import Build
from tests.crash.harness import alive, descendants, until

pytestmark = pytest.mark.crash


@pytest.mark.timeout(180)
@pytest.mark.parametrize("times", [1, 2])
def test_sigterm_under_load(times: int, rig: Build) -> None:
    one = rig()
    one.start()
    with one.load(4):
        time.sleep(1)
        process = one.server.process
        assert process is not None
        children = descendants(process.pid)
        for _ in range(times):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        assert process.wait(60) == 0, one.server.said()
        assert not any(map(alive, children))
        assert not (one.server.data / "runtime.json").exists()
        one.start()  # what was acknowledged and not stored yet is stored now, beside what comes
        time.sleep(1)
    assert one.finish().acked


@pytest.mark.timeout(120)
def test_a_process_that_does_not_end_is_ended(rig: Build) -> None:
    """A third SIGTERM does not wait for a process that hangs (here: stopped)."""
    one = rig()
    one.start()
    process, hung = one.server.process, one.pids()["collector-1"]
    assert process is not None
    with one.load(2):
        time.sleep(0.5)
        one.signal("collector-1", signal.SIGSTOP)
        for _ in range(3):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
        until(lambda: not alive(hung), "the end of the hung process", 20)
        assert process.wait(20) == 0
    one.start()
    assert one.finish().acked
