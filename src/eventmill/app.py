"""The composition root: the only place that opens backends and joins the parts.

Each function runs one process until it is told to stop. Imports are inside the functions, so that a collector
never loads what only the engine needs.
"""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from eventmill.settings import Settings

FAILPOINT = "EVENTMILL_FAILPOINT"
"""Names a point (`events`, `rejects`, `ledger`, `commit`) after which the worker kills itself: for crash tests."""


def write_settings(settings: Settings, path: Path) -> None:
    """The settings in force, for the processes of this machine. Only the owner may read them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(settings))


def read_settings(path: Path) -> Settings:
    """The inverse of `write_settings`."""
    return msgspec.json.decode(path.read_bytes(), type=Settings)


def run_collector(
    settings: Settings, number: int | None, sockets: list[socket.socket], on_ready: Callable[[], None]
) -> None:
    """A collector: the door on these sockets, its own shard of the queue (None: the first free one)."""
    from eventmill.collect.server import run_collector as run
    from eventmill.queue.open import open_writer

    writer = open_writer(settings, number)
    try:
        run(settings, sockets, writer, f"collector-{number or 0}", on_ready)
    finally:
        writer.close()


def run_engine(settings: Settings, listener: socket.socket | None, on_ready: Callable[[], None]) -> None:
    """The engine: owns the embedded store; the worker loop, housekeeping, and the API where given a socket."""
    from eventmill.engine import Engine

    engine = Engine(settings, kill_at=os.environ.get(FAILPOINT))
    if listener is None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        engine.start()
        on_ready()
        stop.wait()
    else:
        from eventmill.web.serve import run_web

        engine.start()
        run_web(engine.services, listener, on_ready)
    engine.stop()


def plan(settings: Settings) -> Path:
    """Writes the parent's plan and the settings under the data directory; returns the plan's path."""
    from eventmill.settings import address

    run = settings.data_dir / "run"
    run.mkdir(parents=True, exist_ok=True)
    write_settings(settings, run / "settings.json")
    content = {
        "settings": str(run / "settings.json"),
        "runtime": str(settings.data_dir / "runtime.json"),
        "collectors": settings.collect.processes,
        "collect": [address(listen) for listen in settings.collect.listen],
        "web": address(settings.web.listen),
        "banner": [
            ("queue", f"{settings.queue.url} durable: fsync before each answer"),
            ("store", settings.store.url),
            ("data", str(settings.data_dir)),
        ],
    }
    path = run / "plan.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
