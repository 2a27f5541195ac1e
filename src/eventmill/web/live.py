"""One look at the store a second, shared by all who watch; none while nobody does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from litestar.response.sse import ServerSentEventMessage

from eventmill.clock import Clock
from eventmill.query import live
from eventmill.query.model import Filter
from eventmill.query.source import Store, StoreError
from eventmill.web.problems import Busy

Run = Callable[[Callable[[], Any]], Awaitable[Any]]
EVERY_S = 1.0
MOST = 100
"""Events shown of one look: the newest."""
WATCHERS = 50


class Watcher:
    """One who watches: a filter and what waits to be sent."""

    def __init__(self, chosen: Filter) -> None:
        self.chosen = chosen
        self.waiting: asyncio.Queue[list[live.LiveEvent] | None] = asyncio.Queue(maxsize=10)

    def offer(self, events: list[live.LiveEvent] | None) -> None:
        # Who reads too slowly misses looks; it does not fill the memory.
        with contextlib.suppress(asyncio.QueueFull):
            self.waiting.put_nowait(events)


class Broadcast:
    """Asks for each distinct filter once a look."""

    def __init__(self, store: Store, clock: Clock, run: Run) -> None:
        self._store, self._clock, self._run = store, clock, run
        self._watchers: set[Watcher] = set()
        self._positions: dict[bytes, live.Position] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def subscribe(self, chosen: Filter) -> AsyncIterator[ServerSentEventMessage]:
        """Server-sent events: `event` for each event that is stored after this call, a comment line while there is
        none. Raises `Busy` and what the store raises."""
        if len(self._watchers) >= WATCHERS:
            raise Busy(f"{WATCHERS} are watching already")
        return self._stream(chosen, await self._run(lambda: live.start(self._store, self._clock())))

    def close(self) -> None:
        """Ends all streams, so that a stop does not wait for those who watch."""
        self._closed = True
        for watcher in self._watchers:
            watcher.offer(None)

    async def _stream(self, chosen: Filter, end: live.Position) -> AsyncIterator[ServerSentEventMessage]:
        watcher = Watcher(chosen)
        self._watchers.add(watcher)
        # Who watches the same already may be a look behind: then that look is for both.
        self._positions.setdefault(_name(chosen), end)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            yield ServerSentEventMessage(data=None, comment="watching")
            while not self._closed:
                try:
                    events = await asyncio.wait_for(watcher.waiting.get(), timeout=15)
                except TimeoutError:
                    yield ServerSentEventMessage(data=None, comment="nothing new")
                    continue
                for event in events or ():
                    yield ServerSentEventMessage(
                        data=msgspec.json.encode(event), event="event", id=event.receipt, sep="\n"
                    )
        finally:
            self._watchers.discard(watcher)

    async def _look(self) -> None:
        while self._watchers and not self._closed:
            watched = self._by_filter()
            self._positions = {name: self._positions[name] for name in watched}
            for name, watchers in watched.items():
                with contextlib.suppress(StoreError, Busy):
                    position, chosen = self._positions[name], watchers[0].chosen
                    found = await self._run(partial(live.newer, self._store, chosen, position, MOST))
                    for watcher in watchers if found else ():
                        watcher.offer(found)
            await asyncio.sleep(EVERY_S)
        self._positions.clear()

    def _by_filter(self) -> dict[bytes, list[Watcher]]:
        found: dict[bytes, list[Watcher]] = {}
        for watcher in self._watchers:
            found.setdefault(_name(watcher.chosen), []).append(watcher)
        return found


def _name(chosen: Filter) -> bytes:
    return msgspec.json.encode(chosen)
