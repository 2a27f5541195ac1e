"""A connection to beanstalkd. Commands are pipelined: many are sent before the first of their replies is read."""

import select
import socket
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

CONNECT_S = 2.0
ANSWER_S = 7.0
_AT_ONCE = 256
_BYTES = 1_000_000
_READ = 1 << 18
_WITH_BODY = {b"RESERVED", b"FOUND", b"OK"}


class Reply(NamedTuple):
    """`word` is the first of the reply's line, `number` the second where it is one (a job's id, mostly)."""

    word: bytes
    number: int
    body: bytes


class Wire:
    """One connection, for one thread at a time. Whatever raises OSError leaves it unusable."""

    def __init__(self, host: str, port: int, connect_s: float = CONNECT_S, answer_s: float = ANSWER_S) -> None:
        """Raises OSError."""
        self.answer_s = answer_s
        self._left = bytearray()
        self._socket = socket.create_connection((host, port), connect_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def ask(self, commands: Sequence[bytes], within: float | None = None) -> list[Reply]:
        """A reply for each command, in order. Raises OSError where the server is gone, where some hundred replies take
        more than `answer_s`, or all more than `within` seconds."""
        end = time.monotonic() + within if within is not None else None
        replies: list[Reply] = []
        for some in _windows(commands):
            deadline = end or time.monotonic() + self.answer_s
            self._wait(deadline)
            self._socket.sendall(b"".join(some))
            replies += [self._reply(deadline) for _ in some]
        return replies

    def stats(self, of: bytes = b"stats") -> dict[str, str]:
        """What `stats`, `stats-tube NAME` or `stats-job ID` tells; empty where there is no such thing."""
        (reply,) = self.ask([of + b"\r\n"])
        return told(reply)

    def is_usable(self) -> bool:
        """Whether the other side has not gone. Nothing is due between two commands: what can be read is the end."""
        return not select.select([self._socket], [], [], 0)[0]

    def close(self) -> None:
        """What this connection had reserved is ready for others."""
        self._socket.close()

    def _reply(self, deadline: float) -> Reply:
        while (end := self._left.find(b"\r\n")) < 0:
            self._more(deadline)
        word, *rest = bytes(self._left[:end]).split()
        body, after = b"", end + 2
        if word in _WITH_BODY:
            size = int(rest[-1])
            while len(self._left) < after + size + 2:
                self._more(deadline)
            body = bytes(self._left[after : after + size])
            after += size + 2
        del self._left[:after]
        return Reply(word, int(rest[0]) if rest and rest[0].isdigit() else 0, body)

    def _more(self, deadline: float) -> None:
        self._wait(deadline)
        got = self._socket.recv(_READ)
        if not got:
            raise ConnectionError("beanstalkd has closed the connection")
        self._left += got

    def _wait(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("beanstalkd does not answer in time")
        self._socket.settimeout(left)


def told(reply: Reply) -> dict[str, str]:
    """The names and values in the body of a `stats` reply."""
    pairs = (line.partition(": ") for line in reply.body.decode("ascii", "replace").splitlines())
    return {name: value.strip('"') for name, colon, value in pairs if colon}


def _windows(commands: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """As many at a time as can be sent while the replies pile up unread."""
    first = size = 0
    for at, command in enumerate(commands):
        if at > first and (at - first >= _AT_ONCE or size + len(command) > _BYTES):
            yield commands[first:at]
            first, size = at, 0
        size += len(command)
    if first < len(commands):
        yield commands[first:]
