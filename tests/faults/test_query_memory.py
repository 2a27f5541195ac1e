"""Fault 15: a query beyond its memory or time dies alone."""

import threading
from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server
from tests.faults.load import Client, running

CONFIG = '[web]\nquery_memory = "200MB"\nquery_seconds = 5\n'
HUGE = {
    "group by": "SELECT number AS n, count() FROM numbers(100000000) GROUP BY n",
    "array": "SELECT length(groupArray(number)) FROM numbers(100000000)",
    "join": "SELECT count() FROM numbers(30000000) AS a JOIN numbers(30000000) AS b ON a.number = b.number",
    "strings": "SELECT groupArray(repeat('x', 10000)) FROM numbers(1000000)",
    "time": "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("memory") / "data", CONFIG) as running_server:
        yield running_server


@pytest.mark.parametrize("name", HUGE)
def test_it_dies_with_a_problem_and_ingest_goes_on(server: Server, name: str) -> None:
    client = Client(server, f"beside-{name}")
    with running(client):
        reply = server.ask_sql(HUGE[name])
    assert reply.status in (400, 503), reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert ("memory limit" if name != "time" else "timeout") in reply.json["detail"].lower()
    assert client.acked == client.sent
    assert server.restarts() == 0
    # Nothing of the dead query's answer comes with the next ones.
    for _ in range(12):
        assert server.api("ledger")["balanced"]
    server.drain()
    stored = {row[0] for row in server.sql("SELECT id FROM events", 100_000)}
    assert client.acked <= stored


def test_several_at_once_leave_the_inserts_their_memory(server: Server) -> None:
    client = Client(server, "several")
    threads = [threading.Thread(target=server.ask_sql, args=(HUGE["group by"],)) for _ in range(6)]
    with running(client):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert client.acked == client.sent
    assert server.restarts() == 0
    server.drain()
    assert client.acked <= {row[0] for row in server.sql("SELECT id FROM events", 100_000)}
