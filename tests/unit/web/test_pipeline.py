"""The pipeline's page and `about` against what a small server holds; rates against totals that we move."""

import http.client
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from eventmill.queue.base import Lag, Received
from eventmill.settings import Queue
from eventmill.topics import Field, Topic
from eventmill.web.about import about
from eventmill.web.pipeline import pipeline, totals
from eventmill.web.rates import Meter
from tests.stored_events import frame, row
from tests.unit.web.conftest import Server

API = "/api/v1"


def test_the_page_says_what_the_parts_say(server: Server) -> None:
    data = server.settings.data_dir
    (data / "queue" / "shard-000").mkdir(parents=True, exist_ok=True)
    (data / "queue" / "shard-000" / "1.db").write_bytes(b"x" * 1234)
    server.queue.got = [Received("event", 29_900_000, 5)]
    server.queue.waiting = [Lag("store", "event", "0", 5, 2500)]
    body = server.client.get(f"{API}/pipeline").json()
    server.queue.got, server.queue.waiting = [], []
    assert body["ledger"] == {
        "total": {"received": 5, "stored": 0, "duplicate": 0, "rejected": 0, "queued": 5},
        "balanced": True,
        "topics": {"event": {"received": 5, "stored": 0, "duplicate": 0, "rejected": 0, "queued": 5}},
    }
    assert body["lag"] == [{"group": "store", "topic": "event", "shard": "0", "events": 5, "seconds": 2.5}]
    assert (body["waiting"], body["seconds"], body["drain"]) == (5, 2.5, {"rate": 100.0, "seconds": 0.1})
    assert body["store"]["rows"] >= 1000
    assert body["store"]["bytes"] > 1000
    assert body["store"]["parts"] >= 1
    assert body["queue"] == {"bytes": 1234, "files": 1, "quota": 20_000_000_000}
    assert 0 < body["disk"]["free"] <= shutil.disk_usage(data).total == body["disk"]["total"]
    assert body["trouble"] is None
    assert body["processes"] == []


def test_processes_are_those_of_the_runtime_file(server: Server) -> None:
    path = server.settings.data_dir / "runtime.json"
    words = [sys.executable, "-c", "print('up', flush=True); input()", "eventmill.parent"]
    parent = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()
    content = {
        "pid": parent.pid,
        "collect": ["127.0.0.1:4"],
        "processes": [
            {"name": "collector-0", "pid": 7, "ready": True, "restarts": 2, "started": 1_795_176_000.5},
            {"name": "engine", "pid": None, "ready": False, "restarts": 1, "started": None},
        ],
    }
    path.write_text(json.dumps(content))
    found = server.client.get(f"{API}/pipeline").json()["processes"]
    collect = server.client.get(f"{API}/about").json()["collect"]
    path.unlink()
    parent.communicate(b"\n")
    assert found == [
        {"name": "collector-0", "role": "collector", "pid": 7, "ready": True, "restarts": 2,
         "started": "2026-11-20T12:00:00.500Z"},
        {"name": "engine", "role": "engine", "pid": None, "ready": False, "restarts": 1, "started": None},
    ]  # fmt: skip
    assert collect == ["127.0.0.1:4"]


def test_rates_follow_the_flow(server: Server) -> None:
    run = server.settings.data_dir / "run"
    run.mkdir(exist_ok=True)
    now, gauges = 100.0, {}
    services = replace(server.services, gauges=lambda: gauges)
    meter = Meter(lambda: totals(services), lambda: now)

    def at(second: float, events: int, refused: int, stored: int, busy: float) -> None:
        nonlocal now, gauges
        now = second
        figures = {"events": events, "replies_4xx": refused, "replies_5xx": 0, "commit_failures": 0,
                   "commit_seconds": busy, "name": "collector-9"}  # fmt: skip
        (run / "collector-9.json").write_text(json.dumps(figures))
        gauges = {
            'worker_events_total{group="store"}': events,
            'worker_stored_total{group="store"}': stored,
            'worker_rejected_total{group="store",reason="poison"}': events - stored,
            'worker_step_seconds_total{group="store",step="decode"}': busy,
            'worker_step_seconds_total{group="store",step="insert"}': busy * 2,
        }
        meter.look()

    at(100, 0, 0, 0, 0)
    assert {row.rate for row in pipeline(services, meter).rates} == {None}
    at(110, 1000, 20, 990, 1)
    found = {row.step: row for row in pipeline(services, meter).rates}
    assert [*found] == ["door", "queue", "decode", "insert", "store"]
    assert (found["door"].rate, found["door"].errors) == (100, 2)
    assert (found["queue"].rate, found["queue"].busy) == (100, 0.1)
    assert (found["decode"].rate, found["decode"].busy, found["insert"].busy) == (100, 0.1, 0.2)
    assert (found["store"].rate, found["store"].errors) == (99, 1)
    # A process that began anew counts from zero: no negative rate, and nothing is made up.
    at(120, 500, 0, 500, 0.5)
    found = {row.step: row for row in pipeline(services, meter).rates}
    assert found["door"].rate == 75
    # What is older than half a minute is forgotten.
    at(155, 500, 0, 500, 0.5)
    assert pipeline(services, meter).rates[0].rate is None
    (run / "collector-9.json").unlink()


def test_a_queue_elsewhere_has_no_files_here(server: Server) -> None:
    settings = server.settings.__class__(data=server.settings.data, queue=Queue(url="kafka://broker:9092"))
    services = replace(server.services, settings=settings)
    found = pipeline(services, Meter(dict))
    assert found.queue is None
    assert found.rates[0].rate is None


def test_trouble_is_told(server: Server) -> None:
    services = replace(server.services, health=lambda: "no space left on device")
    assert pipeline(services, Meter(dict)).trouble == "no space left on device"


def test_about(server: Server) -> None:
    body = server.client.get(f"{API}/about").json()
    assert body["timezone"] == "UTC"
    assert body["collect"] == ["0.0.0.0:8080"]
    counted = server.client.get(f"{API}/top?from=2026-11-01&to=2026-11-30&dimension=site&limit=100").json()["data"]
    assert set(body["sites"]) >= {row["value"] for row in counted if row["value"]}
    assert body["first"] <= body["last"]
    assert {topic["name"] for topic in body["topics"]} == {"event", "request", "log"}
    assert server.client.get(f"{API}/about?x=1").status_code == 400
    assert server.client.get(f"{API}/pipeline?x=1").status_code == 400


def test_topics_are_shown_with_their_checks(server: Server) -> None:
    settings = server.settings.__class__(data=server.settings.data)
    fields = {"order_id": Field(required=True, max_length=64), "amount": Field(type="number", min=0)}
    settings.topics = {"order": Topic(aliases=["/order"], fields=fields, extra="reject")}
    found = {topic.name: topic for topic in about(replace(server.services, settings=settings)).topics}
    assert found["order"].fields == {
        "order_id": {"type": "string", "required": True, "max_length": 64},
        "amount": {"type": "number", "min": 0},
    }
    assert (found["order"].aliases, found["order"].extra, found["order"].managed) == (["/order"], "reject", False)
    assert found["event"].fields == {}


def test_a_meter_looks_by_itself(server: Server) -> None:
    """The server's own: after its start every total has been seen at least once."""
    before = server.client.get(f"{API}/pipeline").json()["rates"]
    assert {row["step"] for row in before} >= {"door", "queue", "store"}


@pytest.mark.parametrize("needle", ["a/b", "/a//b/", "ä/%2F", "a b?c#d", "..", "<script>1</script>"])
def test_an_id_may_hold_what_paths_are_made_of(server: Server, needle: str) -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    server.services.sources.store.insert("events", frame([row(at, id=needle, site="ids")]))
    connection = http.client.HTTPConnection(str(server.client.base_url.host), server.client.base_url.port)
    # Not by the client: it would tidy the path.
    connection.request("GET", f"{API}/events/{quote(needle, safe='')}")
    found = json.loads(connection.getresponse().read())
    connection.close()
    assert (found["state"], found["id"]) == ("stored", needle)
