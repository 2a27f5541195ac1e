"""The door's side: jobs put in one go, each answered after beanstalkd has synced its binlog."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from eventmill.event import ReceiptSource
from eventmill.queue.base import Draft, QueueError, QueueFull, QueueUnavailable
from eventmill.queue.beanstalk.job import TTR_S, Note, cut, encode, tube_of
from eventmill.queue.beanstalk.promise import promise
from eventmill.queue.beanstalk.wire import ANSWER_S, CONNECT_S, Reply, Wire, told
from eventmill.queue.records import Part, parts

_LOOK_S = 0.5
PRIORITY = 1 << 16


class BeanstalkWriter:
    """Writer of `queue.base` on beanstalkd. The jobs of an append that fails are taken back, as far as it answers."""

    def __init__(self, connect: Callable[[float, float], Wire], prefix: str, partitions: int, durability: str) -> None:
        self.durability = durability
        self._connect, self._prefix, self._partitions = connect, prefix, partitions
        self._names = ReceiptSource()
        self._turn = threading.Lock()
        self._wire: Wire | None = None
        self._room = 0
        self._records = 0
        self._trouble: str | None = None
        self._looked = 0.0

    def append(self, drafts: Sequence[Draft]) -> None:
        """See `queue.base.Writer.append`."""
        if not drafts:
            return
        with self._turn:
            try:
                wire = self._ready()
                puts = self._puts(drafts)
                self._confirm(wire, wire.ask(puts, within=ANSWER_S))
            except QueueError as error:
                self._trouble = None if isinstance(error, QueueFull) else str(error)
                raise
            except OSError as error:
                self._drop()
                self._trouble = f"beanstalkd is away: {error}"
                raise QueueUnavailable(self._trouble) from error
            self._trouble = None

    def _puts(self, drafts: Sequence[Draft]) -> list[bytes]:
        high, low = self._names.block(drafts[0].received)
        commands: list[bytes] = []
        for part in _joined(part for draft in drafts for part in parts(draft, self._partitions)):
            tube = tube_of(self._prefix, part.topic, part.partition)
            commands.append(b"use %b\r\n" % tube.encode())
            for heads, lines in cut(part, self._room):
                body = encode(Note(tube, part.received, len(lines), high, low), heads, lines)
                low += 1
                commands.append(b"put %d 0 %d %d\r\n%b\r\n" % (PRIORITY, TTR_S + len(lines), len(body), body))
        return commands

    def _confirm(self, wire: Wire, replies: Sequence[Reply]) -> None:
        """Raises unless every job is in, and in the binlog."""
        answers = [reply for reply in replies if reply.word != b"USING"]
        bad = next((reply for reply in answers if reply.word != b"INSERTED"), None)
        if bad is None and self._is_written(wire, answers):
            return
        wire.ask([b"delete %d\r\n" % reply.number for reply in answers if reply.word in {b"INSERTED", b"BURIED"}])
        self._drop()
        word = "has stopped writing its binlog" if bad is None else f"answers {bad.word.decode()}"
        if bad is not None and bad.word == b"OUT_OF_MEMORY":
            raise QueueFull(f"beanstalkd {word}: the disk of its binlog or its memory is full")
        raise QueueUnavailable(f"beanstalkd {word}")

    def _is_written(self, wire: Wire, jobs: Sequence[Reply]) -> bool:
        """After a failed write beanstalkd goes on without its binlog for good, and answers as before. So if the last
        job is in a file of the binlog, all are; where it was deleted meanwhile, the count of records tells."""
        if self.durability != "fsync":
            return True
        job, said = map(told, wire.ask([b"stats-job %d\r\n" % jobs[-1].number, b"stats\r\n"]))
        before, self._records = self._records, int(said.get("binlog-records-written", 0))
        return job["file"] != "0" if job else self._records >= before + len(jobs)

    def check(self) -> str | None:
        """See `queue.base.Writer.check`; asks again every half second while there is trouble."""
        if self._trouble is not None and time.monotonic() - self._looked > _LOOK_S and self._turn.acquire(False):
            try:
                self._looked = time.monotonic()
                self._ready(_LOOK_S, _LOOK_S)
                self._trouble = None
            except OSError as error:
                self._trouble = str(error) if isinstance(error, QueueError) else f"beanstalkd is away: {error}"
                self._drop()
            finally:
                self._turn.release()
        return self._trouble

    def close(self) -> None:
        """See `queue.base.Writer.close`."""
        with self._turn:
            self._drop()

    def _ready(self, connect_s: float = CONNECT_S, answer_s: float = ANSWER_S) -> Wire:
        """The connection; a new one where the server has gone, if it promises what it did at the start."""
        if self._wire is not None and not self._wire.is_usable():
            self._drop()
        if self._wire is None:
            wire = self._connect(connect_s, answer_s)
            try:
                said = wire.stats()
                real, why = promise(said)
                if self.durability == "fsync" and real != "fsync":
                    raise QueueUnavailable(f"beanstalkd was started anew and promises less: {why}")
            except BaseException:
                wire.close()
                raise
            self._room = int(said["max-job-size"])
            self._records = int(said.get("binlog-records-written", 0))
            wire.answer_s = ANSWER_S
            self._wire = wire
        return self._wire

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


def _joined(found: Iterable[Part]) -> Iterable[Part]:
    """One part for each tube: every job costs a sync, and another when it is deleted."""
    joined: dict[tuple[str, int], Part] = {}
    for part in found:
        whole = joined.setdefault((part.topic, part.partition), part)
        if whole is not part:
            whole.count += part.count
            whole.heads += part.heads
            whole.lines += part.lines
    return joined.values()
