"""Tracing one event, rejects, the live view, top values, one's own SQL."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest

from eventmill.event import Head, Line, ReceiptSource, receipt_text
from eventmill.query import events, live, rejects, sql, top
from eventmill.query.dimensions import COLUMNS, COMPUTED
from eventmill.query.model import Filter, RequestError
from eventmill.query.source import QueryRefused, Store
from eventmill.queue.base import Entry
from tests.stored_events import frame, row
from tests.unit.query.queues import FakeQueue

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
HIGH, LOW = ReceiptSource().block(NOW_MS)


@pytest.fixture(scope="module")
def module_store(opened: Callable[..., Store]) -> Store:
    return opened()


@pytest.fixture
def store(module_store: Store) -> Iterator[Store]:
    yield module_store
    for table in ("events", "rejects"):
        module_store.command(f"TRUNCATE TABLE {table}")


def put(store: Store, **given: object) -> None:
    store.insert("events", frame([row(NOW, receipt_high=HIGH, receipt_low=LOW, **given)]))


def refuse(store: Store, number: int = 0, raw: bytes = b'{"a":', batch: int = 1, **given: str) -> str:
    columns = {
        "topic": [given.get("topic", "event")], "reason": [given.get("reason", "bad")], "detail": ["why"],
        "received": [NOW], "id": [given.get("id", "")], "receipt_high": [HIGH], "receipt_low": [LOW + number],
        "receipt_index": [3], "bytes": [raw], "stream": ["s"], "batch": [batch],
    }  # fmt: skip
    kinds = {"receipt_high": pl.UInt64, "receipt_low": pl.UInt64, "receipt_index": pl.UInt32, "batch": pl.UInt64}
    store.insert("rejects", pl.DataFrame(columns, schema_overrides={**kinds, "received": pl.Datetime("ms", "UTC")}))
    return receipt_text(HIGH, LOW + number, 3)


def entry(*lines: Line, heads: tuple[int, ...] = ()) -> Entry:
    encode = msgspec.json.encode
    text = b"".join(encode(Head(n=n)) + b"\n" for n in heads or (len(lines),))
    body = b"".join(encode(line) + b"\n" for line in lines)
    return Entry("3", 17, "event", NOW_MS, HIGH, LOW + 100, len(lines), text, body)


def test_stored_by_id_and_by_receipt(store: Store) -> None:
    put(store, id="o-1", action="pv", url="https://x/", bytes=12)
    for needle in ("o-1", receipt_text(HIGH, LOW, 0), receipt_text(HIGH, LOW)):
        found = events.trace(store, FakeQueue(), needle)
        assert found is not None
        assert (found.state, found.key, found.id, found.topic) == ("stored", "h5.pv", "o-1", "event")
        assert found.receipt == receipt_text(HIGH, LOW, 0)
        assert found.received == "2026-11-20T12:00:00.000Z"
        assert found.event is not None
        assert found.event["bytes"] == 12
    for needle in ("o-2", receipt_text(HIGH, LOW, 1), receipt_text(HIGH, LOW + 1), "", "\0", "x' OR 1=1 --"):
        assert events.trace(store, FakeQueue(), needle) is None


def test_rejected(store: Store) -> None:
    receipt = refuse(store, id="o-9", reason="id_conflict")
    for needle in ("o-9", receipt):
        found = events.trace(store, FakeQueue(), needle)
        assert found is not None
        assert (found.state, found.reason, found.bytes) == ("rejected", "id_conflict", '{"a":')


def test_queued_with_its_place(store: Store) -> None:
    queue = FakeQueue()
    queue.entries = [entry(Line(id="a"), Line(id="b", category="h5"), Line(id="c"), heads=(1, 2))]
    found = events.trace(store, queue, "c")
    assert found is not None
    assert (found.state, found.shard, found.seq) == ("queued", "3", 17)
    assert found.receipt == receipt_text(HIGH, LOW + 101, 1)
    by_receipt = events.trace(store, queue, receipt_text(HIGH, LOW + 101, 0))
    assert by_receipt is not None
    assert (by_receipt.state, by_receipt.id, by_receipt.key) == ("queued", "b", "h5")
    assert events.trace(store, queue, '"a') is None


def test_stored_with_its_place_while_the_queue_keeps_it(store: Store) -> None:
    put(store, id="a")
    queue = FakeQueue()
    again, first = entry(Line(id="a")), entry(Line(id="a"))
    queue.entries = [again, replace(first, seq=4, receipt_low=LOW)]
    found = events.trace(store, queue, "a")
    assert found is not None
    assert (found.state, found.shard, found.seq) == ("stored", "3", 4)
    queue.entries = [again]
    found = events.trace(store, queue, "a")
    assert found is not None
    assert (found.state, found.shard, found.seq) == ("stored", None, None)


def test_duplicate_of(store: Store) -> None:
    put(store, id="a")
    queue = FakeQueue()
    queue.entries = [entry(Line(id="a"))]
    found = events.trace(store, queue, receipt_text(HIGH, LOW + 100, 0))
    assert found is not None
    assert (found.state, found.of) == ("duplicate", receipt_text(HIGH, LOW, 0))


def test_rejects_page_by_page_and_once_each(store: Store) -> None:
    receipts = [refuse(store, number, reason="bad" if number % 2 else "worse") for number in range(5)]
    refuse(store, 4, reason="worse", batch=2)  # inserted again after a crash
    first = rejects.rejects(store, rejects.parse({"limit": "3"}, "UTC"))
    assert [item.id for item in first.data] == receipts[:1:-1]
    rest = rejects.rejects(store, rejects.parse({"limit": "3", "before": first.next or ""}, "UTC"))
    assert [item.id for item in rest.data] == receipts[1::-1]
    assert rest.next is None
    assert len(rejects.rejects(store, rejects.parse({"reason": "worse"}, "UTC")).data) == 3
    assert rejects.rejects(store, rejects.parse({"from": "2026-11-21", "to": "2026-11-21"}, "UTC")).data == []


def test_bytes_that_are_no_text_are_shown_and_kept(store: Store) -> None:
    receipt = refuse(store, raw=b'\xff\x00{"a"')
    found = rejects.reject(store, receipt)
    assert found is not None
    assert found.bytes == '\\xff\0{"a"'
    assert rejects.to_replay(store, rejects.ReplayRequest(ids=[receipt])) == [("event", b'\xff\x00{"a"')]
    assert rejects.reject(store, receipt_text(HIGH, LOW, 0)) is None
    with pytest.raises(RequestError, match="no id of a reject"):
        rejects.reject(store, "nonsense")


def test_what_is_replayed(store: Store) -> None:
    receipts = [refuse(store, number, topic="order") for number in range(3)]
    mended = rejects.ReplayRequest(ids=receipts[:1], bytes='{"a":1}')
    assert rejects.to_replay(store, mended) == [("order", b'{"a":1}')]
    assert len(rejects.to_replay(store, rejects.ReplayRequest(topic="order"))) == 3
    for wrong in (
        rejects.ReplayRequest(),
        rejects.ReplayRequest(ids=[receipt_text(HIGH, LOW + 99, 3)]),
        rejects.ReplayRequest(topic="order", bytes="{}"),
    ):
        with pytest.raises(RequestError):
            rejects.to_replay(store, wrong)


def test_live_shows_each_event_once(store: Store) -> None:
    put(store, user="before")
    position = live.start(store, NOW_MS)
    assert live.newer(store, Filter(), position, 10) == []
    store.insert(
        "events", frame(row(NOW_MS + n, batch=2, stream=s, label=str(n)) for n in range(3) for s in ("s", "t"))
    )
    found = live.newer(store, Filter(), position, 10)
    assert len(found) == 6
    assert [event.received[-4:-1] for event in found] == ["000", "000", "001", "001", "002", "002"]
    assert live.newer(store, Filter(), position, 10) == []
    store.insert("events", frame(row(NOW_MS + n, batch=3, site=f"s{n}") for n in range(5)))
    assert [event.site for event in live.newer(store, Filter(), position, 2)] == ["s3", "s4"]
    store.insert("events", frame(row(NOW_MS + n, batch=4, site=f"s{n}") for n in range(5)))
    assert [event.site for event in live.newer(store, Filter(site="s1"), position, 9)] == ["s1"]


def test_top(store: Store) -> None:
    props = [
        '{"plan":"pro","n":1}',
        '{"plan":"pro","n":"1"}',
        '{"plan":"x\'); DROP TABLE events --"}',
        "",
        '{"n":[1,2]}',
    ]
    browsers = ["Chrome", "Chrome", "Safari", "", "Chrome"]
    sent = enumerate(zip(props, browsers, strict=True))
    store.insert("events", frame(row(NOW, props=p, browser=b, user=f"u{n % 2}", bytes=n) for n, (p, b) in sent))

    def ask(dimension: str, limit: int = 10) -> list[tuple[str, int, int, float]]:
        params = {"from": "2026-11-20", "to": "2026-11-20", "dimension": dimension, "limit": str(limit)}
        answer = top.top(store, top.parse(params, "UTC"), "UTC")
        return [(item.value, item.pv, item.uv, round(item.share, 2)) for item in answer.data]

    assert ask("browser") == [("Chrome", 3, 2, 0.6), ("", 1, 1, 0.2), ("Safari", 1, 1, 0.2)]
    assert ask("browser", 1) == [("Chrome", 3, 2, 0.6)]
    assert ask("props.plan") == [("pro", 2, 2, 0.4), ("x'); DROP TABLE events --", 1, 1, 0.2)]
    assert ask("props.n") == [("1", 2, 2, 0.4), ("[1,2]", 1, 1, 0.2)]
    assert ask("props.a'b{x:String}") == []
    assert ask("category") == [("h5", 5, 2, 1.0)]
    for dimension in (*COLUMNS, *COMPUTED):
        assert sum(pv for _, pv, _, _ in ask(dimension)) == (0 if dimension in ("duration_ms", "route") else 5)
    with pytest.raises(RequestError, match="unknown dimension"):
        ask("user; DROP TABLE events")


def test_sql(store: Store) -> None:
    answer = sql.sql(store, sql.SqlRequest("SELECT number AS n, toDate('2026-11-20') AS d FROM numbers(5) -- note", 3))
    assert answer == sql.SqlAnswer(["n", "d"], [[0, "2026-11-20"], [1, "2026-11-20"], [2, "2026-11-20"]], True)
    ordered = sql.sql(store, sql.SqlRequest("SELECT number FROM numbers(1000) ORDER BY number DESC LIMIT 2;"))
    assert [row[0] for row in ordered.data] == [999, 998]
    assert sql.sql(store, sql.SqlRequest("SHOW TABLES")).columns == ["name"]
    for wrong in (
        "SELECT file('/etc/passwd')",
        "SELECT 1) UNION ALL (SELECT 2) INTO OUTFILE '/tmp/x'",
        "DROP TABLE events",
    ):
        with pytest.raises(QueryRefused):
            sql.sql(store, sql.SqlRequest(wrong))
    for request in (sql.SqlRequest(" ; "), sql.SqlRequest("SELECT 1", 0)):
        with pytest.raises(RequestError):
            sql.sql(store, request)
