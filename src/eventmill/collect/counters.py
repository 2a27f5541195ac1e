"""What a collector counts: plain integers on one object, published as one small JSON file a second."""

from pathlib import Path

import msgspec


class Counters(msgspec.Struct, gc=False):
    """Since the process started, but `connections_open` and `held_bytes`, which are now.

    `events` and `bytes` (of their lines) are durable, `malformed` are bodies that held no event, of which
    `malformed_unkept` were over their source's bound.
    """

    name: str = ""
    pid: int = 0
    started_ms: int = 0
    connections: int = 0
    connections_open: int = 0
    connections_refused: int = 0
    replies_2xx: int = 0
    replies_4xx: int = 0
    replies_5xx: int = 0
    events: int = 0
    malformed: int = 0
    malformed_unkept: int = 0
    bytes: int = 0
    commits: int = 0
    commit_seconds: float = 0.0
    commit_failures: int = 0
    held_bytes: int = 0

    def count_reply(self, status: int) -> None:
        """Counts by the first digit of the status, as ASCII; interim replies (1xx) are none."""
        if status == 50:
            self.replies_2xx += 1
        elif status == 52:
            self.replies_4xx += 1
        elif status == 53:
            self.replies_5xx += 1

    def requests(self) -> int:
        return self.replies_2xx + self.replies_4xx + self.replies_5xx

    def publish(self, path: Path) -> None:
        """Replaces `path` whole, so that a reader never meets half a file. Not fsynced: it is a gauge."""
        draft = path.with_suffix(".tmp")
        draft.write_bytes(msgspec.json.encode(self))
        draft.replace(path)
