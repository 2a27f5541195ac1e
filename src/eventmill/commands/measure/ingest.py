"""The server under load: durable pixels, batches, and the time until all of it can be queried."""

import threading
import time
import uuid
from collections.abc import Iterator

import msgspec

from eventmill.commands.delivery import Collector
from eventmill.commands.measure import load
from eventmill.commands.measure.ask import Api
from eventmill.commands.measure.figure import Figure, cpu_seconds
from eventmill.runtime import Runtime

PIXEL = "/event.png?category=bench&action=view&label=85&value=41"
BATCH = 1000
_SENDERS = 2


def door(server: Runtime, seconds: int) -> Figure:
    """Durable pixel requests. Raises `load.LoadError`."""
    collectors = [p.pid for p in server.processes if p.pid and p.name.startswith("collector")]
    before = cpu_seconds(collectors)
    answered, took, client = load.get(server.collect[0], PIXEL, seconds)
    cpu = (cpu_seconds(collectors) - before) / answered * 1e6
    return Figure("door: durable pixel requests", answered / took, "requests/s", cpu, f"client {client}")


def batches(server: Runtime, seconds: int) -> Iterator[Figure]:
    """NDJSON of 1,000 events a request: accepted, and then stored. The clients take processor time as well."""
    pids = [p.pid for p in server.processes if p.pid]
    api = Api(server.web)
    before = cpu_seconds(pids)
    begun = time.perf_counter()
    counts: list[int] = []
    senders = [
        threading.Thread(target=_send, args=(server.collector_url, begun + seconds, counts)) for _ in range(_SENDERS)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    events, took = sum(counts), time.perf_counter() - begun
    yield Figure("batch: events accepted, durable", events / took, "events/s", None, f"{BATCH:,} a request")
    api.wait_stored()
    took = time.perf_counter() - begun
    cpu = (cpu_seconds(pids) - before) / max(events, 1) * 1e6
    yield Figure("batch: events from socket to queryable", events / took, "events/s", cpu, f"{events:,} events")


def _send(url: str, until: float, counts: list[int]) -> None:
    total = 0
    key = uuid.uuid4().hex
    body = b"\n".join(
        msgspec.json.encode({
            "category": "bench", "action": "batch", "label": str(number % 40), "value": str(number % 7),
            "user": f"u{number}", "site": "bench.example", "duration_ms": number % 300,
            "url": f"https://bench.example/page/{number % 50}", "props": {"price": number / 100},
        })
        for number in range(BATCH)
    )  # fmt: skip
    with Collector(url) as collector:
        while time.perf_counter() < until:
            total += collector.post(body, f"{key}-{total}")
    counts.append(total)
