"""The bounds that keep one peer, or all of them, from taking the collector down."""

import resource

import msgspec

from eventmill import settings as config

MAX_URL = 16_384
MAX_HEAD = 32_768
MAX_HEADERS = 100
MAX_PIPELINED = 512
"""Requests of one connection that may wait for the disk before its reading stops."""
LINGER_SECONDS = 2
LINGER_BYTES = 16_000_000
"""After an early error so much is read and thrown away, so that the client can read the reply."""
STALL_SECONDS = 2
"""A commit that runs longer makes the door answer 503 at once."""
WRITE_SECONDS = 30
"""A peer that does not take its replies for so long is cut off."""
MALFORMED_PER_MINUTE = 100
"""Malformed bodies of one address that are kept in a minute; the rest is only counted."""
MALFORMED_KEPT = 65_536
"""Bytes of a malformed body that are kept."""
MAX_REQUESTS_PER_DRAFT = 1 << 22
"""What one block of receipts has room for (`event.ReceiptSource`)."""
DESCRIPTOR_RESERVE = 32
"""Descriptors kept for the queue, the logs and the listeners."""


class Limits(msgspec.Struct, frozen=True):
    """The configured bounds: sizes in bytes, times in seconds."""

    max_body: int
    queue_memory: int
    header_timeout: float
    body_timeout: float
    idle_timeout: float
    connections: int

    @classmethod
    def of(cls, collect: config.Collect) -> "Limits":
        return cls(
            max_body=config.size(collect.max_body),
            queue_memory=config.size(collect.queue_memory),
            header_timeout=collect.header_timeout,
            body_timeout=collect.body_timeout,
            idle_timeout=collect.idle_timeout,
            connections=connection_limit(),
        )


def connection_limit() -> int:
    """Connections this process may hold, after raising its soft descriptor limit to the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(8, hard - DESCRIPTOR_RESERVE)


class MalformedBound:
    """Counts malformed bodies by source address and minute."""

    __slots__ = ("_minute", "_seen")

    def __init__(self) -> None:
        self._minute = 0
        self._seen: dict[str, int] = {}

    def keep(self, address: str, now_s: int) -> bool:
        """Whether one more malformed body of `address` is kept."""
        minute = now_s // 60
        if minute != self._minute or len(self._seen) > 100_000:
            self._minute = minute
            self._seen.clear()
        count = self._seen.get(address, 0) + 1
        self._seen[address] = count
        return count <= MALFORMED_PER_MINUTE
