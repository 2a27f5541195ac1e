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
_KEYS_S = 0.5
"""A key that is added or removed is in force after this time."""


ReloadTopics = Callable[[], Mapping[str, Topic] | None]
"""Asked once a second: the topics where they have changed, else None."""


class Stop:
    """Asks a collector to end: the first call to drain, the second to hurry. Belongs to the loop's thread."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def __call__(self) -> None:
        (self.hurried if self.asked.is_set() else self.asked).set()


def run_collector(
    settings: Settings,
    sockets: Sequence[socket.socket],
    writer: Writer,
    name: str,
    *,
    clock: Clock = system_clock,
    reload_topics: ReloadTopics | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves bound stream sockets until SIGTERM or SIGINT, then drains: stops accepting, finishes what is in
    flight, answers, closes. A second signal shortens the wait; nothing that was answered is lost by it.

    The writer stays the caller's to close. Figures go to `<data>/run/<name>.json` once a second.
    """
    # What a collector makes dies young and without cycles: looking for cycles would only stall it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)

    async def until_signalled() -> None:
        stop = Stop()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        paths = settings.collect.pixel_paths
        collector = Collector(settings, writer, loop, clock, name, lambda shared: http.routes(shared, paths))
        await serve(collector, sockets, settings.data_dir / "run" / f"{name}.json", stop, reload_topics, ready)

    uvloop.run(until_signalled())


async def serve(
    collector: Collector,
    sockets: Sequence[socket.socket],
    figures: Path,
    stop: Stop,
    reload_topics: ReloadTopics | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """The same on a running loop of uvloop, until `stop` is called."""
    loop = asyncio.get_running_loop()
    figures.parent.mkdir(parents=True, exist_ok=True)
    servers = [await loop.create_server(lambda: Door(collector), sock=sock, backlog=BACKLOG) for sock in sockets]
    ready()
    sweeper = asyncio.create_task(_sweep_forever(collector, figures, reload_topics))
    keys = asyncio.create_task(_follow_keys(collector))
    try:
        await stop.asked.wait()
        for server in servers:
            server.close()
        await _drain(collector, stop)
    finally:
        sweeper.cancel()
        keys.cancel()
        collector.commit.close()
        collector.counters.publish(figures)


async def _sweep_forever(collector: Collector, figures: Path, reload_topics: ReloadTopics | None) -> None:
    collector.counters.pid = os.getpid()
    while True:
        try:
            collector.tick()
            collector.counters.publish(figures)
            topics = reload_topics() if reload_topics is not None else None
            if topics is not None:
                collector.use_topics(topics)
        except Exception:
            log.exception("the collector's sweep failed; it goes on")
        await asyncio.sleep(1)


async def _follow_keys(collector: Collector) -> None:
    while True:
        await asyncio.sleep(_KEYS_S)
        collector.keys.reload()


async def _drain(collector: Collector, stop: Stop) -> None:
    """Ends every connection when it owes nothing any more, at the latest after the time for it."""
    loop = asyncio.get_running_loop()
    collector.draining = True
    deadline = loop.time() + DRAIN_SECONDS
    for door in list(collector.doors):
        door.drain()
    idle = asyncio.Event()
    collector.commit.when_idle(idle.set)
    while (collector.doors or not idle.is_set()) and loop.time() < deadline:
        if stop.hurried.is_set():
            deadline = min(deadline, loop.time() + HURRY_SECONDS)
            stop.hurried.clear()
        await asyncio.sleep(0.02)
    if not idle.is_set():
        log.warning("the disk does not answer: what waits for it is not acknowledged")
    for door in list(collector.doors):
        door.abort()
    await asyncio.sleep(0)
