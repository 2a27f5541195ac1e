"""A collector in a thread of the test, its queue in memory, and raw sockets to speak to it."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from eventmill.collect.collector import Collector
from eventmill.collect.intake import http
from eventmill.collect.server import Stop, serve
from eventmill.queue.base import Draft, Writer
from eventmill.queue.memory import MemoryQueue
from eventmill.settings import Collect, Settings
from eventmill.topics import Topic, with_defaults

TOPICS = {
    "financial_pro": Topic(aliases=["/financial_pro"], field_count=4),
    "order": Topic(),
}
PLAIN = b"Host: x\r\n"


class HeldQueue(MemoryQueue):
    """A queue in memory whose appends wait while `hold` is cleared, and keep what they were given."""

    def __init__(self) -> None:
        super().__init__()
        self.drafts: list[Draft] = []
        self.hold = threading.Event()
        self.hold.set()
        self.entered = threading.Event()
        self.failure: Exception | None = None

    def append(self, drafts: Any) -> None:
        self.entered.set()
        assert self.hold.wait(30)
        if self.failure is not None:
            raise self.failure
        super().append(drafts)
        self.drafts.extend(drafts)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line that is durable."""
        return [json.loads(line) for draft in list(self.drafts) for line in draft.body.splitlines()]

    @property
    def heads(self) -> list[dict[str, Any]]:
        return [json.loads(line) for draft in list(self.drafts) for line in draft.heads.splitlines()]

    @property
    def everything(self) -> bytes:
        return b"".join(draft.heads + draft.body for draft in list(self.drafts))


@dataclass
class Reply:
    """One reply as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A collector that serves on `port`."""

    port: int
    queue: HeldQueue
    collector: Collector
    stop: Callable[[], None]
    call: Callable[[Callable[[], None]], None]
    data: Path

    def connect(self, address: str = "127.0.0.1") -> "Client":
        return Client(socket.create_connection((address, self.port), 10))

    def ask(self, data: bytes) -> Reply:
        """One request on a connection of its own."""
        with self.connect() as client:
            client.send(data)
            return client.reply()

    def get(self, target: str, headers: bytes = b"") -> Reply:
        return self.ask(b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (target.encode(), headers))

    def post(self, target: str, body: bytes, headers: bytes = b"") -> Reply:
        return self.ask(post(target, body, headers))

    def wait(self, true: Callable[[], bool], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.005)


def get(target: str, headers: bytes = b"") -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (target.encode(), headers)


def post(target: str, body: bytes, headers: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n%b" % (
        target.encode(),
        len(body),
        headers,
        body,
    )


class Client:
    """One connection, byte by byte."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reply(self, *, bodiless: bool = False) -> Reply:
        """The next reply. Raises EOFError where the connection ends before one."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if bodiless else int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            self._more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Reply(int(status.split()[1]), headers, body)

    def _more(self) -> None:
        data = self.sock.recv(65_536)
        if not data:
            raise EOFError(self._buffer)
        self._buffer += data

    def at_end(self) -> bool:
        """Whether the server closes now, having sent nothing more."""
        self.sock.settimeout(10)
        try:
            return self._buffer == b"" and self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def running(
    data: Path,
    collect: Collect | None = None,
    *,
    topics: dict[str, Topic] | None = None,
    writer: Writer | None = None,
    clock: Callable[[], int] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[Running]:
    """A collector until the block ends; then it must have drained."""
    settings = Settings(
        data=str(data), collect=collect or Collect(), topics=with_defaults(TOPICS if topics is None else topics)
    )
    queue = HeldQueue()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.bind((host, 0))
    listener.listen(1024)
    started = threading.Event()
    made: list[tuple[Collector, Stop, asyncio.AbstractEventLoop]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        stop = Stop()
        paths = settings.collect.pixel_paths
        collector = Collector(
            settings,
            writer or queue,
            loop,
            clock or (lambda: time.time_ns() // 1_000_000),
            "test",
            lambda shared: http.routes(shared, paths),
        )
        made.append((collector, stop, loop))
        loop.call_soon(started.set)
        await serve(collector, [listener], settings.data_dir / "run" / "test.json", stop)

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    assert started.wait(10)
    collector, stop, loop = made[0]
    call = loop.call_soon_threadsafe
    try:
        yield Running(listener.getsockname()[1], queue, collector, lambda: call(stop), call, settings.data_dir)
    finally:
        queue.hold.set()
        with suppress(RuntimeError):  # it has ended already
            call(stop)
            call(stop)
        thread.join(20)
        assert not thread.is_alive()


def encoded(value: object) -> bytes:
    return msgspec.json.encode(value)
