"""Faults 28 to 30: bombs, heads without end, requests in two minds, bytes that are no text."""

import base64
import gzip
import socket
import zlib
from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server, peak, rss, until

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("bodies") / "data") as running:
        yield running


def raw(server: Server, data: bytes) -> bytes:
    """Everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.collect_port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while piece := connection.recv(65536):
            found += piece
        return found


def statuses(answer: bytes) -> list[int]:
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def bomb(size: int) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    return b"".join([*(stream.compress(block) for _ in range(size >> 20)), stream.flush()])


BOMBS = {
    "a gigabyte of zeros": ("gzip", lambda: bomb(1 << 30)),
    "100,000 tiny members": ("gzip", lambda: gzip.compress(b" ", 1) * 100_000),
    "a bomb called nothing": ("identity", lambda: bomb(1 << 28)),
    "raw deflate": ("deflate", lambda: zlib.compress(bytes(1 << 28), 9)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_413_and_memory_stays_bounded(server: Server, name: str) -> None:
    coding, make = BOMBS[name]
    body = make()
    assert len(body) < 10_000_000, "as sent it is within the limit"
    pid = server.pid("collector-0")
    server.post({"category": "warm"})
    before = peak(pid)
    for _ in range(5):
        assert server.send("/e", body, {**JSON, "Content-Encoding": coding}).status == 413
    # Ten megabytes may be unpacked, and what is joined of it exists twice for a moment.
    assert peak(pid) - before < 80_000_000
    assert rss(pid) < 200_000_000
    assert server.restarts() == 0


SMUGGLED = b"GET /event.png?category=smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HEADS = {
    "a header of a megabyte": (POST + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", 431),
    "a name of a megabyte": (POST + b"a" * 1_000_000 + b": x\r\n\r\n", 431),
    "10,000 headers": (POST + b"X: y\r\n" * 10_000 + b"\r\n", 431),
    "a URL of a megabyte": (b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "a chunk size that is none": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
    "a negative chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk of 2**64": (POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk without its end": (POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n", 400),
    "both lengths": (POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}", 400),
    "a length with a sign": (POST + b"Content-Length: +2\r\n\r\n{}", 400),
    "an unknown coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "a space before the colon": (POST + b"Content-Length : 2\r\n\r\n{}", 400),
    "a folded header": (POST + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", 400),
    "bare line feeds": (b"POST /e HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}", 400),
    "NUL in a header": (POST + b"X: a\0b\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_request_in_two_minds_is_refused_and_nothing_behind_it_is_served(server: Server, name: str) -> None:
    data, status = HEADS[name]
    try:
        answer = raw(server, data + SMUGGLED)
    except ConnectionError:
        answer = raw(server, data)  # it stopped reading long before the end
    assert statuses(answer) == [status], answer[:300]
    assert b"\x89PNG" not in answer


def test_nothing_was_smuggled_in(server: Server) -> None:
    server.drain()
    assert server.events("category", "category = 'smuggled'") == []
    assert server.restarts() == 0


NO_TEXT = {
    "latin-1": b'{"category":"caf\xe9"}',
    "overlong": b'{"category":"\xc0\xaf"}',
    "surrogate as utf-8": b'{"category":"\xed\xa0\x80"}',
    "beyond unicode": b'{"category":"\xf4\x90\x80\x80"}',
    "cut character": b'{"category":"\xe2\x82"}',
    "only in props": b'{"category":"x","p":{"a":"\xff"}}',
}


@pytest.mark.parametrize("name", NO_TEXT)
def test_what_is_no_utf8_is_400_and_kept_byte_for_byte(server: Server, name: str) -> None:
    before = server.drain()["rejected"]
    for headers in (JSON, {}):
        reply = server.send("/e", NO_TEXT[name], headers)
        assert reply.status == 400
        assert reply.json["error"]
    assert server.drain()["rejected"] == before + 2
    kept = {text for reason, text in server.rejects() if reason == "malformed_utf8"}
    assert "base64:" + base64.b64encode(NO_TEXT[name]).decode() in kept


@pytest.mark.parametrize("text", [r"\ud800", r"\udfff", r"\ud800\ud800", r"\udc00\ud800"])
@pytest.mark.parametrize("field", ["category", "url", "id", "p"])
def test_a_lone_surrogate_is_refused_or_comes_back_as_it_was(server: Server, text: str, field: str) -> None:
    before = server.drain()
    body = f'{{"{field}":"{text}"}}'
    reply = server.send("/e", body, JSON)
    assert reply.status in (200, 400), reply
    total = server.drain()
    assert total["received"] == before["received"] + 1
    if reply.status == 400 or total["rejected"] > before["rejected"]:
        assert body in {text for _, text in server.rejects()}


@pytest.mark.parametrize("field", ["category", "label", "url", "id", "user_agent", "session", "p"])
def test_nul_is_kept_exactly_from_the_door_to_the_api(server: Server, field: str) -> None:
    before = server.drain()
    reply = server.send("/e", f'{{"user":"nul-{field}","{field}":"a\\u0000b"}}', JSON)
    assert reply.status in (200, 400)
    total = server.drain()
    if total["stored"] > before["stored"]:
        column = "props" if field == "p" else field
        ((found,),) = server.events(column, f"user = 'nul-{field}'")
        assert found == ('{"p":"a\\u0000b"}' if field == "p" else "a\0b")
        until(lambda: server.api("counts", **{"from": "2020-01-01", "to": "2100-01-01"}, by="all"), "an answer")


def test_no_answer_was_a_server_error(server: Server) -> None:
    assert server.restarts() == 0
    metrics = server.data / "run" / "collector-0.json"
    until(metrics.exists, "the collector's counters")
    assert '"replies_5xx":0' in metrics.read_text()
