"""A collector process: listens, sweeps once a second, drains on SIGTERM."""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import uvloop

from eventmill.clock import Clock, system_clock
from eventmill.collect.collector import Collector
from eventmill.collect.door import Door
from eventmill.collect.intake import http
from eventmill.queue.base import Writer
from eventmill.settings import Settings
from eventmill.topics import Topic

log = logging.getLogger(__name__)
BACKLOG = 4096
DRAIN_SECONDS = 10.0
HURRY_SECONDS = 1.0


def run_collector(
    settings: Settings,
    sockets: Sequence[socket.socket],
    writer: Writer,
    name: str,
    *,
    clock: Clock = system_clock,
    reload_topics: Callable[[], Mapping[str, Topic] | None] | None = None,
    ready: Callable[[Collector], None] | None = None,
) -> None:
    """Serves bound stream sockets until SIGTERM or SIGINT, then drains: stops accepting, finishes what is in
    flight, answers, closes. A second signal shortens the wait; nothing that was answered is lost by it.

    The writer stays the caller's to close. `reload_topics` is asked once a second for a changed set of topics.
    """
    # A collector lives on objects that die young without cycles: the collector of cycles would only stall it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    uvloop.run(serve(settings, sockets, writer, name, clock=clock, reload_topics=reload_topics, ready=ready))


async def serve(
    settings: Settings,
    sockets: Sequence[socket.socket],
    writer: Writer,
    name: str,
    *,
    clock: Clock = system_clock,
    reload_topics: Callable[[], Mapping[str, Topic] | None] | None = None,
    ready: Callable[[Collector], None] | None = None,
) -> None:
    """The same on a running loop of uvloop; `ready` is called when it listens."""
    loop = asyncio.get_running_loop()
    paths = settings.collect.pixel_paths
    collector = Collector(settings, writer, loop, clock, name, lambda shared: http.routes(shared, paths))
    stop = asyncio.Event()
    hurry = asyncio.Event()

    def stopped() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped)
    servers = [await loop.create_server(lambda: Door(collector), sock=sock, backlog=BACKLOG) for sock in sockets]
    sweeper = asyncio.create_task(_sweep_forever(collector, settings.data_dir / "run" / f"{name}.json", reload_topics))
    if ready is not None:
        ready(collector)
    try:
        await stop.wait()
        for server in servers:
            server.close()
        await _drain(collector, hurry)
    finally:
        sweeper.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        collector.commit.close()


async def _sweep_forever(
    collector: Collector, path: Path, reload_topics: Callable[[], Mapping[str, Topic] | None] | None
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    collector.counters.pid = os.getpid()
    while True:
        try:
            collector.tick()
            collector.counters.publish(path)
            topics = reload_topics() if reload_topics is not None else None
            if topics is not None:
                collector.use_topics(topics)
        except Exception:
            log.exception("the collector's sweep failed; it goes on")
        await asyncio.sleep(1)


async def _drain(collector: Collector, hurry: asyncio.Event) -> None:
    """Ends every connection when it owes nothing any more, at the latest after the time for it."""
    loop = asyncio.get_running_loop()
    collector.draining = True
    deadline = loop.time() + DRAIN_SECONDS
    for door in list(collector.doors):
        door.drain()
    while collector.doors and loop.time() < deadline:
        if hurry.is_set():
            deadline = min(deadline, loop.time() + HURRY_SECONDS)
            hurry.clear()
        await asyncio.sleep(0.02)
    idle = asyncio.Event()
    collector.commit.when_idle(idle.set)
    try:
        await asyncio.wait_for(idle.wait(), HURRY_SECONDS if hurry.is_set() else DRAIN_SECONDS)
    except TimeoutError:
        log.warning("the disk does not answer: what waits for it is not acknowledged")
    for door in list(collector.doors):
        door.abort()
    await asyncio.sleep(0)
