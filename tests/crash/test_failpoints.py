"""Faults 2 and 3: the engine dies between each pair of its durable steps, again and again, then goes on."""

import pytest

from eventmill.app import FAILPOINT
from tests.acceptance.server import until
from tests.crash.conftest import Build
from tests.crash.harness import SMALL_FILES

pytestmark = pytest.mark.crash


@pytest.mark.timeout(240)
@pytest.mark.parametrize("point", ["events", "rejects", "ledger", "commit"])
def test_engine_killed_after(point: str, rig: Build) -> None:
    """Events, duplicates, rejects and id conflicts in the same batch; the start that follows reads in other portions:
    smaller batches, and shares of them for more shards."""
    one = rig(collectors=1, config=SMALL_FILES + "[work]\nbatch = 20000\n")
    one.start({FAILPOINT: point})
    with one.load(3):
        until(lambda: one.server.restarts() >= 1, "a death of the engine", why=one.server.said)
    until(lambda: one.server.restarts() >= 2, "another, with more in its batch", why=one.server.said)
    one.kill_everything()
    one.server.config, one.server.collectors = SMALL_FILES + "[work]\nbatch = 1000\n", 3
    one.start()
    verdict = one.finish()
    assert verdict.duplicate
    assert verdict.reasons["id_conflict"]
    assert verdict.reasons["invalid_time"]
