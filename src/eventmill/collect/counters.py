"""What a collector counts: plain integers on one object, published as one small JSON file a second."""

import os
from pathlib import Path

import msgspec


class Counters(msgspec.Struct, gc=False):
    """Since the process started. `seconds` and `bytes` in their units, the rest are counts."""

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
    bytes_in: int = 0
    commits: int = 0
    commit_events: int = 0
    commit_seconds: float = 0.0
    commit_failures: int = 0
    held_bytes: int = 0

    def requests(self) -> int:
        return self.replies_2xx + self.replies_4xx + self.replies_5xx

    def publish(self, path: Path) -> None:
        """Replaces `path` whole, so that a reader never meets half a file. Not fsynced: it is a gauge."""
        draft = path.with_suffix(".tmp")
        draft.write_bytes(msgspec.json.encode(self))
        os.replace(draft, path)
