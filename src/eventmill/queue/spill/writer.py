"""While a broker is away events wait in files of this machine, and go on in their order when it is back.

What is forwarded says `again`: the broker may have it already, since an append that failed can have arrived, and since
a stop can come between a forward and its note. The worker then looks for copies by receipt.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from eventmill.clock import MINUTE_MS, system_clock
from eventmill.event import Head, ReceiptSource
from eventmill.queue.base import Draft, Entry, Lost, QueueError, QueueUnavailable, Writer
from eventmill.queue.records import requests
from eventmill.queue.spill.folder import GROUP, open_spill, topics_of, waiting
from eventmill.queue.sqlite.writer import SqliteWriter

log = logging.getLogger(__name__)
_RETRY_S = 0.5
_EVENTS = 5_000
_encode = msgspec.json.Encoder().encode


class SpillingWriter:
    """Writer of `queue.base` before another one. `own` is this collector's folder, `more` those of collectors that run
    no more, forwarded too."""

    def __init__(
        self, open_primary: Callable[[], Writer], own: Path, more: Sequence[Path], *, quota: int, reserve: int
    ) -> None:
        """Raises QueueError where the broker answers and must not be used; where it is away, events wait."""
        self._open_primary = open_primary
        self._primary: Writer | None = None
        self.durability = "fsync"  # of what waits here
        try:
            self._primary = open_primary()
            self.durability = self._primary.durability
        except QueueUnavailable as error:
            log.warning("events wait in %s: %s", own, error)
        self._own, self._receipts = own, ReceiptSource()
        self._local = SqliteWriter(own, slot=0, quota=quota, reserve=reserve)
        self._readers = [open_spill(path) for path in (own, *more)]
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._spilling = self._primary is None or any(map(waiting, self._readers))
        self._begun = threading.Event()
        if self._spilling:
            self._begun.set()
        self._thread = threading.Thread(target=self._forward_forever, name="forward", daemon=True)
        self._thread.start()

    def append(self, drafts: Sequence[Draft]) -> None:
        """See `queue.base.Writer.append`."""
        with self._turn:
            if not self._spilling and self._primary is not None:
                try:
                    self._primary.append(drafts)
                    return
                except QueueUnavailable as error:
                    log.warning("events wait in %s: %s", self._own, error)
                    self._spilling = True
                    self._begun.set()
            self._local.append(drafts)

    def check(self) -> str | None:
        """See `queue.base.Writer.check`: only what this machine refuses, since a broker's absence is bridged."""
        return self._local.check() if self._spilling else None

    def close(self) -> None:
        """See `queue.base.Writer.close`. What still waits is forwarded after the next start."""
        self._closing.set()
        self._begun.set()
        self._thread.join()
        for reader in self._readers:
            reader.close()
        self._local.close()
        if self._primary is not None:
            self._primary.close()

    def _forward_forever(self) -> None:
        while not self._closing.is_set():
            self._begun.wait()
            try:
                if self._closing.is_set() or self._forward():
                    continue
            except (QueueError, OSError) as error:
                log.info("the queue is still away: %s", error)
                self._closing.wait(_RETRY_S)
                continue
            with self._turn:
                if not any(map(waiting, self._readers)):
                    log.warning("the queue is back, and nothing waits any more")
                    self._spilling = False
                    self._begun.clear()

    def _forward(self) -> bool:
        """Moves some of what waits; False where nothing did."""
        if self._primary is None:
            self._primary = self._open_primary()
        moved = False
        for reader in self._readers:
            topics = topics_of(reader)
            reader.rewind(GROUP)
            delivery = reader.read(GROUP, topics, _EVENTS)
            if delivery is None:
                continue
            drafts = [_again(entry) for entry in delivery.entries]
            drafts += [draft for lost in delivery.lost for draft in self._lost(lost)]
            self._primary.append(drafts)
            reader.commit(delivery, 0)
            reader.retain({GROUP: topics}, dict.fromkeys(topics, 0), system_clock())
            moved = True
        return moved

    def _lost(self, lost: Lost) -> list[Draft]:
        """What a damaged file has lost is told as rejects, one for each event."""
        log.error("events that waited are lost: %s %d-%d: %s", lost.shard, lost.first_seq, lost.last_seq, lost.reason)
        made = []
        for topic, minute, count in lost.counts:
            if count:
                at = minute * MINUTE_MS
                head, line = b'{"n":%d}\n' % count, b'{"_x":"lost_in_queue","_raw":""}\n'
                made.append(Draft(topic, at, *self._receipts.block(at), count, head, line * count))
        return made


def _again(entry: Entry) -> Draft:
    draft = Draft(
        entry.topic, entry.received, entry.receipt_high, entry.receipt_low, entry.count, entry.heads, entry.body
    )
    heads: list[Head] = [head for head, _ in requests(draft)]
    marked = b"".join(_encode(msgspec.structs.replace(head, again=True)) + b"\n" for head in heads)
    return replace(draft, heads=marked)
