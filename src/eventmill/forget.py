"""Forgetting a person: store, rejects, caches and queue, each until nothing is left, across a stop too.

The order is what makes it complete. First a durable mark of what is to be erased; then every worker has it, and has
finished what it took before; only then the store is cleaned. What waits in the queue is refused by the worker
(`erased`), and its bytes are replaced in the queue's files: at once in those that have ended, in the others as soon
as their collector has begun new ones. With the last of them the mark goes.
"""

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from eventmill.clock import Clock, system_clock
from eventmill.erasure import FIELDS, Mark, Marks, digest, plain
from eventmill.queue.base import QueueError, Reader
from eventmill.store import erase
from eventmill.store.base import Store, StoreError

log = logging.getLogger(__name__)
_KEPT = 20
_LONGEST = 4096
_EAGER = 60
"""Rounds of `tick` in which a waiting erasure is looked at each time."""


class ForgetError(ValueError):
    """The request is wrong; the message says what is right."""


class ForgetRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to forget: exactly one of `user` (as sent, or the visitor's hash as shown), `id`, `session`."""

    user: str | None = None
    id: str | None = None
    session: str | None = None
    dry_run: bool = False

    @property
    def given(self) -> tuple[str, str]:
        """(field, value). Raises `ForgetError`."""
        named = [(name, getattr(self, name)) for name in FIELDS if getattr(self, name) is not None]
        if len(named) != 1:
            raise ForgetError("say whom to forget: one of user, id, session")
        name, value = named[0]
        if not value or "\0" in value or len(value) > _LONGEST:
            raise ForgetError(f"{name} is a text of 1 to {_LONGEST} characters")
        return name, value


class Forgotten(msgspec.Struct):
    """An erasure. `state` is counted (a dry run), running, waiting (the store is clean, `files` of the queue are
    still being written), done or failed. `events`, `rejects` and `queued` say how many were found in the store, its
    rejects and the queue's files; an event may be in both."""

    id: str
    field: str
    state: str
    events: int = 0
    rejects: int = 0
    queued: int = 0
    files: int = 0
    progress: float = 0.0
    error: str = ""


@dataclass(slots=True)
class _Job:
    """`value` None: only its hash is known. `due` is when it is looked at again, on the monotonic clock."""

    answer: Forgotten
    value: str | None
    rounds: int = 0
    due: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)


class Forgetting:
    """All erasures of one data directory. One runs at a time.

    `announce` hands the marks in force to the workers, and returns once none works without them; `clean` empties
    caches of what was counted.
    """

    def __init__(
        self,
        store: Store,
        reader: Reader,
        announce: Callable[[Marks], None] = lambda _: None,
        clean: Callable[[], None] = lambda: None,
        clock: Clock = system_clock,
    ) -> None:
        self._store, self._reader, self._announce, self._clean, self._clock = store, reader, announce, clean, clock
        self._turn = threading.Lock()
        self.patience_s = 60.0
        """Until what failed, or waits for long, is tried again."""
        self._jobs: deque[_Job] = deque(maxlen=_KEPT)
        self._files: dict[str, list[str]] = {}
        self._marks = erase.marks(store)
        for name, mark in self._marks.items():
            self._jobs.append(_Job(Forgotten(name, mark.field, "waiting" if mark.stored else "running"), None))

    def marks(self) -> Marks:
        """What is erased and may still be in the queue."""
        return Marks(erase.salt(self._store) if self._marks else "", [*self._marks.values()])

    def list(self) -> list[Forgotten]:
        """The last erasures, newest first."""
        return [self._seen(job) for job in reversed(self._jobs)]

    def submit(self, request: ForgetRequest, wait_s: float) -> Forgotten:
        """Begins to forget, and waits so long for the end: a large store takes minutes. Raises `ForgetError`,
        `StoreError` or `QueueError`; what fails later is in the answer's `error`."""
        name, value = request.given
        if request.dry_run:
            return self._count(name, value)
        job = self._begin(name, value)
        thread = threading.Thread(target=self._attempt, args=(job,), name=f"forget-{job.answer.id}", daemon=True)
        thread.start()
        job.ended.wait(wait_s)
        return self._seen(job)

    def tick(self) -> None:
        """Goes on with what a stop or a store that was away left, and with queue files that have ended since. To be
        called every few seconds."""
        for job in [*self._jobs]:
            answer = job.answer
            open_ = answer.state in ("waiting", "failed") or (answer.state == "running" and job.value is None)
            if open_ and time.monotonic() >= job.due:
                if self._turn.locked():
                    return
                self._attempt(job)
                job.rounds += 1
                # A collector begins a new file soon or, where nothing comes, late; a damaged file stays as it is.
                patient = answer.state == "failed" or job.rounds > _EAGER
                job.due = time.monotonic() + (self.patience_s if patient else 0.0)

    def _count(self, name: str, value: str) -> Forgotten:
        mark = Mark(name, digest(erase.salt(self._store), value), self._clock())
        answer = Forgotten("", name, "counted", progress=1.0)
        answer.events = erase.count_events(self._store, mark, value)
        answer.rejects = len(erase.find_rejects(self._store, mark, value))
        marks = Marks(erase.salt(self._store), [mark])
        answer.queued = self._reader.erase(marks, _needle(value), dry=True).events
        return answer

    def _begin(self, name: str, value: str) -> _Job:
        mark = Mark(name, digest(erase.salt(self._store), value), self._clock())
        job = _Job(Forgotten(secrets.token_hex(8), name, "running"), value)
        erase.put(self._store, job.answer.id, mark)
        self._marks[job.answer.id] = mark
        self._jobs.append(job)
        return job

    def _attempt(self, job: _Job) -> None:
        answer = job.answer
        try:
            with self._turn:
                self._work(job)
        except (StoreError, QueueError, OSError) as error:
            log.warning("forgetting %s waits: %s", answer.id, error)
            answer.state, answer.error = "failed", f"{error}; it is tried again"
        except Exception as error:
            log.exception("forgetting %s failed", answer.id)
            answer.state, answer.error = "failed", f"{type(error).__name__}: see the server's log; it is tried again"
        finally:
            job.ended.set()

    def _work(self, job: _Job) -> None:
        answer, mark = job.answer, self._marks[job.answer.id]
        if not mark.stored:
            answer.state = "running"
            self._announce(self.marks())
            self._from_store(answer, mark, job.value)
            mark = self._marks[answer.id] = msgspec.structs.replace(mark, stored=True)
            erase.put(self._store, answer.id, mark)
        marks = Marks(erase.salt(self._store), [mark])
        needle = _needle(job.value) if job.value is not None else None
        found = self._reader.erase(marks, needle, self._files.get(answer.id))
        answer.queued += found.events
        answer.files, answer.error = len(found.left), ""
        self._files[answer.id] = [*found.left]
        if found.left:
            answer.state = "waiting"
            return
        erase.drop(self._store, answer.id)
        del self._marks[answer.id]
        self._announce(self.marks())
        job.value = None
        answer.state = "done"

    def _from_store(self, answer: Forgotten, mark: Mark, value: str | None) -> None:
        answer.events = erase.count_events(self._store, mark, value)
        if answer.events:
            erase.erase_events(self._store, mark, value)
        receipts = erase.find_rejects(self._store, mark, value)
        answer.rejects = len(receipts)
        erase.erase_rejects(self._store, receipts)
        self._clean()

    def _seen(self, job: _Job) -> Forgotten:
        answer = msgspec.structs.replace(job.answer)
        if answer.state == "running":
            answer.progress = erase.progress(self._store)
        else:
            answer.progress = 1.0
        return answer


def _needle(value: str) -> bytes | None:
    text = plain(value)
    return text.encode() if text is not None else None
