"""The routes answer what the interface says, errors are problem documents."""

import json
import threading
from datetime import UTC, datetime

import polars as pl
import pytest

from eventmill.event import receipt_text
from eventmill.queue.base import Lag, Received
from tests.stored_events import frame, row
from tests.unit.web.conftest import Server

RANGE = {"from": "2026-11-18", "to": "2026-11-20"}
API = "/api/v1"


def test_counts(server: Server) -> None:
    answer = server.client.get(f"{API}/counts", params={**RANGE, "by": "all", "interval": "total"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert body["next"] is None
    assert body["data"][0] == {"eventDate": "2026-11-18", "eventKey": "", "eventData": {"pv": 1000, "uv": 40}}
    assert "a%2Eb.pv" in {item["eventKey"] for item in body["data"]}
    views = server.client.get(f"{API}/counts", params={**RANGE, "metrics": "pv"}).json()
    assert sum(item["eventData"]["pv"] for item in views["data"]) == 1000
    assert "uv" not in views["data"][0]["eventData"]


def test_series_and_top(server: Server) -> None:
    points = server.client.get(f"{API}/series", params={**RANGE, "interval": "hour", "tz": "Asia/Tokyo"}).json()["data"]
    assert len(points) == 72
    assert points[0]["time"] == "2026-11-18T00:00:00+09:00"
    assert set(points[0]) == {"time", "pv", "uv"}
    ranked = server.client.get(f"{API}/top", params={**RANGE, "dimension": "browser"}).json()["data"]
    assert set(ranked[0]) == {"value", "pv", "uv", "share"}
    assert sum(item["share"] for item in ranked) == pytest.approx(1)


def test_rows_as_files(server: Server) -> None:
    params = {**RANGE, "dimension": "browser", "compare": "previous"}
    rows = server.client.get(f"{API}/top", params=params).json()["data"]
    table = server.client.get(f"{API}/top", params={**params, "format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.headers["content-disposition"] == 'attachment; filename="top.csv"'
    lines = table.text.splitlines()
    assert lines[0] == "value,pv,uv,share,before.pv,before.uv"
    assert [line.split(",")[:2] for line in lines[1:]] == [[row["value"], str(row["pv"])] for row in rows]
    text = server.client.get(f"{API}/top", params={**params, "format": "ndjson"})
    assert text.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in text.text.splitlines()] == rows
    pages = server.client.get(f"{API}/sessions/pages", params={**RANGE, "kind": "entry", "format": "csv"})
    assert pages.headers["content-disposition"] == 'attachment; filename="sessions-pages.csv"'
    wrong = server.client.get(f"{API}/top", params={**params, "format": "xls"})
    assert (wrong.status_code, "one of json, csv, ndjson" in wrong.json()["detail"]) == (400, True)
    wrong = server.client.get(f"{API}/flows", params={**RANGE, "format": "csv"})
    assert (wrong.status_code, "JSON only" in wrong.json()["detail"]) == (400, True)


def test_ledger_and_lag(server: Server) -> None:
    server.queue.got = [Received("event", 29_900_000, 5)]
    server.queue.waiting = [Lag("store", "event", "0", 5, 2500)]
    body = server.client.get(f"{API}/ledger").json()
    assert body["total"] == {"received": 5, "stored": 0, "duplicate": 0, "rejected": 0, "queued": 5}
    assert body["balanced"] is True
    assert set(body["data"][0]) == {"topic", "minute", "received", "stored", "duplicate", "rejected", "queued"}
    waiting = server.client.get(f"{API}/lag").json()
    assert waiting["data"] == [{"group": "store", "topic": "event", "shard": "0", "events": 5, "seconds": 2.5}]
    assert waiting["drain"] == {"rate": 100.0, "seconds": 0.1}
    server.queue.got, server.queue.waiting = [], []


def test_one_event_and_rejects(server: Server) -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    high = int(at.timestamp() * 1000) << 16 | 0x7000
    server.services.sources.store.insert("events", frame([row(at, id="päth/1", receipt_high=high, site="other")]))
    found = server.client.get(f"{API}/events/{receipt_text(high, 0, 0).replace('#', '%23')}").json()
    assert (found["state"], found["id"]) == ("stored", "päth/1")
    missing = server.client.get(f"{API}/events/none")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    columns = {
        "topic": ["order"], "reason": ["field_missing"], "received": [at], "receipt_high": [high], "bytes": [b"{}"],
    }  # fmt: skip
    kinds = {"receipt_high": pl.UInt64, "received": pl.Datetime("ms", "UTC")}
    server.services.sources.store.insert("rejects", pl.DataFrame(columns, schema_overrides=kinds))
    listed = server.client.get(f"{API}/rejects").json()["data"]
    assert [(item["topic"], item["reason"], item["bytes"]) for item in listed] == [("order", "field_missing", "{}")]
    one = server.client.get(f"{API}/rejects/{listed[0]['id'].replace('#', '%23')}").json()
    assert one == listed[0]
    body = {"ids": [listed[0]["id"]], "bytes": '{"order_id":"1"}'}
    assert server.client.post(f"{API}/rejects/replay", json=body).json() == {"replayed": 1}
    assert server.replayed == [("order", b'{"order_id":"1"}')]
    assert server.client.post(f"{API}/rejects/replay", content=b"{}").status_code == 415
    assert server.client.post(f"{API}/rejects/replay", json={}).status_code == 400


@pytest.mark.parametrize(("path", "said"), [
    ("counts?from=2026-11-18", "to is missing"), ("counts?from=x&to=y", "no date"),
    ("counts?from=2026-11-21&to=2026-11-20", "is after"),
    ("counts?from=2026-11-18&to=2026-11-20&by=nothing", "unknown by"),
    ("counts?from=2026-11-18&to=2026-11-20&tz=Nowhere", "unknown tz"),
    ("top?from=2026-11-18&to=2026-11-20", "dimension"),
    ("counts?from=2026-11-18&to=2026-11-20&from=2026-11-19", "twice"), ("lag?x=1", "unknown parameter"),
    ("rejects/nonsense", "no id of a reject"), ("counts?from=2026-11-18&to=2026-11-20&site=%00", "no text"),
    ("counts?from=2026-11-18&to=2026-11-20&site=%ff", "no text"),
])  # fmt: skip
def test_wrong_requests(server: Server, path: str, said: str) -> None:
    answer = server.client.get(f"{API}/{path}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 400
    assert problem["title"]
    assert said in problem["detail"]


def test_other_errors_are_problems_too(server: Server) -> None:
    for path, status in (("/nowhere", 404), (f"{API}/nowhere", 404), (f"{API}/rejects/replay", 405)):
        answer = server.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    answer = server.client.post(f"{API}/counts")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    big = server.client.post(f"{API}/sql", content=b"x" * 3_000_000, headers={"content-type": "application/json"})
    assert big.status_code == 413


def test_sql(server: Server) -> None:
    answer = server.client.post(f"{API}/sql", json={"query": "SELECT count() AS n FROM events"}).json()
    assert answer["columns"] == ["n"]
    assert answer["data"][0][0] >= 1000
    for wrong in ("SELECT file('/etc/passwd')", "DROP TABLE events", "SELECT * FROM url('http://127.0.0.1/', 'CSV')"):
        refused = server.client.post(f"{API}/sql", json={"query": wrong})
        assert (refused.status_code, refused.json()["title"]) == (400, "Query refused")


def test_injection_stays_a_value(server: Server) -> None:
    evil = "x' OR 1=1; DROP TABLE events -- {a:String} \\' `"
    for name in ("topic", "site", "category", "action", "label", "value"):
        for route in ("counts", "series"):
            answer = server.client.get(f"{API}/{route}", params={**RANGE, name: evil})
            assert answer.status_code == 200
            assert sum(item.get("pv", 0) for item in answer.json()["data"]) == 0
    assert server.client.get(f"{API}/events/{evil}").status_code == 404
    assert server.client.get(f"{API}/counts", params=RANGE).json()["data"]


def test_live_streams_what_is_stored(server: Server) -> None:
    seen: list[str] = []
    got = threading.Event()

    def watch() -> None:
        with server.client.stream("GET", f"{API}/live", params={"site": "fresh"}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                seen.append(line)
                if line.startswith("data: {"):
                    got.set()
                    return

    watcher = threading.Thread(target=watch)
    watcher.start()
    now = server.services.clock()
    for batch in range(2, 20):
        server.services.sources.store.insert("events", frame([row(now, site="fresh", batch=batch, action="<b>")]))
        if got.wait(0.5):
            break
    watcher.join(20)
    assert ": watching" in seen
    event = json.loads(next(line for line in seen if line.startswith("data: {"))[6:])
    assert (event["site"], event["key"]) == ("fresh", "h5.<b>")


def test_openapi(server: Server) -> None:
    document = server.client.get(f"{API}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path in ("counts", "series", "top", "ledger", "lag", "rejects", "rejects/{id}", "events/{id}", "live", "sql"):
        assert f"{API}/{path}" in document["paths"]


def test_health_ready_metrics(server: Server) -> None:
    assert server.client.get("/health").json() == {"status": "ok"}
    assert server.client.get("/ready").status_code == 200
    run = server.settings.data_dir / "run"
    run.mkdir(exist_ok=True)
    (run / "collector-0.json").write_text('{"name":"collector-0","events":12,"connections_open":3,"x\\"y":1,"on":true}')
    (run / "collector-1.json").write_text("{")
    text = server.client.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = text.text.splitlines()
    assert 'eventmill_collector_events_total{process="collector-0"} 12' in lines
    assert 'eventmill_collector_connections_open{process="collector-0"} 3' in lines
    assert "eventmill_batches_total 3" in lines
    assert "eventmill_lag_events 0" in lines
    assert "# TYPE eventmill_collector_events_total counter" in lines
    assert not any('"y' in line or "_on" in line for line in lines)
