"""The same kills with the events in a broker, and the broker killed too: fault 19."""

import random
from collections.abc import Callable

import pytest

from tests.acceptance.server import until
from tests.crash.broker import Broker
from tests.crash.conftest import Build
from tests.crash.harness import pause
from tests.crash.oracle import read_book

pytestmark = pytest.mark.crash
BROKERS = ["redis-server", "kafka", "rabbitmq", "beanstalkd"]
"""The servers of `scripts.services` that the tests here are run with."""


@pytest.mark.guarantee(1, 2, 3, 4, 19)
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", BROKERS)
def test_random_kills_of_every_process_and_of_the_broker(
    name: str, rig: Build, broker: Callable[[str], Broker], dose: Callable[[int, int], int], chance: int
) -> None:
    wanted, moments = dose(10, 100), random.Random(chance)
    server = broker(name)
    one = rig(config=f'queue = "{server.running.url}"\n')
    one.queue = server.running.url
    one.start()
    while one.kills < wanted:
        with one.load(4):
            for _ in range(4):
                pause(0.05, 1.2, moments)
                one.kill(moments.choice(["collector-0", "collector-1", "engine"]))
            pause(0.2, 1.0, moments)
            server.kill()
            one.kills += 1
            pause(0.05, 1.0, moments)
            server.start()
            pause(0.2, 1.0, moments)
            one.kill_parent()
            one.start()
            pause(0.2, 1.0, moments)
    verdict = one.finish()
    print(f"{one.kills} kills: {verdict}")
    assert verdict.acked
    assert verdict.duplicate


@pytest.mark.guarantee(20)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BROKERS)
def test_a_broker_that_is_away_is_bridged(name: str, rig: Build, broker: Callable[[str], Broker], chance: int) -> None:
    """What comes meanwhile waits on this machine, through kills of the collectors too, and goes on afterwards."""
    moments = random.Random(chance)
    server = broker(name)
    one = rig(config=f'queue = "{server.running.url}"\n')
    one.queue = server.running.url
    one.start()
    with one.load(3):
        pause(1.0, 1.5, moments)
        server.kill()
        before = len(read_book(one.books, "acked"))
        until(
            lambda: len(read_book(one.books, "acked")) > before + 200, "answers without a broker", why=one.server.said
        )
        for victim in ("collector-0", "collector-1"):
            one.kill(victim)
        before = len(read_book(one.books, "acked"))
        until(
            lambda: len(read_book(one.books, "acked")) > before + 200, "answers without a broker", why=one.server.said
        )
        server.start()
        pause(1.0, 2.0, moments)
    verdict = one.finish()
    print(verdict)
    assert verdict.acked > 400
