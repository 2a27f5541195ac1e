"""Alerts of a real server, told to a real webhook on loopback."""

import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.server import Reply, Server, ask, run, until
from tests.unit.alerts.receiver import Receiver, receiving

CONFIG = '[alerts]\nallow_private = true\nevery = "200ms"\n'
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("alerts") / "data", CONFIG, collectors=1) as running:
        yield running


def post(server: Server, path: str, body: object) -> Reply:
    return ask(server.web_port, f"/api/v1/{path}", json.dumps(body), JSON)


def command(server: Server, *words: str) -> str:
    config = server.data.parent / f"{server.data.name}.toml"
    done = run(*words, "--data", str(server.data), "--config", str(config))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_from_the_first_event_to_the_notice_and_back(server: Server, receiver: Receiver) -> None:
    added = post(
        server,
        "alerts",
        {"name": "orders", "url": receiver.url, "kind": "threshold", "topic": "event", "above": 2, "window": "1m",
         "filters": [["is", "key", "shop.buy"]]},
    )  # fmt: skip
    assert added.status == 201, added.body
    assert added.json["condition"] == "pv of topic event, key is shop.buy in 1m is above 2"
    for n in range(3):
        server.post({"category": "shop", "action": "buy", "user": f"u{n}"})
    receiver.wait(1)
    (body,) = receiver.bodies
    assert (body["alert"], body["event"], body["state"], body["value"]) == ("orders", "began", "firing", 3.0)
    (row,) = ask(server.web_port, "/api/v1/alerts").json["data"]
    assert (row["state"], row["value"], row["error"]) == ("firing", 3.0, "")
    (sent,) = ask(server.web_port, "/api/v1/alerts/deliveries").json["data"]
    assert (sent["state"], sent["status"], sent["attempts"]) == ("delivered", 204, 1)
    assert "secret" not in json.dumps(sent)
    # A restart tells nothing anew; that it is over is told, here since the events are forgotten.
    server.restart()
    until(lambda: ask(server.web_port, "/api/v1/alerts").json["data"][0]["checked"], "an evaluation")
    assert len(receiver.bodies) == 1
    forgotten = [post(server, "forget", {"user": f"u{n}"}).json["events"] for n in range(2)]
    assert forgotten == [1, 1]
    receiver.wait(2)
    assert (receiver.bodies[1]["event"], receiver.bodies[1]["state"]) == ("ended", "ok")


def test_the_commands(server: Server, receiver: Receiver) -> None:
    before = len(receiver.bodies)
    said = command(
        server, "alerts", "add", "no orders", "--kind", "silence", "--topic", "order", "--window", "10m", "--url",
        receiver.url,
    )  # fmt: skip
    assert said == "added alert no orders: no event of topic order for 10m\n"
    assert command(server, "alerts", "test", "no orders") == "delivered: the webhook answered 204\n"
    assert receiver.bodies[before]["event"] == "test"
    listed = json.loads(command(server, "alerts", "list", "--json"))
    assert [row["name"] for row in listed["data"]] == ["orders", "no orders"]
    assert "no orders" in command(server, "alerts", "list")
    assert command(server, "alerts", "remove", "no orders") == "removed alert no orders\n"
    gone = run("alerts", "test", "no orders", "--data", str(server.data))
    assert gone.returncode == 1
    assert "no alert" in gone.stderr


def test_a_test_tells_what_the_webhook_said(server: Server, receiver: Receiver) -> None:
    receiver.answers = [418]
    reply = post(server, "alerts/orders/test", {})
    assert (reply.status, reply.json["delivered"], reply.json["status"]) == (200, False, 418)
    receiver.answers = [204]
    assert post(server, "alerts/nothing/test", {}).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"name": "x"}, {"name": "x", "url": "http://127.0.0.1/"},
        {"name": "x", "url": "ftp://h/", "kind": "threshold", "above": 1},
        {"name": "x", "url": "http://u:p@h/", "kind": "threshold", "above": 1},
        {"name": "x", "url": "http://h/", "kind": "threshold"},
        {"name": "x", "url": "http://h/", "kind": "threshold", "above": "much"},
        {"name": "x", "url": "http://h/", "kind": "silence", "window": "1 s"},
        {"name": "x", "url": "http://h/", "kind": "silence", "moon": 1},
        {"name": "../x", "url": "http://h/", "kind": "silence"},
        {"name": "7", "url": "http://h/", "kind": "silence"},
        {"name": "x", "url": "http://h/", "kind": "silence", "filters": [["is", "nothing", "y"]]},
    ],
)  # fmt: skip
def test_wrong_alerts_are_told_what_is_right(server: Server, body: object) -> None:
    reply = post(server, "alerts", body)
    assert reply.status == 400, reply.body
    assert reply.json["detail"]


def test_goals_by_command_and_by_api(server: Server) -> None:
    command(server, "goals", "add", "bought", "--where", "key is shop.buy")
    assert post(server, "goals", {"name": "seen", "filters": [["contains", "page", "/item/"]]}).status == 201
    assert post(server, "goals", {"name": "seen", "filters": [["is", "page", "/"]]}).status == 409
    assert post(server, "goals", {"name": "none", "filters": []}).status == 400
    server.post({"category": "page", "user": "v1", "url": "https://shop.example/item/7"})
    until(lambda: _report(server)["seen"]["conversions"] == 1, "the view")
    found = _report(server)
    assert (found["bought"]["conversions"], found["bought"]["of"]) == (1, 2)
    assert (found["seen"]["visitors"], found["seen"]["rate"]) == (1, 0.5)
    assert "bought" in command(server, "goals", "report")
    assert json.loads(command(server, "goals", "list", "--json"))[1]["filters"] == [["contains", "page", "/item/"]]
    assert command(server, "goals", "remove", "seen") == "removed goal seen\n"
    assert [*_report(server)] == ["bought"]


def _report(server: Server) -> dict[str, dict[str, object]]:
    days = urllib.parse.urlencode({"from": "2020-01-01", "to": "2148-01-01", "topic": "event"})
    reply = ask(server.web_port, f"/api/v1/goals/report?{days}")
    assert reply.status == 200, reply.body
    return {row["name"]: row for row in reply.json["data"]}


def test_private_webhooks_are_refused_by_default(tmp_path: Path, receiver: Receiver) -> None:
    before = len(receiver.bodies)
    with Server(tmp_path / "data", '[alerts]\nevery = "200ms"\n') as strict:
        for host in ("127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]"):
            body = {"name": "x", "url": f"http://{host}:{receiver.port}/", "kind": "threshold", "above": 1}
            reply = post(strict, "alerts", body)
            assert reply.status == 400
            assert "allow_private" in reply.json["detail"]
        named = {"name": "x", "url": f"http://localhost:{receiver.port}/", "kind": "threshold", "above": 1}
        assert post(strict, "alerts", named).status == 201
        tried = post(strict, "alerts/x/test", {})
        assert tried.status == 200
        assert "allow_private" in tried.json["error"]
    assert len(receiver.bodies) == before
