"""Patience and its end: what is tried again, what is not, and always under the same key."""

import json
import socketserver
import threading

import pytest

from eventmill.commands.delivery import Collector, DeliveryError, Refused

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"accepted":3}'


def answer(status: str, body: bytes, *fields: str) -> bytes:
    head = "".join(f"{field}\r\n" for field in (*fields, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


class Scripted(socketserver.ThreadingTCPServer):
    """Gives the answers in turn, whatever is asked; None hangs up. Keeps the requests."""

    daemon_threads = True

    def __init__(self, answers):
        self.answers, self.requests, self.connections = list(answers), [], 0
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.connections += 1
        while line := self.rfile.readline():
            fields = {}
            while (field := self.rfile.readline().strip()) != b"":
                name, _, value = field.partition(b": ")
                fields[name.decode().lower()] = value.decode()
            body = self.rfile.read(int(fields["content-length"]))
            self.server.requests.append((line.decode().split()[1], fields, body))
            reply = self.server.answers.pop(0)
            if reply is None:
                return
            self.wfile.write(reply)


@pytest.fixture
def scripted():
    servers = []

    def start(*answers):
        server = Scripted(answers)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server, f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def time_passes():
    """Sleeping moves the clock, and nothing waits."""
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    return sleep, lambda: now[0], slept


def test_one_connection_for_all(scripted):
    server, url = scripted(OK, OK)
    with Collector(url) as collector:
        assert collector.post(b"{}", "k1") + collector.post(b"{}", "k2", topic="a b", kind="application/json") == 6
    assert server.connections == 1
    assert [(path, fields["idempotency-key"], fields["content-type"]) for path, fields, _ in server.requests] == [
        ("/e", "k1", "application/x-ndjson"), ("/t/a%20b", "k2", "application/json"),
    ]  # fmt: skip


def test_503_waits_as_long_as_it_says(scripted, time_passes):
    sleep, monotonic, slept = time_passes
    server, url = scripted(answer("503 Busy", b'{"error":"disk_full"}', "Retry-After: 7"), OK)
    with Collector(url, sleep=sleep, monotonic=monotonic) as collector:
        assert collector.post(b"{}", "k") == 3
    assert slept == [7.0]
    assert collector.retries == 1
    assert {fields["idempotency-key"] for _, fields, _ in server.requests} == {"k"}


def test_a_connection_that_breaks_is_tried_again_under_the_same_key(scripted, time_passes):
    sleep, monotonic, slept = time_passes
    server, url = scripted(None, None, OK)
    with Collector(url, sleep=sleep, monotonic=monotonic) as collector:
        assert collector.post(b"{}", "k") == 3
    assert slept == [0.1, 0.2]
    assert [fields["idempotency-key"] for _, fields, _ in server.requests] == ["k"] * 3


def test_patience_ends(scripted, time_passes):
    sleep, monotonic, slept = time_passes
    _, url = scripted(*[answer("503 Busy", b'{"error":"disk_full"}', "Retry-After: 4")] * 3)
    with (
        pytest.raises(DeliveryError, match="answers 503 disk_full"),
        Collector(url, patience_s=10, sleep=sleep, monotonic=monotonic) as collector,
    ):
        collector.post(b"{}", "k")
    assert slept == [4.0, 4.0]


def test_nobody_there(time_passes):
    sleep, monotonic, _ = time_passes
    with (
        pytest.raises(DeliveryError, match=r"cannot reach http://127\.0\.0\.1:9: .*refused"),
        Collector("127.0.0.1:9", patience_s=1, sleep=sleep, monotonic=monotonic) as collector,
    ):
        collector.post(b"{}", "k")


@pytest.mark.parametrize("status", [400, 404, 405, 413])
def test_what_will_never_be_taken_is_not_tried_again(scripted, status):
    server, url = scripted(answer(f"{status} No", json.dumps({"error": "why", "at": 7}).encode()))
    with pytest.raises(Refused, match=f"{status} why at byte 7") as caught, Collector(url) as collector:
        collector.post(b"{}", "k")
    assert (caught.value.status, len(server.requests)) == (status, 1)


def test_an_answer_that_is_no_collectors(scripted):
    _, url = scripted(answer("200 OK", b"<html>welcome"))
    with pytest.raises(DeliveryError, match="is --url right"), Collector(url) as collector:
        collector.post(b"{}", "k")


@pytest.mark.parametrize("url", ["", "ftp://x", "http://"])
def test_what_is_no_address(url):
    with pytest.raises(DeliveryError, match="no collector's address"):
        Collector(url)
