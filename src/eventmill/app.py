"""The composition root: the only place that opens backends and joins the parts.

Each function runs one process until it is told to stop. Imports are inside the functions, so that a collector
never loads what only the engine needs.
"""

import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from eventmill.settings import MANAGED, Settings, SettingsError, is_loopback, managed_topics
from eventmill.topics import Topic, TopicError, groups, with_defaults

if TYPE_CHECKING:
    from eventmill.engine import Engine
    from eventmill.forget import Forgetting
    from eventmill.query.ask import Sources
    from eventmill.registry.base import Goal
    from eventmill.registry.database import Database
    from eventmill.web.services import Services

log = logging.getLogger(__name__)

FAILPOINT = "EVENTMILL_FAILPOINT"
"""Names a point (`events`, `rejects`, `ledger`, `commit`) after which the worker kills itself: for crash tests."""


_DURABLE = {
    "fsync": "fsync: an answer is sent after the disk has the event",
    "replicated": "replicated: an answer is sent after two machines have the event",
    "relaxed": "relaxed, as asked for: a power cut may lose what was answered",
}


def write_settings(settings: Settings, path: Path) -> None:
    """The settings in force, for the processes of this machine. Only the owner may read them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")  # replaced whole: another process may be reading it
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(settings))
    new.replace(path)


def settings_path(settings: Settings) -> Path:
    """Where the processes of this machine read them."""
    return settings.data_dir / "run" / "settings.json"


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
        run(
            settings,
            sockets,
            writer,
            f"collector-{number or 0}",
            reload_topics=TopicWatch(settings).changed,
            ready=on_ready,
        )
    finally:
        writer.close()


def run_engine(settings: Settings, listener: socket.socket | None, on_ready: Callable[[], None]) -> None:
    """The engine: owns the embedded store; the worker loop, housekeeping, and the API where given a socket."""
    if listener is None:  # under a parent they are written already
        write_settings(settings, settings_path(settings))
    engine = open_engine(settings, workers=True)
    if listener is None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        engine.start()
        on_ready()
        stop.wait()
    else:
        serve_engine(engine, listener, on_ready)
    engine.stop()


def run_web(settings: Settings, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """The API and the dashboard alone, beside workers elsewhere."""
    write_settings(settings, settings_path(settings))
    engine = open_engine(settings, workers=False)
    serve_engine(engine, listener, on_ready)
    engine.stop()


def serve_engine(engine: "Engine", listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serves the API of an engine until a signal."""
    from eventmill.web.serve import run_web as serve

    engine.start()
    serve(services(engine), listener, on_ready)


def services(engine: "Engine") -> "Services":
    """What the web asks of an engine."""
    from eventmill.registry.local import make_local_key
    from eventmill.resend import resend
    from eventmill.web.services import Services

    settings = engine.settings
    return Services(
        engine.sources,
        settings,
        replay=partial(resend, settings.data_dir / "runtime.json"),
        health=engine.trouble,
        gauges=engine.gauges,
        registry=engine.registry,
        local_key=make_local_key(settings.data_dir),
        forgetting=engine.forgetting,
        alerts=engine.alerts,
    )


def open_engine(settings: Settings, *, workers: bool) -> "Engine":
    """Opens the store, the readers and the settings database. Raises StoreError, QueueError or RegistryError."""
    # Batches are small and many: more threads cost memory and win nothing beside the store's own.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    # The store opens outside of Python's lock: meanwhile the other core loads the rest.
    loading = threading.Thread(target=_load, daemon=True)
    loading.start()
    from eventmill.store.clickhouse import open_store

    store = open_store(settings)
    loading.join()
    from eventmill.engine import Engine
    from eventmill.queue.open import open_reader
    from eventmill.store.retention import expire

    registry = open_registry(settings)
    return Engine(
        settings,
        store,
        registry,
        work_reader=open_reader(settings),
        look_reader=open_reader(settings),
        watch=TopicWatch(settings),
        expire=lambda keep_ms, now_ms: expire(store, keep_ms, now_ms, settings.timezone),
        settings_file=settings_path(settings),
        workers=workers,
        kill_at=os.environ.get(FAILPOINT),
    )


def _load() -> None:
    for module in ("eventmill.engine", "eventmill.registry.open", "eventmill.web.serve"):
        import_module(module)


def open_registry(settings: Settings) -> "Database":
    """The settings database. While it is open, each change of keys reaches the door of this machine.

    Raises RegistryError.
    """
    from eventmill.registry.door import publish_keys
    from eventmill.registry.open import open_database

    database = open_database(settings)
    publish = partial(publish_keys, database, settings.data_dir)
    publish()  # another machine may have changed them
    database.after_change(publish)
    return database


def unprotected(settings: Settings) -> str | None:
    """Why `web.listen` may not be served, with the mend; None where it may. Raises RegistryError."""
    if is_loopback(settings.web.listen):
        return None  # without opening it: the library alone takes half a second, and the engine opens it anyway
    with closing(open_registry(settings)) as registry:
        from eventmill.web.guard import ListenError, check_listen

        try:
            check_listen(settings, registry)
        except ListenError as error:
            return str(error)
        return None


@contextmanager
def open_sources(settings: Settings) -> Iterator["Sources"]:
    """What questions are asked of, where no server runs on the data directory. Raises StoreError or QueueError."""
    from eventmill.query.ask import Sources
    from eventmill.queue.open import open_reader
    from eventmill.store.clickhouse import open_store

    with closing(open_store(settings)) as store, closing(open_reader(settings)) as reader:
        yield Sources(
            store, reader, settings.timezone, lambda: groups(settings.topics), products=settings.products,
            goals=partial(_saved_goals, settings),
        )  # fmt: skip


def _saved_goals(settings: Settings) -> Sequence["Goal"]:
    from eventmill.registry.goals import list_goals

    with closing(open_registry(settings)) as registry:
        return list_goals(registry)


@contextmanager
def open_forgetting(settings: Settings) -> Iterator["Forgetting"]:
    """What erases, where no server runs on the data directory. Raises StoreError or QueueError."""
    from eventmill.forget import Forgetting
    from eventmill.query.closed import ClosedDays
    from eventmill.queue.open import open_reader
    from eventmill.store.clickhouse import open_store

    with closing(open_store(settings)) as store, closing(open_reader(settings)) as reader:
        yield Forgetting(store, reader, clean=ClosedDays(store, settings.timezone).forget)


def queue_schemes() -> Iterable[str]:
    """The schemes of queue URLs that this version knows."""
    from eventmill.queue.open import BACKENDS

    return BACKENDS


class TopicWatch:
    """Notices topics added or removed while running: `eventmill topics` writes a file in the data directory."""

    def __init__(self, settings: Settings) -> None:
        self._data = settings.data_dir
        self._path = settings.data_dir / MANAGED
        managed = managed_topics(self._data)
        # Where both declare a topic the file's won at the start, and goes on winning.
        self._declared = {name: topic for name, topic in settings.topics.items() if topic != managed.get(name)}
        self._seen = self._mark()

    def changed(self) -> Mapping[str, Topic] | None:
        """All topics, where the file has changed since the last call; None where not, or where it is wrong."""
        mark = self._mark()
        if mark == self._seen:
            return None
        self._seen = mark
        try:
            return with_defaults({**managed_topics(self._data), **self._declared})
        except (SettingsError, TopicError) as error:
            log.error("%s", error)
            return None

    def _mark(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


def plan(settings: Settings, lock: int) -> Path:
    """Writes the parent's plan and the settings under the data directory, which `lock` (a descriptor of
    `parent.claim`) holds; returns the plan's path. Raises QueueError, and StoreError where the store is a newer
    eventmill's: before any process has taken an event into a directory that this version must not touch. Raises
    SettingsError where `geo.database` cannot be read.
    """
    from eventmill.queue.open import durability
    from eventmill.registry.local import make_local_key
    from eventmill.settings import address
    from eventmill.store import migrate
    from eventmill.work.geo import open_countries

    open_countries(settings.geo.database)
    if settings.store.url.startswith("chdb:"):
        migrate.check_file(
            migrate.mark_file(migrate.directory(settings.store.url, settings.data_dir)), settings.timezone
        )
    means = _DURABLE[durability(settings)]
    run = settings.data_dir / "run"
    run.mkdir(parents=True, exist_ok=True)
    write_settings(settings, settings_path(settings))
    make_local_key(settings.data_dir)  # before anything listens: a command may ask at once, and waits
    content = {
        "settings": str(settings_path(settings)),
        "runtime": str(settings.data_dir / "runtime.json"),
        "lock": lock,
        "collectors": settings.collect.processes,
        "collect": [address(listen) for listen in settings.collect.listen],
        "web": address(settings.web.listen),
        "banner": [
            ("queue", f"{settings.queue.url}, durability class {means}"),
            ("store", settings.store.url),
            ("data", str(settings.data_dir)),
        ],
    }
    path = run / "plan.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
