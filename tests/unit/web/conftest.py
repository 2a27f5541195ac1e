"""The application on a small store, asked through a real HTTP server on loopback."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from eventmill.alerts.deliver import Deliverer
from eventmill.alerts.loop import Watch
from eventmill.forget import Forgetting
from eventmill.query.ask import Sources
from eventmill.queue.memory import MemoryQueue
from eventmill.registry.database import Database
from eventmill.registry.open import open_database
from eventmill.settings import Settings, load
from eventmill.store.base import Store
from eventmill.store.clickhouse import open_store
from eventmill.web.api import END_STREAMS, create_app
from eventmill.web.services import Services
from tests.stored_events import frame, scattered
from tests.unit.query.queues import FakeQueue


@dataclass
class Server:
    """A running API, a client on it, and what it was built from."""

    client: httpx.Client
    services: Services
    queue: FakeQueue
    replayed: list[tuple[str, bytes]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    """Text of the keys that the test made, by name."""

    @property
    def settings(self) -> Settings:
        return self.services.settings


def no_names(host: str, port: int) -> list[str]:
    """A resolver for webhooks: a test asks nobody."""
    raise OSError(f"{host}:{port} is not looked up in tests")


@contextmanager
def serving(
    data: Path,
    listen: str = "127.0.0.1",
    prepare: Callable[[Database], None] = lambda _: None,
    store: Store | None = None,
    **changes: Any,
) -> Iterator[Server]:
    """A server on a store with a thousand events. It always listens on loopback; `listen` is the host that its
    settings say, and so who it takes its callers for. `prepare` fills the settings database before the start;
    `store` is that of a server which runs already: a process has one."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    settings = load(flags={"data": str(data), "web.listen": f"{listen}:{port}", "web.query_seconds": 5.0}, env={})
    settings.web.allowed_hosts = ["stats.example"]
    shared, store = store, store or open_store(settings)
    rows = scattered(1, 1000, datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
    if shared is None:
        store.insert("events", frame(rows))
    queue, replayed = FakeQueue(), []  # type: ignore[var-annotated]

    def replay(again: Sequence[tuple[str, bytes]]) -> int:
        replayed.extend(again)
        return len(again)

    sources = Sources(store, queue, settings.timezone, lambda: {"store": ["event"]}, lambda: 100.0)
    clock = changes.pop("clock", lambda: 1_795_176_000_000)
    registry = open_database(settings, clock)
    prepare(registry)
    watch = Watch(registry, sources, Deliverer(resolve=no_names), clock=clock)
    changes = {"alerts": watch, "forgetting": Forgetting(store, MemoryQueue()), **changes}
    services = Services(
        sources, settings, replay, clock=clock, gauges=lambda: {"batches_total": 3}, registry=registry, **changes
    )
    app = create_app(services)
    running = uvicorn.Server(
        uvicorn.Config(app, access_log=False, log_config=None, ws="none", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            for _ in range(200):
                if running.started:
                    break
                threading.Event().wait(0.02)
            yield Server(client, services, queue, replayed)
    finally:
        app.state[END_STREAMS]()
        running.should_exit = True
        thread.join()
        listener.close()
        if shared is None:
            store.close()
        registry.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("data")) as running:
        yield running
