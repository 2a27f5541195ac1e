"""Clients of one byte a second: `python -m tests.faults.slow PORT COUNT`, a process of its own.

Prints how many were connected at once, and how many the server closed before their request was whole.
"""

import asyncio
import contextlib
import sys

REQUEST = (
    b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    b'{"category":"slow"' + b" " * 900
)
PATIENCE_S = 60


class Slow:
    """So many clients of one port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._door = asyncio.Semaphore(100)
        self._open = 0
        self.most = 0

    async def dribble(self, number: int) -> bool:
        """One client, until the server closes; whether it did so before the request's end."""
        async with self._door:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._open += 1
        self.most = max(self.most, self._open)
        # Half of them are slow in the head, half in the body.
        at = 20 if number % 2 else 120
        writer.write(REQUEST[:at])
        closed = asyncio.create_task(reader.read())
        while not closed.done() and at < len(REQUEST):
            await asyncio.wait([closed], timeout=1)
            try:
                writer.write(REQUEST[at : at + 1])
                await writer.drain()
            except ConnectionError:
                break
            at += 1
        self._open -= 1
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(closed, 10)
        writer.close()
        return at < len(REQUEST)


async def run(port: int, count: int) -> tuple[int, int]:
    slow = Slow(port)
    async with asyncio.timeout(PATIENCE_S):
        closed = await asyncio.gather(*(slow.dribble(number) for number in range(count)))
    return slow.most, sum(closed)


if __name__ == "__main__":
    print(*asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]))))
