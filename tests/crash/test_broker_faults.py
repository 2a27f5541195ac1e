"""What else may go wrong with a broker: its answers are lost, its power is cut."""

import os
import random
from collections.abc import Callable
from contextlib import closing

import pytest

from scripts.services import Program, free_port
from tests.crash.broker import Broker
from tests.crash.conftest import Build
from tests.crash.disk import Disk
from tests.crash.harness import pause
from tests.crash.proxy import CuttingProxy

pytestmark = pytest.mark.crash
EXACT = ["redis-server", "kafka"]
"""With the others a copy whose commit is interrupted can still be counted twice in the ledger: see the limits."""


@pytest.mark.guarantee(21)
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", EXACT)
def test_answers_of_the_broker_are_lost(
    name: str, rig: Build, service: Callable[[str], Program], dose: Callable[[int, int], int], chance: int
) -> None:
    """Fault 21: the broker has the events and nobody hears of it. They come again, and count once."""
    moments = random.Random(chance)
    behind = free_port()
    proxy = CuttingProxy(behind, moments)
    options = [f"advertised.listeners=PLAINTEXT://127.0.0.1:{proxy.port}"] if name == "kafka" else []
    with service(name).start(*options, port=behind) as running, closing(proxy):
        one = rig(config=f'queue = "{running.url.replace(str(behind), str(proxy.port))}"\n')
        one.queue = running.url.replace(str(behind), str(proxy.port))
        one.start()
        with one.load(3):
            for _ in range(dose(5, 40)):
                pause(0.3, 1.0, moments)
                proxy.cut()
                pause(0.05, 0.5, moments)
                proxy.mend()
        verdict = one.finish()
    print(proxy.cuts, verdict)
    assert proxy.cuts >= 5
    assert verdict.acked > 100


@pytest.mark.guarantee(5)
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [*EXACT, "beanstalkd"])
def test_the_power_of_the_broker_is_cut(
    name: str, rig: Build, service: Callable[[str], Program], disk: Disk, dose: Callable[[int, int], int], chance: int
) -> None:
    """What it had confirmed is on its disk, as the class says that the start has printed."""
    moments = random.Random(chance)
    server = Broker(service(name), disk.path)
    one = rig(config=f'queue = "{server.running.url}"\n')
    one.queue = server.running.url
    one.start()
    assert "durability class fsync" in one.server.said()
    os.sync()  # what the broker wrote at its very first start is not what is on trial
    for _ in range(dose(2, 10)):
        with one.load(3):
            pause(0.5, 3.0, moments)
            # Replies that are noted after the cut has begun do not count: the kernel answers for a moment longer.
            before = {book: book.stat().st_size for book in one.books.glob("acked-*")}
            disk.cut()
            one.kill_everything()
            server.kill()
        for book, size in before.items():
            os.truncate(book, size)
        disk.unmount()
        disk.mount()
        server.start()
        one.start()
    verdict = one.finish()
    server.close()
    print(verdict)
    assert verdict.acked
