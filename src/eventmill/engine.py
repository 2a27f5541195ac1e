"""The engine's parts joined: store, readers, one worker thread for each consumer group, housekeeping."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from eventmill.alerts.deliver import Deliverer
from eventmill.alerts.loop import Watch
from eventmill.clock import MINUTE_MS, system_clock
from eventmill.erasure import Marks
from eventmill.forget import Forgetting
from eventmill.query.ask import Sources
from eventmill.query.closed import ClosedDays
from eventmill.queue.base import QueueUnavailable, Reader
from eventmill.registry.database import Database
from eventmill.registry.goals import list_goals
from eventmill.settings import Settings, duration
from eventmill.store.base import Store, StoreUnavailable
from eventmill.topics import Topic, groups
from eventmill.work.compact import compact
from eventmill.work.geo import open_countries
from eventmill.work.loop import Worker
from eventmill.work.poison import child_probe

log = logging.getLogger(__name__)
_DRAIN_S = 10.0
_RETAIN_S = 5.0
_EXPIRE_S = 3600.0
_TOPICS_S = 0.5
_SETTLED_MS = 2 * 86_400_000


class TopicSource(Protocol):
    """Tells of topics that changed while running."""

    def changed(self) -> Mapping[str, Topic] | None: ...


class Engine:
    """Owns the store. `start` opens, `stop` drains what is queued for a while and closes."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        registry: Database,
        *,
        work_reader: Reader,
        look_reader: Reader,
        watch: TopicSource,
        expire: Callable[[int, int], object],
        settings_file: Path,
        workers: bool = True,
        kill_at: str | None = None,
    ) -> None:
        """`expire` drops raw events older than (keep_ms, now_ms).

        `work_reader` is the workers' own; `look_reader` answers questions while they work."""
        self.settings, self.store, self.reader, self.registry = settings, store, look_reader, registry
        self._work_reader, self._watch = work_reader, watch
        self.closed = ClosedDays(store, settings.timezone)
        self._stop = threading.Event()
        self.topics: Mapping[str, Topic] = dict(settings.topics)
        self._make = partial(
            Worker,
            work_reader,
            store,
            zone=settings.zone,
            folder=settings.data_dir / "engine",
            batch=settings.work.batch,
            linger_ms=duration(settings.work.linger),
            at=_killer(kill_at),
            deadly=child_probe(settings_file),
            countries=open_countries(settings.geo.database) if workers else None,
        )
        self._adopt_orphans()
        self._working, self._expire_store = workers, expire
        self.workers: list[Worker] = []
        self.forgetting = Forgetting(store, look_reader, self._announce, self.closed.forget)
        self.sources = Sources(
            store, look_reader, settings.timezone, self.groups, self.rate, self.closed, settings.products,
            goals=partial(list_goals, registry),
        )  # fmt: skip
        deliverer = Deliverer(
            allow_private=settings.alerts.allow_private, timeout_s=duration(settings.alerts.timeout) / 1000
        )
        self.alerts = Watch(registry, self.sources, deliverer, every_s=duration(settings.alerts.every) / 1000)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._start_workers()
        self._spawn("housekeeping", self._housekeeping)
        self._spawn("closed-days", partial(self.closed.run, self._stop))
        if self._working:
            self._spawn("alerts", partial(self.alerts.run, self._stop))

    def groups(self) -> dict[str, list[str]]:
        """The consumer groups that store, and their topics; removed topics whose events the queue holds too."""
        return groups(self.topics)

    def stop(self) -> None:
        """Lets the workers empty the queue, at most ten seconds, then ends them and closes the store."""
        deadline = time.monotonic() + _DRAIN_S
        with suppress(QueueUnavailable):  # then there is nothing to wait for
            while self._working and time.monotonic() < deadline and self.reader.lag(self.groups()):
                time.sleep(0.05)
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=_DRAIN_S)
        self.reader.close()
        self._work_reader.close()
        self.store.close()
        self.registry.close()

    def rate(self) -> float:
        """Events a second that all workers took over the last half minute."""
        return sum(worker.progress.rate() for worker in self.workers)

    def trouble(self) -> str | None:
        """Why a worker stands still, None where all run."""
        errors = [worker.progress.error for worker in self.workers if worker.progress.error]
        return errors[0] if errors else None

    def gauges(self) -> dict[str, float]:
        """Numbers of the workers for /metrics, by name and label."""
        found: dict[str, float] = {}
        for worker in self.workers:
            found |= worker.progress.metrics()
        return found

    def _start_workers(self) -> None:
        """One worker for each group that has none yet."""
        if not self._working:
            return
        have = {worker.group for worker in self.workers}
        for group in self.groups():
            if group not in have:
                worker = self._make(group=group, topics=self.topics)
                self.workers.append(worker)
                worker.set_marks(self.forgetting.marks())
                self._spawn(f"work-{group}", partial(worker.run, self._stop))

    def _announce(self, marks: Marks) -> None:
        """Every worker has the marks, and nothing that it took without them is left, when this returns."""
        for worker in [*self.workers]:
            worker.set_marks(marks)

    def _follow_topics(self, *, look: bool) -> None:
        changed = self._watch.changed()
        if changed is not None:
            self.topics = changed
        if (look and self._adopt_orphans()) or changed is not None:
            for worker in self.workers:
                worker.set_topics(self.topics)
            self._start_workers()

    def _adopt_orphans(self) -> bool:
        """A topic that is declared no more may have events on their way: what was acknowledged is stored."""
        try:
            orphans = {row.topic for row in self.reader.received()} - self.topics.keys()
        except QueueUnavailable:
            return False  # it is looked for again and again
        if orphans:
            self.topics = {**self.topics, **{name: Topic() for name in sorted(orphans)}}
        return bool(orphans)

    def _spawn(self, name: str, run: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                run()
            except BaseException:
                # A worker that cannot go on must not leave a process that looks alive: the parent restarts it.
                log.exception("%s failed; the engine restarts", name)
                os._exit(70)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _expire(self) -> None:
        """Raw events past `store.keep` leave; their daily rows stay."""
        keep = duration(self.settings.store.keep)
        if keep and self._working:
            try:
                self._expire_store(keep, system_clock())
            except StoreUnavailable as error:
                log.warning("raw retention waits: %s", error)

    def _compact(self) -> None:
        """Ledger rows of two days ago and older become one a minute, as far as all their events are committed."""
        if not self._working:
            return
        now = system_clock()
        try:
            for group, topics in self.groups().items():
                waiting = max((row.oldest_ms for row in self.reader.lag({group: topics})), default=0)
                if self.reader.position(group).replay is None:
                    compact(self.store, group, (now - max(_SETTLED_MS, waiting)) // MINUTE_MS - 1)
        except (StoreUnavailable, QueueUnavailable) as error:
            log.warning("compacting the ledger waits: %s", error)

    def _housekeeping(self) -> None:
        retained = expired = 0.0
        while not self._stop.wait(_TOPICS_S):
            if time.monotonic() - expired > _EXPIRE_S:
                expired = time.monotonic()
                self._expire()
                self._compact()
            due = time.monotonic() - retained > _RETAIN_S
            self._follow_topics(look=due)
            if due:
                retained = time.monotonic()
                if self._working:
                    self.forgetting.tick()
                self._retain()

    def _retain(self) -> None:
        """What every group has read leaves the queue, where it is old enough."""
        keep = {name: duration(topic.retention) for name, topic in self.topics.items()}
        try:
            freed = self.reader.retain(self.groups(), keep, system_clock())
        except QueueUnavailable as error:
            log.info("retention waits: %s", error)
            return
        if freed:
            log.info("retention freed %d bytes of the queue", freed)


def _killer(point: str | None) -> Callable[[str], None]:
    def at(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return at
