"""The queue's contract: what every backend promises, and nothing about how.

A queue holds *entries*. An entry is what one group commit wrote for one topic: the heads of its requests
and the lines of their events. Entries of one shard are ordered by `seq`, which only grows; gaps are allowed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Protocol

from eventmill.erasure import Marks


class Capability(Flag):
    """What a backend can do beyond the contract; the contract suite tests what is declared."""

    REPLAY = auto()
    SEEK_BY_TIME = auto()
    SEVERAL_GROUPS = auto()
    TOTALS = auto()
    """`received` tells what was made durable. Without it the left side of the ledger is what was handled and what
    waits, so it cannot show a loss."""
    BATCHES = auto()
    """Positions hold the number of the last batch, in one transaction with it, so that what an interrupted batch
    left in the store is known by its number. Without it deliveries that may have been worked on say `suspect`."""
    ERASE = auto()
    """Entries can be rewritten where they are. Without it what is erased is refused when it is read."""


EVERYTHING = ~Capability(0)


@dataclass(slots=True)
class Draft:
    """Events of one topic on their way in. `received` is in ms since the epoch and counts for every event."""

    topic: str
    received: int
    receipt_high: int
    receipt_low: int
    count: int
    heads: bytes
    body: bytes


@dataclass(slots=True, frozen=True)
class Entry:
    """A draft that is durable, and its place: `seq` in `shard`.

    Where each head tells the receipt and the time of its own lines (see `queue/records.py`), those here stand for the
    entry as a whole: a broker's entries hold parts of several drafts.
    """

    shard: str
    seq: int
    topic: str
    received: int
    receipt_high: int
    receipt_low: int
    count: int
    heads: bytes
    body: bytes


@dataclass(slots=True, frozen=True)
class Lost:
    """A range that can no longer be read: damaged, or deleted by a hand outside eventmill.

    `counts` has (topic, minute of receipt, events) of what was in it; 0 events where that is no longer known.
    """

    shard: str
    first_seq: int
    last_seq: int
    counts: Sequence[tuple[str, int, int]]
    reason: str

    @property
    def events(self) -> int:
        return sum(count for _, _, count in self.counts)


@dataclass(slots=True)
class Delivery:
    """Entries handed to a group, per shard in order, and the positions to commit once they are stored.

    `suspect`: some may have been handed out before and be stored. `regained`: shards that are read anew from a
    committed seq; what the ledger says of seqs behind it was not committed. `by_entry`: redeliveries come in any
    order, so the ledger counts each entry by itself. The last two only without `Capability.BATCHES`.
    """

    group: str
    entries: Sequence[Entry]
    positions: Mapping[str, int]
    lost: Sequence[Lost] = field(default_factory=tuple)
    suspect: bool = False
    regained: Mapping[str, int] = field(default_factory=dict)
    by_entry: bool = False

    @property
    def events(self) -> int:
        return sum(entry.count for entry in self.entries)


@dataclass(slots=True, frozen=True)
class Replay:
    """A group reads again what it had read: from `since_minute` (of receipt) on, up to `until` in each shard.

    `batch` was its last batch before. It is over once every shard's committed seq has reached `until`.
    """

    since_minute: int
    batch: int
    until: Mapping[str, int]


@dataclass(slots=True, frozen=True)
class Position:
    """Where a group stands: the last committed `seq` of each shard and the number of its last batch (None without
    `Capability.BATCHES`)."""

    seqs: Mapping[str, int]
    batch: int | None
    replay: Replay | None = None


@dataclass(slots=True, frozen=True)
class Lag:
    """What a group has not read of a topic: in events, and in ms since the oldest of them was received."""

    group: str
    topic: str
    shard: str
    events: int
    oldest_ms: int


@dataclass(slots=True, frozen=True)
class Received:
    """How many events were made durable: the left side of the ledger. `minute` counts from the epoch."""

    topic: str
    minute: int
    count: int


@dataclass(slots=True, frozen=True)
class Erased:
    """What an erasure did: events taken out now, and the names of files in which some may be left."""

    events: int
    left: Sequence[str] = ()


class QueueError(Exception):
    """The queue cannot do what was asked; the message says why and what mends it."""


class QueueRefused(QueueError):
    """What is there must not be touched, e.g. files of a newer version: trying again changes nothing."""


class QueueFull(QueueError):
    """The quota or the disk is full: nothing was written. The door answers 503."""


class QueueUnavailable(QueueError, ConnectionError):
    """The queue cannot be reached, or a write could not be made durable: the door answers 503, and at most an
    unacknowledged copy remains. It passes by itself."""


class Writer(Protocol):
    """The door's side. One writer per collector process."""

    durability: str
    """`fsync`, `replicated` or `relaxed`: what a return from `append` means, as read from the backend."""

    def append(self, drafts: Sequence[Draft]) -> None:
        """Returns only after every draft survives a crash of the class in `durability`: all of them or none.

        Blocks; called from one thread at a time. Raises `QueueFull` or `QueueUnavailable`.
        """

    def check(self) -> str | None:
        """Why a durable write would be refused now, or None. Cheap; makes no write."""

    def close(self) -> None:
        """Releases the shard. What was appended stays."""


class Reader(Protocol):
    """The consumers' side: positions belong to the group, not to the reader."""

    capabilities: Capability

    counts_received: bool
    """Whether it has TOTALS."""

    def read(self, group: str, topics: Sequence[str], limit: int) -> Delivery | None:
        """The next entries of these topics after what this reader handed out before, about `limit` events
        (always at least one entry); None where there is nothing new. Never blocks for new events."""

    def commit(self, delivery: Delivery, batch: int) -> None:
        """Durable on return: a new reader of the group starts behind this delivery. Raises `QueueUnavailable`."""

    def rewind(self, group: str) -> None:
        """Forgets what was handed out: the next read starts at the committed position."""

    def position(self, group: str) -> Position:
        """The committed position."""

    def seek(self, group: str, since_ms: int) -> None:
        """Moves the committed position to the first entry received in or after the minute of `since_ms`, and
        notes the replay in the position. Needs SEEK_BY_TIME."""

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        """For each group and the topics it reads, what is durable and not committed; only rows above zero."""

    def received(self, since_minute: int = 0, until_minute: int = 1 << 40) -> list[Received]:
        """Every durable event by topic and minute, those of deleted files included: read-your-writes. Empty without
        TOTALS."""

    def find(self, needle: bytes, limit: int) -> Iterable[Entry]:
        """Entries still kept whose body contains `needle`, newest first: for tracing one event. It may end
        before the oldest, where the queue keeps a lot."""

    def erase(
        self, marks: Marks, needle: bytes | None = None, only: Collection[str] | None = None, *, dry: bool = False
    ) -> Erased:
        """Replaces every event that the marks name by `erasure.ERASED_LINE`: counts, receipts and places stay.
        Durable on return; what can only be done later is `left`, to be given as `only` the next time.

        `needle` (`erasure.plain`) saves reading entries without it; `dry` only counts. Blocks nobody."""

    def retain(self, groups: Mapping[str, Sequence[str]], keep_ms: Mapping[str, int], now_ms: int) -> int:
        """Deletes what is older than its topic's `keep_ms` and read by every group; returns bytes freed."""

    def close(self) -> None:
        """Releases what was opened; positions stay."""
