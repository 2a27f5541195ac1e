"""Faults 10 and 18: no space, or no quota. 503, nothing half written, nothing dropped, and on again alone."""

import signal
from collections.abc import Iterator
from os import kill
from pathlib import Path

import pytest

from tests.acceptance.server import Server, until
from tests.faults.load import Client, check
from tests.faults.mounts import tmpfs


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with tmpfs(tmp_path / "small", "12m") as folder:
        yield folder


def fill(client: Client, most: int = 2000) -> int:
    """Sends until it is refused; how many requests were taken."""
    for taken in range(most):
        if client.send(10) != 200:
            return taken
    raise AssertionError("the disk never filled")


def refused_well(client: Client) -> None:
    assert client.refused
    for status, headers in client.refused:
        assert status == 503
        assert int(headers["retry-after"]) > 0


@pytest.mark.parametrize("reserve", ["0", "4MB"], ids=["enospc", "reserve"])
def test_a_full_disk_is_503_and_works_again_when_there_is_space(tmp_path: Path, small_disk: Path, reserve: str) -> None:
    config = f'[queue]\nurl = "sqlite:{small_disk}/queue"\nreserve = "{reserve}"\n'
    with Server(tmp_path / "data", config) as server:
        client = Client(server, "full", pad=1000)
        client.send(10)
        ballast = small_disk / "ballast"
        with ballast.open("wb") as file:
            file.write(bytes(6_000_000))
        fill(client)
        until(lambda: server.ready().status == 503, "/ready that says no")
        assert b"disk" in server.ready().body
        before = len(client.acked)
        for _ in range(20):
            client.send(10)
        refused_well(client)
        ballast.unlink()
        # `ready` asks the disk, and the next write proves it.
        until(lambda: server.ready().status == 200 or client.send() == 200, "a door that takes events again")
        until(lambda: client.send(10) == 200, "a write that is taken again")
        assert len(client.acked) > before
        total = check(server, client)
        # A refused request leaves nothing behind: the transaction was rolled back.
        assert total["received"] == total["stored"] == len(client.acked)


def test_a_full_queue_refuses_and_never_drops_what_is_unread(tmp_path: Path) -> None:
    config = '[queue]\nquota = "3MB"\nfile_size = "500KB"\nreserve = "0"\n'
    with Server(tmp_path / "data", config) as server:
        client = Client(server, "quota", pad=1000)
        client.send(1)
        server.drain()
        engine = server.pid("engine")
        kill(engine, signal.SIGSTOP)  # nothing is read any more
        try:
            fill(client)
            for _ in range(20):
                client.send(10)
            refused_well(client)
            assert b"quota" in server.ready().body
        finally:
            kill(engine, signal.SIGCONT)
        check(server, client)
        # What has been read makes room by itself.
        until(lambda: client.send(10) == 200, "room")
        total = check(server, client)
        assert total["received"] == total["stored"] == len(client.acked)
        held = sum(path.stat().st_size for path in (server.data / "queue").rglob("*.db*"))
        assert held < 4_000_000
