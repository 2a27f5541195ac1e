"""Store calls run in threads, few at a time, so that the event loop stays free and memory has an end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from eventmill.web.problems import Busy

T = TypeVar("T")


class Threads:
    """Runs `parallel` calls at once; beyond `waiting` more it refuses with `Busy`."""

    def __init__(self, parallel: int = 3, waiting: int = 100) -> None:
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="query")
        self._most = parallel + waiting
        self._now = 0

    async def run(self, call: Callable[[], T]) -> T:
        """The result of the call. Raises what it raises, or `Busy`."""
        if self._now >= self._most:
            raise Busy(f"{self._now} queries wait already: try again")
        self._now += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        finally:
            self._now -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
