"""Load on a door or any HTTP server: wrk where it is installed, else a plain client of our own."""

import asyncio
import re
import shutil
import subprocess
import time
from typing import cast

CONNECTIONS = 64
_WRK = re.compile(rb"(\d+) requests in ([\d.]+)(ms|s|m)")
_WRK_BAD = re.compile(rb"Non-2xx or 3xx responses: (\d+)")


class LoadError(Exception):
    """The server answered something else than 200."""


def get(where: str, path: str, seconds: int) -> tuple[int, float, str]:
    """(requests answered with 200, seconds, the client's name) of GETs over kept connections. Raises LoadError."""
    if shutil.which("wrk"):
        return (*_wrk(f"http://{where}{path}", seconds), "wrk")
    return (*asyncio.run(_plain(where, path, seconds)), "asyncio")


def _wrk(url: str, seconds: int) -> tuple[int, float]:
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url]
    done = subprocess.run(words, capture_output=True, check=False, timeout=seconds + 30)
    found = _WRK.search(done.stdout)
    if found is None or _WRK_BAD.search(done.stdout):
        raise LoadError(f"{url}: {done.stdout.decode(errors='replace')} {done.stderr.decode(errors='replace')}")
    scale = {b"ms": 0.001, b"s": 1.0, b"m": 60.0}[found[3]]
    return int(found[1]), float(found[2]) * scale


async def _plain(where: str, path: str, seconds: int) -> tuple[int, float]:
    host, _, port = where.rpartition(":")
    loop = asyncio.get_running_loop()
    request = f"GET {path} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode()
    begun = time.perf_counter()
    clients = [_Client(request, begun + seconds) for _ in range(CONNECTIONS)]
    try:
        for client in clients:
            await loop.create_connection(lambda client=client: client, host.strip("[]"), int(port))  # type: ignore[misc]
        await asyncio.gather(*(client.done for client in clients))
    finally:
        for client in clients:
            client.abort()
        await asyncio.gather(*(client.done for client in clients), return_exceptions=True)
        await asyncio.sleep(0)  # the loop closes their sockets in its next round
    return sum(client.answered for client in clients), time.perf_counter() - begun


class _Client(asyncio.Protocol):
    """Sends the same request again as soon as the answer is whole. Every answer has the length of the first."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request, self._until = request, until
        self._length = self._got = self.answered = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def abort(self) -> None:
        """Ends the connection, where there is one."""
        if self._transport is not None:
            self._transport.abort()
        elif not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        if not self._got and not data.startswith(b"HTTP/1.1 200"):
            if not self.done.done():
                self.done.set_exception(LoadError(data[:200].decode(errors="replace")))
            self.abort()
            return
        self._got += len(data)
        if not self._length:
            self._length = _length(data)
        if self._got < self._length:
            return
        self.answered, self._got = self.answered + 1, 0
        if self._transport is not None and time.perf_counter() < self._until:
            self._transport.write(self._request)
        elif self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the base class names it
        if not self.done.done():
            self.done.set_result(None)


def _length(data: bytes) -> int:
    """Bytes of the whole answer; 0 until its head is there."""
    head, end, _ = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    return len(head) + len(end) + int(found[1]) if end and found else 0
