"""A connection to RabbitMQ for callers that block: it lives on an event loop in a thread of its own."""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, AuthenticationError, ProbableAuthenticationError
from aiormq.exceptions import InvalidFrameError
from pamqp.exceptions import PAMQPException

from eventmill.queue.amqp.names import Layout
from eventmill.queue.base import QueueError, QueueUnavailable

T = TypeVar("T")
_CONNECT_S = 3.0
_CLOSE_S = 1.0
_HEARTBEAT_S = 10
_REFUSED = (AuthenticationError, ProbableAuthenticationError, InvalidFrameError)
"""The last where the virtual host is not there or not for us: closed instead of opened."""
_AWAY = (
    AMQPError, PAMQPException, OSError, RuntimeError, TimeoutError, EOFError, StopAsyncIteration,
    asyncio.CancelledError, concurrent.futures.CancelledError,
)  # fmt: skip

for _name in ("aio_pika", "aiormq"):  # they log what is raised here anyway
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Link:
    """Connects when first used, and again after a connection was lost or dropped."""

    def __init__(self, where: Layout) -> None:
        self._where = where
        self._connection: AbstractConnection | None = None
        self._loop = asyncio.new_event_loop()
        # Of tasks that ended with a lost connection: each is told to its caller already.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._connecting = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="amqp", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """The result of `work`, done on the loop. Raises QueueUnavailable where RabbitMQ is away or does not answer in
        time, QueueError where it does not let us in."""
        try:
            future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), self._loop)
            return future.result(seconds + _CLOSE_S)
        except QueueError:
            raise
        except _AWAY as error:
            reason = f"no answer in {seconds:g} s" if isinstance(error, TimeoutError) else str(error)
            raise QueueUnavailable(f"RabbitMQ at {self._where.shown}: {reason or type(error).__name__}") from error

    async def connection(self) -> AbstractConnection:
        """The connection; on the loop only."""
        async with self._connecting:
            if self._connection is None or not self._connection.connected.is_set():
                try:
                    self._connection = await aio_pika.connect(
                        self._where.url, timeout=_CONNECT_S, heartbeat=_HEARTBEAT_S
                    )
                except _REFUSED as error:
                    raise QueueError(f"queue: RabbitMQ at {self._where.shown} does not let us in: {error}") from error
            return self._connection

    def later(self, call: Callable[[], None]) -> None:
        """Calls it on the loop, before whatever `call` is given next."""
        self._loop.call_soon_threadsafe(call)

    def leave(self) -> None:
        """Leaves the connection, and whatever is under way on it; on the loop only. Does not wait."""
        connection, self._connection = self._connection, None
        if connection is not None:
            task = self._loop.create_task(_close(connection))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    def close(self) -> None:
        """Ends connection and thread."""
        if not self._thread.is_alive():
            return
        connection = self._connection
        if connection is not None:
            future = asyncio.run_coroutine_threadsafe(_close(connection), self._loop)
            with suppress(TimeoutError, concurrent.futures.CancelledError):
                future.result(2 * _CLOSE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2 * _CLOSE_S)

    def _run(self) -> None:
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self._loop.run_until_complete(asyncio.wait(tasks, timeout=_CLOSE_S))
        self._loop.close()


async def _close(connection: AbstractConnection) -> None:
    with suppress(*_AWAY):
        await asyncio.wait_for(connection.close(), _CLOSE_S)
