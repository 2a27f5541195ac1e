"""A collector as a process of its own: signals, descriptors."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.collect.harness import Client, get, post

SERVER = """
import socket, sys, threading
from eventmill.collect.server import run_collector
from eventmill.queue.memory import MemoryQueue
from eventmill.settings import Settings
from eventmill.topics import with_defaults

class Slow(MemoryQueue):
    def append(self, drafts):
        threading.Event().wait(float(sys.argv[3]))
        super().append(drafts)

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
queue = Slow()
run_collector(Settings(data=sys.argv[2], topics=with_defaults({})), [listener], queue, "test")
print(sum(row.count for row in queue.received()))
"""


@contextmanager
def server(port: int, data: Path, delay: float = 0, prefix: list[str] | None = None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*(prefix or []), sys.executable, "-c", SERVER, str(port), str(data), str(delay)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()


def connect(port: int) -> Client:
    return Client(socket.create_connection(("127.0.0.1", port), 10))


def test_sigterm_answers_what_is_in_flight(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    with server(port, tmp_path, delay=0.5) as process:
        clients = [connect(port) for _ in range(20)]
        for client in clients:
            client.send(get("/event.gif?category=h5"))
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert [client.reply().status for client in clients] == [200] * 20
        assert all(client.at_end() for client in clients)
        out, _ = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, "20\n")
        for client in clients:
            client.sock.close()


def test_a_second_sigterm_ends_a_request_that_never_completes(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    with server(port, tmp_path) as process, connect(port) as client:
        client.send(post("/e", b"{}")[:-1])
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, "0\n")


@pytest.mark.parametrize("limit", [64])
def test_descriptors_run_out_and_the_accept_loop_lives(
    tmp_path: Path, free_port: Callable[[], int], limit: int
) -> None:
    port = free_port()
    with server(port, tmp_path, prefix=["prlimit", f"--nofile={limit}:{limit}"]):
        clients = [connect(port) for _ in range(300)]
        statuses = []
        for client in clients:
            client.send(get("/health"))
            try:
                statuses.append(client.reply().status)
            except (EOFError, ConnectionResetError):
                statuses.append(0)
        assert statuses.count(200) >= 8
        assert set(statuses) <= {200, 503, 0}
        for client in clients:
            client.sock.close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with connect(port) as client:
                client.send(get("/event.gif?category=h5"))
                if client.reply().status == 200:
                    return
            time.sleep(0.05)
        pytest.fail("it did not recover")
