"""The worker: reads a group's deliveries, takes each through the steps, and commits what is stored."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from eventmill.erasure import Marks
from eventmill.queue.base import Delivery, Entry, QueueUnavailable, Reader
from eventmill.store.base import Store, StoreError, StoreUnavailable
from eventmill.topics import Topic
from eventmill.work.batch import Batch, decode
from eventmill.work.dedup import Dedup
from eventmill.work.erase import Erase
from eventmill.work.geo import Countries
from eventmill.work.insert import Insert
from eventmill.work.pipeline import Step, pure_steps
from eventmill.work.poison import DEATHS_BEFORE_PROBE, Attempts, Probe, isolate
from eventmill.work.progress import Progress
from eventmill.work.seen import Seen

log = logging.getLogger(__name__)
_IDLE_S = 0.05
_RETRY_S = 1.0
_LONGEST_PAUSE_S = 0.4
_SAVE_S = 300.0
_AWAY = (StoreUnavailable, QueueUnavailable, OSError)
"""What passes by itself: everything since the last commit is then delivered again."""
_REPLAY_EVENTS = 1_000_000
"""Where the queue lost what was interrupted, the search for it ends here: no batch is configured larger."""


class Worker:
    """One consumer group's pipeline: decode, validate, identify, enrich, dedup, insert, commit.

    Everything that changes is written in the order events, rejects, ledger, position; a stop between any two is
    mended at the next start from the receipts that the store holds behind the committed batch.
    """

    def __init__(
        self,
        reader: Reader,
        store: Store,
        *,
        group: str,
        topics: Mapping[str, Topic],
        zone: ZoneInfo,
        folder: Path,
        batch: int = 50_000,
        linger_ms: int = 200,
        at: Callable[[str], None] = lambda _point: None,
        deadly: Probe | None = None,
        countries: Countries | None = None,
    ) -> None:
        """`at` is told each point passed; `deadly` probes entries that may kill the process; `countries` looks up
        addresses."""
        self.group = group
        self.progress = Progress(group)
        self._reader, self._store, self._at = reader, store, at
        self._limit, self._linger = batch, linger_ms / 1000
        self._seen = Seen(store, group, folder / "ids" / group)
        self._dedup = Dedup(store, group, self._seen)
        self._insert = Insert(store, group, self._dedup, at)
        self._validate, pure = pure_steps(topics, zone, countries)
        self._erase = Erase()
        self._pure: list[Step] = [self._erase, *pure]
        self._turn = threading.Lock()
        self._attempts = Attempts(folder / "attempts" / f"{group}.json")
        self._deadly = deadly
        self._topics: Sequence[str] = ()
        self._last = -1
        self._saved = time.monotonic()
        self.set_topics(topics)

    def set_topics(self, topics: Mapping[str, Topic]) -> None:
        """Takes new declarations; in force with the next delivery."""
        self._validate.topics = topics
        self._topics = [name for name, topic in topics.items() if topic.group == self.group]

    def set_marks(self, marks: Marks) -> None:
        """Takes what is erased: returns once nothing that was read before is still on its way into the store."""
        with self._turn:
            self._erase.marks = marks
            self._seen.forget_recent()

    def run(self, stop: threading.Event) -> None:
        """Works until told to stop; then the delivery under way is finished and committed."""
        self.recover(stop)
        while not stop.is_set():
            began = time.monotonic()
            events = self.step(stop)
            if events < self._limit // 2:
                stop.wait(self._pause(events, time.monotonic() - began))
        self._seen.save(self._last)

    def _pause(self, events: int, spent: float) -> float:
        """Seconds until the next read. An insert has a price of its own, however few its rows: where batches are
        small, the pause grows with what the last one cost, so that inserting takes a fifth of the time at most."""
        if not events:
            return _IDLE_S
        return max(_IDLE_S, min(_LONGEST_PAUSE_S, max(self._linger - spent, 4 * spent)))

    def recover(self, stop: threading.Event) -> None:
        """Loads what is committed and what a stop left half done; waits for the store where it is away."""
        while not stop.is_set():
            try:
                self._reader.rewind(self.group)
                position = self._reader.position(self.group)
                self._last = position.batch if position.batch is not None else self._dedup.last_batch()
                self._dedup.recover(self._last, position.replay)
                return
            except _AWAY as error:
                self.progress.failed(str(error))
                stop.wait(_RETRY_S)

    def step(self, stop: threading.Event) -> int:
        """One delivery, stored and committed; returns its events. 0 where there was nothing."""
        with self._turn:
            return self._step(stop)

    def _step(self, stop: threading.Event) -> int:
        try:
            delivery = self._read()
            if delivery is None:
                self._save_now_and_then()
                return 0
            self._process(delivery)
        except _AWAY as error:
            log.warning("the store, the queue or the disk is away, trying again: %s", error)
            self.progress.failed(str(error))
            stop.wait(_RETRY_S)
            self.recover(stop)
            return 0
        return delivery.events

    def _read(self) -> Delivery | None:
        """The next delivery. The first after a stop is as large as the one that was interrupted, even where reads
        have become smaller since (fewer events in a batch, more shards)."""
        delivery = self._reader.read(self.group, self._topics, self._limit)
        if delivery is None or self._dedup.reaches(delivery.entries):
            return delivery
        entries, lost, events = list(delivery.entries), list(delivery.lost), delivery.events
        while events < _REPLAY_EVENTS and (more := self._reader.read(self.group, self._topics, self._limit)):
            entries += more.entries
            lost += more.lost
            events += more.events
            delivery = Delivery(self.group, entries, more.positions, lost)
            if self._dedup.reaches(more.entries):
                break
        return delivery

    def _process(self, delivery: Delivery) -> None:
        number = self._last + 1
        deaths = self._attempts.begin(delivery)
        if deaths >= DEATHS_BEFORE_PROBE and self._deadly is not None:
            log.error("%d deaths with the same delivery: looking for the event that kills", deaths)
            delivery = isolate(delivery, self._deadly)
        try:
            batch = self._transform(delivery)
        except (StoreError, MemoryError):
            raise
        except Exception:
            log.exception("a step failed: looking for the event that breaks it")
            delivery = isolate(delivery, self._survives)
            batch = self._transform(delivery)
        with self.progress.time("dedup"):
            batch = self._dedup(batch, delivery)
        with self.progress.time("insert"):
            inserted = self._insert(batch, delivery, number)
        self._attempts.end()  # what goes wrong from here on is no fault of an event
        with self.progress.time("commit"):
            self._reader.commit(delivery, number)
        self._at("commit")
        self._last = number
        self._dedup.committed(inserted)
        if self._dedup.replaying and self._reader.position(self.group).replay is None:
            self._dedup.replaying = False
        self.progress.done(delivery.events, inserted.height, _rejected(batch), number)
        for lost in delivery.lost:
            log.error("queue damaged: %s %d-%d: %s", lost.shard, lost.first_seq, lost.last_seq, lost.reason)

    def _transform(self, delivery: Delivery) -> Batch:
        with self.progress.time("decode"):
            batch = decode(delivery)
        for step in self._pure:
            with self.progress.time(_name(step)):
                batch = step(batch)
        return batch

    def _survives(self, entries: Sequence[Entry]) -> bool:
        try:
            self._transform(Delivery(self.group, entries, {}))
        except Exception:  # noqa: BLE001 - whatever a step raises is the answer
            return False
        return True

    def _save_now_and_then(self) -> None:
        if time.monotonic() - self._saved > _SAVE_S:
            self._seen.save(self._last)
            self._saved = time.monotonic()


def _name(step: Step) -> str:
    return str(getattr(step, "name", type(step).__name__))


def _rejected(batch: Batch) -> pl.DataFrame:
    """How many events of each reason were refused."""
    if not batch.rejected:
        return pl.DataFrame(schema={"reason": pl.String, "len": pl.UInt32})
    return pl.concat([rows.select("reason") for rows in batch.rejected]).group_by("reason").len()
