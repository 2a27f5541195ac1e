"""The engine's parts joined: store, readers, one worker thread for each consumer group, housekeeping."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable

from eventmill.clock import system_clock
from eventmill.queue.open import open_reader
from eventmill.settings import Settings, duration
from eventmill.topics import Topic, groups
from eventmill.work.loop import Worker
from eventmill.work.poison import child_probe

log = logging.getLogger(__name__)
_DRAIN_S = 10.0
_RETAIN_S = 30.0
_TOPICS_S = 0.5


class Engine:
    """Owns the store. `start` opens, `stop` drains what is queued for a while and closes."""

    def __init__(self, settings: Settings, *, workers: bool = True, kill_at: str | None = None) -> None:
        from eventmill.store.clickhouse import open_store

        self._settings = settings
        self.store = open_store(settings)
        self._stop = threading.Event()
        self._crashed: BaseException | None = None
        self._work_reader = open_reader(settings)
        self.reader = open_reader(settings)
        self.topics: dict[str, Topic] = dict(settings.topics)
        self.workers = [
            Worker(
                self._work_reader,
                self.store,
                group=group,
                topics=self.topics,
                zone=settings.zone,
                folder=settings.data_dir / "engine",
                batch=settings.work.batch,
                linger_ms=duration(settings.work.linger),
                at=_killer(kill_at),
                deadly=child_probe(settings.data_dir / "run" / "settings.json"),
            )
            for group in groups(self.topics)
            if workers
        ]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for worker in self.workers:
            self._spawn(f"work-{worker.group}", lambda worker=worker: worker.run(self._stop))  # type: ignore[misc]
        self._spawn("housekeeping", self._housekeeping)

    def stop(self) -> None:
        """Lets the workers empty the queue, at most ten seconds, then ends them and closes the store."""
        deadline = time.monotonic() + _DRAIN_S
        while time.monotonic() < deadline and self.reader.lag(groups(self.topics)):
            time.sleep(0.05)
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=_DRAIN_S)
        self.reader.close()
        self._work_reader.close()
        self.store.close()

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

    def _housekeeping(self) -> None:
        retained = 0.0
        while not self._stop.wait(_TOPICS_S):
            if time.monotonic() - retained > _RETAIN_S:
                retained = time.monotonic()
                keep = {name: duration(topic.retention) for name, topic in self.topics.items()}
                freed = self.reader.retain(groups(self.topics), keep, system_clock())
                if freed:
                    log.info("retention freed %d bytes of the queue", freed)


def _killer(point: str | None) -> Callable[[str], None]:
    def at(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return at
