"""What a worker has done and how long each step took: for /metrics, the lag page and the drain estimate."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

_WINDOW_S = 30.0


class Progress:
    """Counters since the start, and the rate over the last half minute. Read from other threads."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.events = 0
        self.stored = 0
        self.batches = 0
        self.batch = 0
        self.rejected: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.error: str | None = None
        self._recent: deque[tuple[float, int]] = deque()
        self._busy = 0.0

    @contextmanager
    def time(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[step] += spent
            self._busy += spent

    def done(self, events: int, stored: int, rejected: pl.DataFrame, batch: int) -> None:
        self.events += events
        self.stored += stored
        self.batches += 1
        self.batch = batch
        self.error = None
        for reason, count in rejected.iter_rows():
            self.rejected[reason] += count
        now = time.monotonic()
        self._recent.append((now, events))
        while self._recent and now - self._recent[0][0] > _WINDOW_S:
            self._recent.popleft()

    def metrics(self) -> dict[str, float]:
        """Counters by Prometheus name and label."""
        group = f'group="{self.group}"'
        found: dict[str, float] = {
            f"worker_events_total{{{group}}}": self.events,
            f"worker_stored_total{{{group}}}": self.stored,
            f"worker_batches_total{{{group}}}": self.batches,
        }
        for step, seconds in list(self.seconds.items()):
            found[f'worker_step_seconds_total{{{group},step="{step}"}}'] = seconds
        for reason, count in list(self.rejected.items()):
            found[f'worker_rejected_total{{{group},reason="{reason}"}}'] = count
        return found

    def failed(self, error: str) -> None:
        self.error = error

    def rate(self) -> float:
        """Events a second over the last half minute."""
        recent = list(self._recent)
        if not recent:
            return 0.0
        span = max(1.0, time.monotonic() - recent[0][0])
        return sum(events for _, events in recent) / span

    def capacity(self) -> float:
        """Events a second that the worker manages while it is busy."""
        return self.events / self._busy if self._busy else 0.0
