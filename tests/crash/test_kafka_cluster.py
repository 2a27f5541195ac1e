"""Three brokers: two must confirm, and one after the other is killed, leaders among them (fault 22)."""

import random
from collections.abc import Callable

import pytest

from scripts.services import Kafka, Program
from tests.crash.conftest import Build
from tests.crash.harness import pause

pytestmark = pytest.mark.crash


@pytest.mark.guarantee(22, queue="kafka")
@pytest.mark.timeout(900)
def test_leaders_are_killed(
    rig: Build, service: Callable[[str], Program], dose: Callable[[int, int], int], chance: int
) -> None:
    moments = random.Random(chance)
    program = service("kafka")
    assert isinstance(program, Kafka)
    with program.start_cluster() as cluster:
        one = rig(config=f'queue = "{cluster.url}"\n')
        one.queue = cluster.url
        one.start()
        assert "durability class replicated" in one.server.said()
        with one.load(3):
            for number in [1, 2, 3] * dose(1, 5):  # each leads some of the partitions
                pause(0.5, 1.5, moments)
                cluster.kill(number)
                pause(0.5, 2.0, moments)
                cluster.start(number)
                cluster.wait()
                pause(4.0, 5.0, moments)  # until it is in sync: with two away nothing is confirmed
        verdict = one.finish()
    print(verdict)
    assert verdict.acked > 100
