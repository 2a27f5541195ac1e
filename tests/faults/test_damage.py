"""Faults 8 and 9 with the server running: torn, wrong and deleted queue files. What is left is stored, what is
lost is counted loudly, and nothing stops."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.server import Server, until
from tests.faults.load import Client

CONFIG = '[queue]\nfile_size = "30KB"\nreserve = "0"\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("damage") / "data", CONFIG) as running:
        yield running


@contextmanager
def unread(server: Server) -> Iterator[None]:
    """Nothing is read from the queue meanwhile."""
    engine = server.pid("engine")
    os.kill(engine, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(engine, signal.SIGCONT)


def ended_files(server: Server) -> list[Path]:
    """All but the newest, oldest first, with nothing left in their logs."""
    return sorted((server.data / "queue" / "shard-000").glob("*.db"))[:-1]


def fill(server: Server, name: str) -> tuple[Client, list[Path]]:
    """Sends some files full; they and the client."""
    before = len(ended_files(server))
    client = Client(server, name, pad=200)
    while len(ended_files(server)) < before + 4:
        assert client.send(5) == 200
    return client, ended_files(server)[before:]


def flip(path: Path, at: int, size: int = 8192) -> None:
    data = bytearray(path.read_bytes())
    data[at : at + size] = bytes(byte ^ 0xFF for byte in data[at : at + size])
    path.write_bytes(data)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def idle(server: Server) -> None:
    until(lambda: server.api("lag")["data"] == [], "the end of the queue", why=server.said)


def stored(server: Server) -> set[str]:
    return {row[0] for row in server.events("id")}


DAMAGES: dict[str, Callable[[Path], None]] = {
    "corrupt": lambda path: flip(path, path.stat().st_size // 2),
    "torn": cut,
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_of_an_unread_file_is_counted_and_passed(server: Server, kind: str) -> None:
    lost_before = {row for row in server.rejects() if row[0] == "lost_in_queue"}
    idle(server)
    rejected_before = server.api("ledger")["total"]["rejected"]
    with unread(server):
        client, known = fill(server, kind)
        DAMAGES[kind](known[1])
    idle(server)
    kept = stored(server)
    missing = client.acked - kept
    assert missing, "the damage hit nothing"
    assert len(missing) < len(client.acked) / 2, "more is gone than the damaged file held"
    # Loud: in the log, among the rejects, and in the ledger as far as the number is known.
    until(lambda: "queue damaged: shard-000" in server.said(), "the line in the log")
    found = [row for row in server.api("rejects", limit="10000")["data"] if row["reason"] == "lost_in_queue"]
    assert len(found) > len(lost_before)
    answer = server.api("ledger")
    if "unknown number" not in found[0]["detail"]:
        assert answer["total"]["rejected"] - rejected_before == len(missing)
    assert answer["balanced"], answer
    assert answer["total"]["queued"] == 0
    assert server.restarts() == 0
    assert client.send() == 200


@pytest.mark.parametrize("state", ["unread", "stored"])
def test_a_deleted_file(server: Server, state: str) -> None:
    idle(server)
    before, said = server.api("ledger")["total"], server.said().count("file missing")
    with unread(server):
        client, known = fill(server, state)
        if state == "unread":
            known[1].unlink()
    if state == "stored":
        idle(server)  # stored is not enough: the position must have passed, and the totals with it
        known[1].unlink()
        server.restart()
    idle(server)
    missing = client.acked - stored(server)
    assert bool(missing) == (state == "unread")
    assert (server.said().count("file missing") > said) == (state == "unread")
    answer = server.api("ledger")
    assert answer["balanced"], answer
    assert answer["total"]["queued"] == 0
    assert answer["total"]["stored"] - before["stored"] == len(client.sent) - len(missing)


def test_all_of_it_serves_on_after_a_restart(server: Server) -> None:
    server.restart()
    client = Client(server, "after")
    assert client.send(10) == 200
    until(lambda: client.acked <= stored(server), "the new events")
    assert server.api("ledger")["balanced"]
    assert server.restarts() == 0
