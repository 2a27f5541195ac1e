"""Where answers come from: the store and the queue, as far as queries and the web see them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from eventmill.store.base import QueryRefused, Store, StoreError, StoreUnavailable

__all__ = [
    "EntryRow",
    "LagRow",
    "QueryRefused",
    "Queue",
    "ReceivedRow",
    "Store",
    "StoreError",
    "StoreUnavailable",
]


class ReceivedRow(Protocol):
    """How many events of a topic were made durable in a minute (counted from the epoch)."""

    @property
    def topic(self) -> str: ...
    @property
    def minute(self) -> int: ...
    @property
    def count(self) -> int: ...


class LagRow(Protocol):
    """What a group has not committed of a topic: events, and ms since the oldest of them was received."""

    @property
    def group(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def shard(self) -> str: ...
    @property
    def events(self) -> int: ...
    @property
    def oldest_ms(self) -> int: ...


class EntryRow(Protocol):
    """A stretch of the queue: the heads of its requests and the lines of their events."""

    @property
    def shard(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def topic(self) -> str: ...
    @property
    def received(self) -> int: ...
    @property
    def receipt_high(self) -> int: ...
    @property
    def receipt_low(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def heads(self) -> bytes: ...
    @property
    def body(self) -> bytes: ...


class Queue(Protocol):
    """What queries ask of the queue: three verbs of `queue.base.Reader`, and whether it counts what it took."""

    @property
    def counts_received(self) -> bool:
        """Whether `received` is counted by the queue itself; else it is what was handled and what waits."""

    def received(self, since_minute: int = 0, until_minute: int = 1 << 40) -> Sequence[ReceivedRow]:
        """Every durable event by topic and minute: what was answered 2xx before the call is in it."""

    def lag(self, groups: Mapping[str, Sequence[str]]) -> Sequence[LagRow]:
        """What is durable and not committed; only rows above zero."""

    def find(self, needle: bytes, limit: int) -> Iterable[EntryRow]:
        """Entries still kept whose body contains `needle`, newest first."""
