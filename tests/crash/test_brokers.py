"""The same kills with the events in a broker, and the broker killed too: fault 19."""

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from scripts.services import Program, Running, free_port
from tests.acceptance.server import until
from tests.crash.conftest import Build
from tests.crash.disk import Disk
from tests.crash.harness import pause
from tests.crash.oracle import read_book
from tests.crash.proxy import CuttingProxy

pytestmark = pytest.mark.crash
BROKERS = ["redis-server", "kafka", "rabbitmq", "beanstalkd"]
"""The servers of `scripts.services` that the tests here are run with."""
EXACT = ["redis-server", "kafka", "beanstalkd"]
"""With RabbitMQ a copy whose commit is interrupted can still be counted twice in the ledger: see the limits."""


class Broker:
    """A server of `scripts.services` that is killed, and started again on its data."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._port: int | None = None
        self._stack = ExitStack()
        self.running: Running
        self.start()

    def start(self) -> None:
        self.running = self._stack.enter_context(self._program.start(directory=self._folder, port=self._port))
        self._port = self.running.port

    def kill(self) -> None:
        os.kill(self.running.pid, signal.SIGKILL)
        self._stack.close()
        self._stack = ExitStack()

    def close(self) -> None:
        self._stack.close()


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
@pytest.mark.parametrize("name", EXACT)
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
