"""Connections over time: deadlines, slow peers, limits, back-pressure, draining."""

import time
from pathlib import Path

import pytest

from eventmill.settings import Collect
from tests.unit.collect.harness import Running, get, post, running

PIXEL = "/event.gif?category=h5&user=u1"


def test_deadlines(tmp_path: Path) -> None:
    limits = Collect(header_timeout=0.5, body_timeout=0.5, idle_timeout=0.5)
    with running(tmp_path, limits) as door:
        silent, head, body, idle = (door.connect() for _ in range(4))
        head.send(b"GET /health HTTP/1.1\r\nHo")
        body.send(b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        idle.send(get("/health"))
        assert idle.reply().status == 200
        assert silent.at_end()
        assert idle.at_end()
        assert head.reply().status == 408
        assert body.reply().status == 408
        for client in (silent, head, body, idle):
            client.sock.close()


def test_slow_clients_do_not_hold_up_others(tmp_path: Path) -> None:
    with running(tmp_path, Collect(header_timeout=1)) as door:
        slow = [door.connect() for _ in range(200)]
        for client in slow:
            client.send(b"G")
        assert door.get(PIXEL).status == 200
        door.wait(lambda: len(door.collector.doors) == 0)
        for client in slow:
            client.sock.close()


def test_connections_beyond_the_limit_are_told(door: Running) -> None:
    import msgspec

    limited = msgspec.structs.replace(door.collector.limits, connections=2)
    door.collector.limits = limited
    first, second, third = door.connect(), door.connect(), door.connect()
    assert third.reply().status == 503
    second.sock.close()
    door.wait(lambda: len(door.collector.doors) == 1)
    assert door.get("/health").status == 200
    first.sock.close()
    third.sock.close()


def test_peer_that_does_not_read_stops_being_read(door: Running) -> None:
    with door.connect() as client:
        client.sock.setsockopt(1, 8, 4096)  # SO_RCVBUF
        client.sock.settimeout(0.5)
        requests = get("/health") * 500
        with pytest.raises(TimeoutError):  # noqa: PT012 - whichever send it is
            for _ in range(20_000):
                client.sock.sendall(requests)
        (connection,) = door.collector.doors
        assert connection.stalled_since
        client.sock.settimeout(10)
        assert client.reply().status == 200


def test_drain_answers_what_is_in_flight(door: Running) -> None:
    door.queue.hold.clear()
    door.queue.entered.clear()
    waits, half, idle = door.connect(), door.connect(), door.connect()
    waits.send(get(PIXEL))
    half.send(post("/e", b'{"category":"half"}')[:-5])
    idle.send(get("/health"))
    assert idle.reply().status == 200
    assert door.queue.entered.wait(10)
    door.stop()
    assert idle.at_end()
    with pytest.raises(ConnectionRefusedError):  # noqa: PT012 - the listener closes within some turns
        for _ in range(100):
            door.connect().sock.close()
            time.sleep(0.02)
    door.queue.hold.set()
    assert waits.reply().status == 200
    assert waits.at_end()
    half.send(post("/e", b'{"category":"half"}')[-5:])
    assert half.reply().json == {"accepted": 1}
    assert half.at_end()
    assert len(door.queue.lines) == 2
    for client in (waits, half, idle):
        client.sock.close()
