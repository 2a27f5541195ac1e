"""HTTP/1.1 on raw sockets. What must hold of every case: one reply for each request, in order, no 5xx but 503."""

import time

import pytest

from tests.unit.collect.harness import PLAIN, Client, Running, get, post

PIXEL = "/event.gif?category=h5&user=u1"


@pytest.fixture(params=["parsed", "recognised"])
def client(request: pytest.FixtureRequest, door: Running):
    """A connection to a door that has never seen a head, or one that knows the usual heads by their bytes."""
    if request.param == "recognised":
        assert door.get(PIXEL).status == 200
        assert door.post("/e", b'{"a":1}').status == 200
    with door.connect() as connection:
        yield connection


def test_keep_alive(client: Client) -> None:
    for _ in range(3):
        client.send(get(PIXEL))
        reply = client.reply()
        assert reply.status == 200
        assert reply.body.startswith(b"GIF89a")
        assert reply.headers["cache-control"] == "no-store"
        assert "connection" not in reply.headers


def test_pipelined_replies_keep_their_order(client: Client) -> None:
    client.send(
        get(PIXEL)
        + get("/health")
        + get("/nothing")
        + post("/e", b"[{},{}]")
        + get("/event.png")
        + post("/e", b"{")
        + get("/health")
    )
    replies = [client.reply() for _ in range(7)]
    assert [reply.status for reply in replies] == [200, 200, 404, 200, 200, 400, 200]
    assert [reply.headers["content-type"] for reply in replies[:5]] == [
        "image/gif",
        "application/json",
        "application/json",
        "application/json",
        "image/png",
    ]
    assert replies[3].json == {"accepted": 2}


def test_immediate_replies_wait_for_durable_ones(door: Running, client: Client) -> None:
    door.queue.hold.clear()
    door.queue.entered.clear()
    client.send(get(PIXEL))
    assert door.queue.entered.wait(10)
    client.send(get("/health") + get(PIXEL) + get("/nothing"))
    client.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.reply()
    client.sock.settimeout(10)
    door.queue.hold.set()
    assert [client.reply().headers["content-type"] for _ in range(4)] == [
        "image/gif",
        "application/json",
        "image/gif",
        "application/json",
    ]


def test_bytes_one_by_one(client: Client) -> None:
    for byte in post("/e", b'{"category":"slow"}') + get("/health"):
        client.send(bytes([byte]))
    assert client.reply().json == {"accepted": 1}
    assert client.reply().json == {"status": "ok"}


def test_many_pipelined_requests_are_all_answered(door: Running, client: Client) -> None:
    door.queue.hold.clear()
    client.send(get(PIXEL) * 3000)
    door.queue.hold.set()
    assert {client.reply().status for _ in range(3000)} == {200}
    assert len(door.queue.lines) >= 3000


@pytest.mark.parametrize("split", [5, 20, 40, 60, 75])
def test_chunked_with_trailers(client: Client, split: int) -> None:
    body = b'8;ext="a;b"\r\n{"a":"b"\r\n1\r\n}\r\n0\r\nHost: evil\r\nX: y\r\n\r\n'
    data = b"POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + get("/health")
    client.send(data[:split])
    client.send(data[split:])
    assert client.reply().json == {"accepted": 1}
    assert client.reply().json == {"status": "ok"}


def test_expect_continue(client: Client) -> None:
    client.send(b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert client.reply().status == 100
    client.send(b"{}")
    assert client.reply().json == {"accepted": 1}


def test_expect_continue_for_what_is_refused_anyway(client: Client) -> None:
    client.send(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert client.reply().status == 404


def test_other_expectations(client: Client) -> None:
    client.send(b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: cake\r\n\r\n{}")
    assert client.reply().status == 417


@pytest.mark.parametrize("target", ["/health", "/event.png?category=h5", "/event.gif"])
def test_head_has_headers_only_and_records_nothing(door: Running, client: Client, target: str) -> None:
    before = len(door.queue.lines)
    client.send(b"HEAD %b HTTP/1.1\r\nHost: x\r\n\r\n" % target.encode() + get("/health"))
    reply = client.reply(bodiless=True)
    assert reply.status == 200
    assert int(reply.headers["content-length"]) > 0
    assert client.reply().json == {"status": "ok"}
    assert len(door.queue.lines) == before


def test_http_1_0(client: Client) -> None:
    client.send(b"GET %b HTTP/1.0\r\n\r\n" % PIXEL.encode())
    assert client.reply().headers["connection"] == "close"
    assert client.at_end()


def test_http_1_0_kept_alive(client: Client) -> None:
    for _ in range(2):
        client.send(b"GET %b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" % PIXEL.encode())
        assert client.reply().headers["connection"] == "keep-alive"


def test_connection_close(client: Client) -> None:
    client.send(get(PIXEL, b"Connection: close\r\n") + get(PIXEL))
    assert client.reply().headers["connection"] == "close"
    assert client.at_end()


def test_half_closed_peer_gets_its_replies(door: Running, client: Client) -> None:
    import socket

    door.queue.hold.clear()
    client.send(get(PIXEL) + get(PIXEL))
    client.sock.shutdown(socket.SHUT_WR)
    time.sleep(0.05)
    door.queue.hold.set()
    assert [client.reply().status for _ in range(2)] == [200, 200]
    assert client.at_end()


def test_vanished_peer_is_skipped(door: Running) -> None:
    door.queue.hold.clear()
    door.queue.entered.clear()
    with door.connect() as gone, door.connect() as stays:
        gone.send(get(PIXEL))
        stays.send(get(PIXEL))
        assert door.queue.entered.wait(10)
        gone.sock.close()
        time.sleep(0.05)
        door.queue.hold.set()
        assert stays.reply().status == 200


@pytest.mark.parametrize("headers", [b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"])
def test_upgrade_is_declined_and_the_connection_lives(client: Client, headers: bytes) -> None:
    client.send(get(PIXEL, headers) + get("/health"))
    assert client.reply().status == 200
    assert client.reply().json == {"status": "ok"}


def test_absolute_form(client: Client) -> None:
    client.send(b"GET http://x/health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.reply().json == {"status": "ok"}


REFUSED = {
    "two lengths": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "different lengths": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "list of lengths": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Content-Length: 2, 2\r\n\r\n{}",
    "signed length": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Content-Length: +2\r\n\r\n{}",
    "negative length": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Content-Length: -2\r\n\r\n{}",
    "huge length": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "length and chunked": b"POST /e HTTP/1.1\r\n"
    + PLAIN
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": b"POST /e HTTP/1.1\r\n"
    + PLAIN
    + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST /e HTTP/1.1\r\n"
    + PLAIN
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "gzip, chunked": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "xchunked": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked in 1.0": b"POST /e HTTP/1.0\r\n" + PLAIN + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size is no number": b"POST /e HTTP/1.1\r\n"
    + PLAIN
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunk too long": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n",
    "chunk size ends in LF": b"POST /e HTTP/1.1\r\n" + PLAIN + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
    "chunk size overflows": b"POST /e HTTP/1.1\r\n"
    + PLAIN
    + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{}\r\n",
    "folded header": b"GET /health HTTP/1.1\r\n" + PLAIN + b"A: b\r\n c\r\n\r\n",
    "space before colon": b"GET /health HTTP/1.1\r\n" + PLAIN + b"A : b\r\n\r\n",
    "space in name": b"GET /health HTTP/1.1\r\n" + PLAIN + b"A b: c\r\n\r\n",
    "no colon": b"GET /health HTTP/1.1\r\n" + PLAIN + b"Ab\r\n\r\n",
    "NUL in value": b"GET /health HTTP/1.1\r\n" + PLAIN + b"A: \0\r\n\r\n",
    "bare CR in value": b"GET /health HTTP/1.1\r\n" + PLAIN + b"A: b\rc\r\n\r\n",
    "bare LF after header": b"GET /health HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    "bare LF after request line": b"GET /health HTTP/1.1\nHost: x\r\n\r\n",
    "no Host": b"GET /health HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /health HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "bad Host": b"GET /health HTTP/1.1\r\nHost: a b\r\n\r\n",
    "space in target": b"GET /health x HTTP/1.1\r\n" + PLAIN + b"\r\n",
    "bytes beyond ASCII in target": b"GET /event.gif?a=\xc3\xa9 HTTP/1.1\r\n" + PLAIN + b"\r\n",
    "control in target": b"GET /event.gif?a=\x01 HTTP/1.1\r\n" + PLAIN + b"\r\n",
    "LF in target": b"GET /event.gif?a=\nb HTTP/1.1\r\n" + PLAIN + b"\r\n",
    "CR in target": b"GET /event.gif?a=\rb HTTP/1.1\r\n" + PLAIN + b"\r\n",
    "DEL in target": b"GET /event.gif?a=\x7f HTTP/1.1\r\n" + PLAIN + b"\r\n",
    "tab in target": b"GET /event.gif?a=\tb HTTP/1.1\r\n" + PLAIN + b"\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": b"GET /health HTTP/1.2\r\n" + PLAIN + b"\r\n",
    "lower-case method": b"get /health HTTP/1.1\r\n" + PLAIN + b"\r\n",
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\n" + PLAIN + b"\r\n",
    "upgrade with a body": b"POST /e HTTP/1.1\r\n"
    + PLAIN
    + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_and_smuggling_shapes(door: Running, client: Client, name: str) -> None:
    """400 and the end of the connection: what follows is never read as a request."""
    before = len(door.queue.lines)
    client.send(REFUSED[name] + get("/event.gif?smuggled=1"))
    reply = client.reply()
    assert reply.status == 400
    assert reply.headers["connection"] == "close"
    client.sock.shutdown(1)
    assert client.at_end()
    assert len(door.queue.lines) == before


def test_http_2_version_in_an_ordinary_request(client: Client) -> None:
    client.send(b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n")
    assert client.reply().status == 505


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /event.gif?a=" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 1_000_000 + b"\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
        (b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n" + b"x" * 3_000_000, 413),
        (
            b"POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 200,
            413,
        ),
        (
            b"POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
            + b"A: b\r\n" * 200
            + b"\r\n",
            431,
        ),
    ],
    ids=["path", "query", "header", "headers", "length", "chunks", "trailers"],
)
def test_too_much(door: Running, client: Client, data: bytes, status: int) -> None:
    """The connection lingers, so that a client that is still sending can read why."""
    client.send(data)
    reply = client.reply()
    assert reply.status == status
    assert reply.json["error"]
    assert door.queue.lines == [] or all("_x" not in line for line in door.queue.lines)


@pytest.mark.parametrize("drip", [100, 1000, 30_000])
def test_header_that_comes_in_drips_is_bounded(client: Client, drip: int) -> None:
    client.send(b"GET /health HTTP/1.1\r\nHost: x\r\nA: ")
    for _ in range(400_000 // drip):  # the packet in which a head begins is not counted
        client.send(b"a" * drip)
    assert client.reply().status == 431


def test_a_request_right_behind_a_large_body(client: Client) -> None:
    body = b'{"label":"' + b"x" * 100_000 + b'"}'
    client.send(post("/e", body) + b"GET /hea")
    assert client.reply().status == 200
    client.send(b"lth HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.reply().json == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "target", "status", "allow"),
    [
        ("GET", "/financial_pro", 405, "POST, OPTIONS"),
        ("PUT", "/e", 405, "POST, OPTIONS"),
        ("POST", "/event.gif", 405, "GET, HEAD, OPTIONS"),
        ("DELETE", "/health", 405, "GET, HEAD, OPTIONS"),
        ("GET", "/nothing", 404, None),
        ("POST", "/t/unknown", 404, None),
        ("GET", "/e/", 404, None),
    ],
)
def test_paths_and_methods(client: Client, method: str, target: str, status: int, allow: str | None) -> None:
    client.send(f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode() + get("/health"))
    reply = client.reply()
    assert reply.status == status
    assert reply.headers.get("allow") == allow
    assert client.reply().json == {"status": "ok"}, "the body was passed over"


def test_cors_on_success_error_and_preflight(client: Client) -> None:
    origin = b"Origin: https://shop.example\r\n"
    client.send(get(PIXEL, origin) + get("/nothing", origin) + post("/e", b"{", origin))
    for status in (200, 404, 400):
        reply = client.reply()
        assert reply.status == status
        assert reply.headers["access-control-allow-origin"] == "https://shop.example"
        assert reply.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in reply.headers
    client.send(
        b"OPTIONS /e HTTP/1.1\r\nHost: x\r\n"
        + origin
        + b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-retry-count, authorization\r\n\r\n"
    )
    reply = client.reply()
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert reply.headers["access-control-allow-headers"] == "x-retry-count, authorization"
    assert int(reply.headers["access-control-max-age"]) > 0
    client.send(get("/health"))
    assert "access-control-allow-origin" not in client.reply().headers
