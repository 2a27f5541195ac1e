"""Rates from totals that only grow: two looks at them and the time between."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

WINDOW_S = 30.0
EVERY_S = 5.0
Totals = Mapping[str, float]


class Meter:
    """The growth of each total a second, over the last half minute. `look` reads the totals.

    A total that shrank began anew (its process restarted): what it has then is what it grew by. One that is seen
    for the first time has no rate yet.
    """

    def __init__(self, look: Callable[[], Totals], now: Callable[[], float] = time.monotonic) -> None:
        self._look, self._now = look, now
        self._seen: deque[tuple[float, Totals]] = deque()

    def look(self) -> None:
        """One look. Called from one thread at a time."""
        now = self._now()
        self._seen.append((now, dict(self._look())))
        while now - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()

    def rates(self) -> dict[str, float]:
        """By the totals' names; empty before the second look."""
        seen = list(self._seen)
        if len(seen) < 2:
            return {}
        span = max(seen[-1][0] - seen[0][0], 1e-3)
        grown: dict[str, float] = {}
        for (_, before), (_, after) in pairwise(seen):
            for name, total in after.items():
                if name in before:
                    grown[name] = grown.get(name, 0.0) + (total - before[name] if total >= before[name] else total)
        return {name: growth / span for name, growth in grown.items()}

    @asynccontextmanager
    async def running(self, run: Callable[[Callable[[], None]], Awaitable[object]]) -> AsyncIterator[None]:
        """Looks every few seconds for the length of the block; `run` takes a call to a thread."""

        async def forever() -> None:
            while True:
                with suppress(Exception):  # a look that fails is one point less
                    await run(self.look)
                await asyncio.sleep(EVERY_S)

        task = asyncio.create_task(forever())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
