"""A person is forgotten beside running collectors: gone from every answer and every file, the ledger balanced."""

import json
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server, ask, run, until

WHO, OTHER = "zebra-4711-person", "okapi-1-person"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = '[topics.order]\nextra = "reject"\nfields = {n = {type = "integer"}}\n'
    with Server(tmp_path_factory.mktemp("forget") / "data", config, collectors=2) as running:
        yield running


def forget(server: Server, **body: object) -> dict[str, object]:
    headers = {"Content-Type": "application/json"}
    reply = ask(server.web_port, "/api/v1/forget", json.dumps(body), headers, 60)
    assert reply.status == 200, reply.body
    return reply.json


def files_with(server: Server, text: str) -> list[str]:
    found = subprocess.run(["grep", "-rlaF", text, str(server.data)], capture_output=True, text=True, check=False)
    return found.stdout.splitlines()


def test_forgotten_everywhere_while_events_come_in(server: Server) -> None:
    for n in range(60):
        server.post({"category": "h5", "user": (WHO, OTHER)[n % 2], "n": n, "id": f"id-{n}"})
    server.post([{"n": "x", "user": WHO}, {"n": 1, "user": OTHER}], "/t/order")  # refused with their bytes
    before = server.drain()
    assert (before["stored"], before["rejected"]) == (60, 2)
    assert any("/store/" in path for path in files_with(server, WHO))
    assert any("/queue/" in path for path in files_with(server, WHO))

    counted = run("forget", "--user", WHO, "--dry-run", "--json", "--data", str(server.data))
    assert counted.returncode == 0, counted.stderr
    assert json.loads(counted.stdout) | {"id": ""} == {
        "id": "", "field": "user", "state": "counted", "events": 30, "rejects": 1, "queued": 31, "files": 0,
        "progress": 1.0, "error": "",
    }  # fmt: skip
    assert server.sql(f"SELECT count() FROM events WHERE user = '{WHO}'") == [[30]]

    done = run("forget", "--user", WHO, "--data", str(server.data))
    assert done.returncode == 0, done.stderr
    assert "30 events, 1 rejects" in done.stdout
    assert server.sql(f"SELECT count() FROM events WHERE user = '{WHO}'") == [[0]]
    assert sorted(reason for reason, _ in server.rejects()) == ["erased", "extra_field"]
    assert server.trace("id-0").status == 404 or server.trace("id-0").json["state"] == "queued"
    ledger = server.api("ledger")
    assert ledger["balanced"]
    assert ledger["total"] == before  # what was stored once goes on being counted

    def forgotten() -> bool:
        """Each collector begins another queue file with its next events."""
        server.post({"category": "h5", "user": OTHER})
        (job,) = ask(server.web_port, "/api/v1/forget").json["data"]
        return job["state"] == "done" and job["files"] == 0

    until(forgotten, "an empty list of files", why=server.said)
    (job,) = ask(server.web_port, "/api/v1/forget").json["data"]
    assert job["queued"] == 31
    assert not [path for path in files_with(server, WHO) if "/queue/" in path]
    assert files_with(server, OTHER)
    assert server.trace("id-0").status == 404
    assert server.trace("id-1").json["state"] == "stored"


def test_the_name_leaves_the_stores_files_with_the_old_parts(server: Server) -> None:
    deadline = time.monotonic() + 150  # the store's own period is half a minute
    while left := files_with(server, WHO):
        assert time.monotonic() < deadline, left
        time.sleep(1)


def test_a_replay_does_not_bring_it_back_across_a_restart(server: Server) -> None:
    server.restart()
    assert server.api("ledger")["balanced"]
    assert server.sql(f"SELECT count() FROM events WHERE user = '{WHO}'") == [[0]]
    server.post({"category": "h5", "user": WHO, "id": "again"})  # who comes back is counted
    until(lambda: server.sql(f"SELECT count() FROM events WHERE user = '{WHO}'") == [[1]], "the event")
    server.stop()
    # Without a server the command works on the data itself, the last queue files included.
    alone = run("forget", "--id", "again", "--json", "--data", str(server.data))
    assert alone.returncode == 0, alone.stderr
    answer = json.loads(alone.stdout)
    assert (answer["state"], answer["events"], answer["queued"]) == ("done", 1, 1)
    server.start()
    assert server.sql("SELECT count() FROM events WHERE id = 'again'") == [[0]]
    assert server.api("ledger")["balanced"]


@pytest.mark.parametrize("body", [{}, {"user": ""}, {"user": "a", "id": "b"}, {"nobody": "x"}, {"user": 5}, []])
def test_wrong_requests_are_told_what_is_right(server: Server, body: object) -> None:
    reply = ask(server.web_port, "/api/v1/forget", json.dumps(body), {"Content-Type": "application/json"})
    assert reply.status == 400
    assert reply.json["detail"]


def test_the_command_wants_one_name(server: Server) -> None:
    for words in ([], ["--user", "a", "--id", "b"]):
        assert run("forget", *words, "--data", str(server.data)).returncode == 2
