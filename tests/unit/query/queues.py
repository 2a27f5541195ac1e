"""A queue for tests: what it received, what waits, and its entries, as given."""

from collections.abc import Iterable, Mapping, Sequence

from eventmill.queue.base import Entry, Lag, Received


class FakeQueue:
    """The three verbs that queries ask, over plain lists."""

    counts_received = True

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.waiting: list[Lag] = []
        self.entries: list[Entry] = []

    def received(self, since_minute: int = 0, until_minute: int = 1 << 40) -> list[Received]:
        return [row for row in self.got if since_minute <= row.minute < until_minute]

    def lag(self, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
        return list(self.waiting)

    def find(self, needle: bytes, limit: int) -> Iterable[Entry]:
        return [entry for entry in self.entries if needle in entry.body][:limit]
