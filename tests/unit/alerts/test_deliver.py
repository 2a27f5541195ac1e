"""Notices on their way: arrived, tried again, given up; never longer than allowed, never where they must not go."""

import socket
import threading
import time
from typing import Any

import pytest

from eventmill.alerts.deliver import Deliverer, Outcome, shown_host
from tests.unit.alerts.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Any:
    with receiving() as running:
        yield running


@pytest.fixture
def deliverer() -> Any:
    made = Deliverer(allow_private=True, timeout_s=5.0, back_off_s=(0.02, 0.03, 0.05))
    yield made
    made.close()


def settle(deliverer: Deliverer) -> None:
    deadline = time.monotonic() + 20
    while any(row.state == "waiting" for row in deliverer.deliveries()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_notice_arrives_whole(receiver: Receiver, deliverer: Deliverer) -> None:
    arrived: list[bool] = []
    deliverer.send(receiver.url, "few views", "began", {"text": "🔴 a ≠ b", "value": 1.5}, arrived.append)
    settle(deliverer)
    assert receiver.bodies == [{"text": "🔴 a ≠ b", "value": 1.5}]
    assert receiver.paths == ["/hook/secret?x=1"]
    assert receiver.headers[0]["content-type"] == "application/json"
    assert receiver.headers[0]["host"] == f"127.0.0.1:{receiver.port}"
    (shown,) = deliverer.deliveries()
    assert (shown.alert, shown.event, shown.state, shown.attempts, shown.status, shown.error) == (
        "few views", "began", "delivered", 1, 204, "",
    )  # fmt: skip
    assert shown.host == f"127.0.0.1:{receiver.port}"  # the path is a secret
    deliverer.close()
    assert arrived == [True]


def test_a_server_that_is_away_is_asked_again(receiver: Receiver, deliverer: Deliverer) -> None:
    receiver.answers = [503, 429, 200]
    deliverer.send(receiver.url, "a", "began", {})
    settle(deliverer)
    (shown,) = deliverer.deliveries()
    assert (shown.state, shown.attempts, shown.status) == ("delivered", 3, 200)


def test_given_up_in_the_end_and_said_so(receiver: Receiver, deliverer: Deliverer) -> None:
    told: list[bool] = []
    receiver.answers = [500]
    deliverer.send(receiver.url, "a", "began", {}, told.append)
    settle(deliverer)
    receiver.wait(4)
    (shown,) = deliverer.deliveries()
    assert (shown.state, shown.attempts, shown.status) == ("given up", 4, 500)
    assert "500" in shown.error
    deliverer.close()
    assert told == [False]


def test_a_no_is_a_no(receiver: Receiver, deliverer: Deliverer) -> None:
    receiver.answers = [404]
    deliverer.send(receiver.url, "a", "began", {})
    settle(deliverer)
    assert len(receiver.bodies) == deliverer.deliveries()[0].attempts == 1


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    with receiving() as inside:

        def redirect(handler: Any) -> None:
            handler.send_response(307)
            handler.send_header("Location", f"http://127.0.0.1:{inside.port}/secret")
            handler.end_headers()

        for status in (301, 302, 303, 307, 308):
            receiver.answers = [redirect] if status == 307 else [status]
            outcome = Deliverer(allow_private=True).attempt(receiver.url, b"{}")
            assert not outcome.delivered
            assert "redirect" in outcome.error
        assert inside.paths == []


def test_the_connection_goes_to_the_address_that_was_looked_at(receiver: Receiver) -> None:
    """The name is resolved once: a second answer, of a name server that changes its mind, is never asked for."""
    answers = iter([["127.0.0.1"], ["203.0.113.1"]])
    made = Deliverer(allow_private=True, resolve=lambda host, port: next(answers))
    assert made.attempt(f"http://hooks.example:{receiver.port}/a", b"{}") == Outcome(True, 204)
    assert receiver.headers[0]["host"] == f"hooks.example:{receiver.port}"


def test_private_addresses_are_refused_without_a_connection(receiver: Receiver) -> None:
    made = Deliverer()
    for host in ("127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost"):
        outcome = made.attempt(f"http://{host}:{receiver.port}/", b"{}")
        assert not outcome.delivered
        assert "allow_private" in outcome.error
    rebound = Deliverer(resolve=lambda host, port: ["127.0.0.1"])
    assert "allow_private" in rebound.attempt(f"http://hooks.example:{receiver.port}/", b"{}").error
    assert receiver.paths == []


def test_a_server_that_answers_byte_by_byte_is_left(deliverer: Deliverer) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        peer, _ = listener.accept()
        with peer:
            while not stop.wait(0.05):
                try:
                    peer.sendall(b"H")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        outcome = Deliverer(allow_private=True, timeout_s=0.4).attempt(
            f"http://127.0.0.1:{listener.getsockname()[1]}/", b"{}"
        )
        assert not outcome.delivered
        assert outcome.error
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_a_silent_server_holds_nobody_up(receiver: Receiver) -> None:
    """Whoever hands in a notice does not wait, and another webhook's notice goes out meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = Deliverer(allow_private=True, timeout_s=3.0, back_off_s=())
        made.send(f"http://127.0.0.1:{silent.getsockname()[1]}/", "silent", "began", {})
        made.send(receiver.url, "other", "began", {})
        receiver.wait(1)
        states = {row.alert: row.state for row in made.deliveries()}
        assert states["silent"] == "waiting"
        settle(made)
        assert {row.alert: row.state for row in made.deliveries()} == {"silent": "given up", "other": "delivered"}
        made.close()


def test_nobody_listens_and_no_tls() -> None:
    made = Deliverer(allow_private=True, timeout_s=3.0)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    refused = made.attempt(f"http://127.0.0.1:{port}/", b"{}")
    assert not refused.delivered
    assert "refused" in refused.error.lower()
    with receiving() as plain:
        wrong = made.attempt(f"https://127.0.0.1:{plain.port}/", b"{}")
        assert not wrong.delivered
        assert "SSL" in wrong.error


def test_the_log_keeps_the_last_and_the_queue_has_an_end(receiver: Receiver) -> None:
    hold = threading.Event()

    def wait(handler: Any) -> None:
        hold.wait(20)
        handler.send_response(200)
        handler.end_headers()

    receiver.answers = [wait]
    made = Deliverer(allow_private=True, timeout_s=30.0)
    for number in range(230):
        made.send(receiver.url, f"a{number}", "began", {})
    rows = made.deliveries()
    assert [row.alert for row in rows] == [f"a{number}" for number in range(229, 209, -1)]
    assert rows[0].state == "given up"
    hold.set()
    made.close()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hooks.example/services/T0/B1", "hooks.example"),
        ("http://u:p@h.example:81?x", "h.example:81"),
        ("", ""),
    ],
)
def test_shown_host(url: str, host: str) -> None:
    assert shown_host(url) == host
