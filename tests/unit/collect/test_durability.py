"""Nothing is answered 2xx before `append` has returned; what cannot be made durable is 503."""

import time
from pathlib import Path

import pytest

from eventmill.event import receipt_text
from eventmill.queue.base import QueueFull, QueueUnavailable
from eventmill.settings import Collect
from tests.unit.collect.harness import Running, get, post, running

PIXEL = "/event.gif?category=h5&user=u1"


@pytest.mark.parametrize("failure", [QueueFull("full"), QueueUnavailable("EIO"), RuntimeError("a bug")])
def test_a_failed_append_is_503_for_all_in_the_batch(door: Running, failure: Exception) -> None:
    door.queue.failure = failure
    origin = b"Origin: https://a.example\r\n"
    with door.connect() as client:
        for request in (get(PIXEL, origin), post("/e", b"[{},{}]", origin), post("/e", b"{", origin)):
            client.send(request)
            reply = client.reply()
            assert reply.status == 503
            assert int(reply.headers["retry-after"]) > 0
            assert reply.json["error"]
            assert reply.headers["access-control-allow-origin"] == "https://a.example"
        client.send(get("/health"))
        assert client.reply().status == 200
        door.queue.failure = None
        client.send(get(PIXEL))
        assert client.reply().status == 200
    assert len(door.queue.lines) == 1
    assert door.collector.counters.commit_failures == 3


def test_pipelined_failures_leave_immediate_replies_alone(door: Running) -> None:
    door.queue.failure = QueueFull("full")
    with door.connect() as client:
        client.send(get(PIXEL) + get("/health") + get(PIXEL) + get("/nothing"))
        assert [client.reply().status for _ in range(4)] == [503, 200, 503, 404]


def test_no_reply_before_the_append_returns(door: Running) -> None:
    door.queue.hold.clear()
    with door.connect() as client:
        client.send(get(PIXEL))
        client.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.reply()
        door.queue.hold.set()
        client.sock.settimeout(10)
        assert client.reply().status == 200


def test_a_disk_that_stalls_makes_503_before_a_memory_bound(door: Running) -> None:
    door.queue.hold.clear()
    with door.connect() as first:
        first.send(get(PIXEL))
        door.wait(lambda: door.collector.commit.refusal is not None)
        begin = time.monotonic()
        assert door.get(PIXEL).status == 503
        assert door.post("/e", b"{}").status == 503
        assert door.get("/ready").status == 503
        assert door.get("/health").status == 200
        assert time.monotonic() - begin < 5
        door.queue.hold.set()
        assert first.reply().status == 200
        door.wait(lambda: door.get("/ready").status == 200)
        assert door.get(PIXEL).status == 200


def test_memory_is_bounded_while_the_disk_stalls(tmp_path: Path) -> None:
    with running(tmp_path, Collect(queue_memory="1MB")) as door:
        door.queue.hold.clear()
        body = b'{"label":"' + b"x" * 100_000 + b'"}'
        clients = [door.connect() for _ in range(30)]
        for client in clients:
            client.send(post("/e", body))
        door.wait(lambda: door.collector.commit.refusal is not None)
        assert door.collector.commit.held < 1_500_000
        door.queue.hold.set()
        statuses = [client.reply().status for client in clients]
        assert statuses.count(200) == len(door.queue.lines) > 5
        assert set(statuses) == {200, 503}
        for client in clients:
            client.sock.close()


def test_ready_tells_why_not(door: Running) -> None:
    assert door.get("/ready").json == {"status": "ok"}
    door.queue.refusal = "the disk is full"
    reply = door.get("/ready")
    assert (reply.status, reply.json) == (503, {"error": "the disk is full"})
    assert int(reply.headers["retry-after"]) > 0


def test_one_batch_has_one_minute_and_a_block_of_receipts(door: Running) -> None:
    door.queue.hold.clear()
    door.queue.entered.clear()
    with door.connect() as client:
        client.send(get(PIXEL))
        assert door.queue.entered.wait(10)
        client.send(get(PIXEL) * 3 + post("/t/order", b"[{},{}]"))
        time.sleep(0.1)
        door.queue.hold.set()
        for _ in range(5):
            assert client.reply().status == 200
    first, second, third = door.queue.drafts
    assert (first.topic, first.count) == ("event", 1)
    assert (second.topic, second.count, second.heads.count(b"\n"), second.body.count(b"\n")) == ("event", 3, 3, 3)
    assert (third.topic, third.count, third.heads.count(b"\n"), third.body.count(b"\n")) == ("order", 2, 1, 2)
    assert second.received == third.received
    receipts = {receipt_text(draft.receipt_high, draft.receipt_low) for draft in door.queue.drafts}
    assert len(receipts) == 3
    assert door.queue.heads[-1]["n"] == 2


def test_events_go_to_the_topic_they_name(door: Running) -> None:
    body = b'{"label":"1"}\n{"label":"2","topic":"order"}\n{"label":"3"}\n{"label":"4","topic":"nobody"}'
    assert door.post("/e", body, b"Idempotency-Key: k\r\n").json == {"accepted": 4}
    by_topic = {draft.topic: draft for draft in door.queue.drafts}
    assert set(by_topic) == {"event", "order"}
    lines = door.queue.lines
    assert [(line["label"], line["id"]) for line in lines] == [("1", "k-0"), ("3", "k-2"), ("4", "k-3"), ("2", "k-1")]
    assert all("key" not in head for head in door.queue.heads)


def test_idempotency_key_is_kept_in_the_head(door: Running) -> None:
    door.post("/e", b"[{},{}]", b"Idempotency-Key: order-7\r\n")
    door.post("/e", b"{}", b"Idempotency-Key: " + b"k" * 200 + b"\r\n")
    first, second = door.queue.heads
    assert (first["key"], first["n"]) == ("order-7", 2)
    assert len(second["key"]) == 32
    assert all("id" not in line for line in door.queue.lines)


def test_malformed_bodies_are_kept_before_they_are_refused(door: Running) -> None:
    assert door.post("/e", b'{"a":').json.keys() == {"error", "at"}
    assert door.post("/t/order", b'{"a":"\xff"}').status == 400
    first, second = door.queue.lines
    assert (first["_x"], first["_raw"]) == ("malformed_json", '{"a":')
    assert (second["_x"], second["_raw"]) == ("malformed_utf8", "base64:eyJhIjoi/yJ9")
    assert [draft.topic for draft in door.queue.drafts] == ["event", "order"]


def test_what_is_kept_of_a_malformed_body_is_bounded(door: Running) -> None:
    assert door.post("/e", b"{" + "é".encode() * 100_000).status == 400
    (line,) = door.queue.lines
    assert 65_000 < len(line["_raw"].encode()) <= 65_536


def test_malformed_bodies_of_one_source_are_bounded(door: Running) -> None:
    with door.connect() as client:
        for _ in range(130):
            client.send(post("/e", b"{"))
            assert client.reply().status == 400
    assert 100 <= len(door.queue.lines) < 130 or door.collector.now % 60 == 0
    assert door.collector.counters.malformed == 130


def test_an_empty_array_accepts_nothing(door: Running) -> None:
    assert door.post("/e", b"[]").json == {"accepted": 0}
    assert door.queue.drafts == []


def test_alias_and_field_count(door: Running) -> None:
    reply = door.post(
        "/financial_pro",
        b"test01=111&test02=222&test03=ccc&test04=ddd",
        b"Content-Type: application/x-www-form-urlencoded\r\n",
    )
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, b"OK", "text/plain; charset=utf-8")
    (line,) = door.queue.lines
    assert line["_n"] == 4
    assert door.queue.drafts[0].topic == "financial_pro"


def test_pixel_names_a_checked_topic(door: Running) -> None:
    assert door.get("/event.png?topic=financial_pro&a=1&b=2&c=3").status == 200
    assert door.queue.drafts[0].topic == "financial_pro"
    assert (door.queue.lines[0]["_raw"], door.queue.lines[0]["_n"]) == ("topic=financial_pro&a=1&b=2&c=3", 4)


def test_content_types(door: Running) -> None:
    def status(kind: bytes, body: bytes) -> int:
        return door.post("/e", body, b"Content-Type: %b\r\n" % kind).status

    assert status(b"text/plain;charset=UTF-8", b'{"a":1}') == 200
    assert status(b"application/x-www-form-urlencoded", b'{"a":1}') == 200
    assert status(b"application/x-www-form-urlencoded", b"a=1") == 200
    assert status(b"text/plain", b"a=1") == 200
    assert status(b"application/json", b"a=1") == 400
    assert status(b"Application/JSON; charset=utf-8", b"a=1") == 400
    assert status(b"application/vnd.api+json", b"a=1") == 400
    assert status(b"multipart/form-data; boundary=x", b"--x\r\na=1") == 415


def test_topics_can_change_while_it_runs(door: Running) -> None:
    from eventmill.topics import Topic, with_defaults

    assert door.post("/fresh", b"{}").status == 404
    topics = with_defaults({"fresh": Topic(aliases=["/fresh"])})
    door.call(lambda: door.collector.use_topics(topics))
    door.wait(lambda: door.post("/fresh", b"{}").status == 200)
    assert door.post("/t/fresh", b"{}").status == 200
    assert door.post("/t/order", b"{}").status == 404


def test_figures_are_published(door: Running) -> None:
    import json

    door.get(PIXEL)
    path = door.data / "run" / "test.json"
    door.wait(lambda: path.exists() and json.loads(path.read_bytes())["events"] == 1)
    figures = json.loads(path.read_bytes())
    assert figures["replies_2xx"] >= 1
    assert figures["commits"] == 1
    assert figures["connections"] >= 1
