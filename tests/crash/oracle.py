"""Holds the clients' books against what the stopped server left: `judge` is the oracle of every fault.

acked − (stored ∪ rejected) = ∅; no event stored twice; nothing stored that was not sent; the ledger tells the
same: received = stored + duplicate + rejected, `stored` the rows of `events`, `rejected` those of `rejects`.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LABEL = re.compile(r'"label": ?"([^"]+)"|label=([^&]+)')


@dataclass(frozen=True)
class Verdict:
    """What was found, all of it right: figures for the report, and the reasons of the rejects."""

    sent: int
    acked: int
    received: int
    stored: int
    duplicate: int
    rejected: int
    reasons: Counter[str]


def judge(data: Path, books: Path, queue: str = "sqlite:") -> Verdict:
    """Raises AssertionError that names the tokens which break the promise. `queue` is its URL."""
    left = left_behind(data, queue)
    sent, acked = read_book(books, "sent"), read_book(books, "acked")
    stored = Counter(label for label, _ in left["events"])
    ids = Counter(event_id for _, event_id in left["events"] if event_id)
    rejected = {first or second for row in left["rejects"] for first, second in _LABEL.findall(row[1])}
    ledger = left["ledger"]
    assert not few(acked - set(stored) - rejected), ("acknowledged and lost", few(acked - set(stored) - rejected))
    assert not few(many(stored)), ("stored twice", few(many(stored)))
    assert not few(many(ids)), ("two rows of one id", few(many(ids)))
    assert not few(set(stored) - sent), ("stored and never sent", few(set(stored) - sent))
    assert left["receipts"] == len(left["events"]), "two rows of one receipt"
    assert left["refused_receipts"] == len(left["rejects"]), "two rejects of one receipt"
    assert ledger["stored"] == len(left["events"]), (ledger, len(left["events"]))
    assert ledger["rejected"] == len(left["rejects"]), (ledger, len(left["rejects"]))
    assert left["received"] == ledger["stored"] + ledger["duplicate"] + ledger["rejected"], (left["received"], ledger)
    return Verdict(
        len(sent), len(acked), left["received"], ledger["stored"], ledger["duplicate"], ledger["rejected"],
        Counter(reason for reason, _ in left["rejects"]),
    )  # fmt: skip


def read_book(books: Path, name: str) -> set[str]:
    return {token for book in books.glob(f"{name}-*") for token in book.read_text().split()}


def many(counted: Counter[str]) -> list[str]:
    return [name for name, count in counted.items() if count > 1]


def few(tokens: Any) -> list[str]:
    return sorted(tokens)[:5]


def left_behind(data: Path, queue: str = "sqlite:") -> dict[str, Any]:
    """What lies in the store and the queue, read by a process of its own: an engine opens one directory in its life."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.oracle", str(data), queue],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _look(data: Path, url: str) -> dict[str, Any]:
    from eventmill.event import DEFAULT_TOPICS
    from eventmill.queue.open import open_reader
    from eventmill.settings import Queue, Settings
    from eventmill.store.clickhouse import open_store

    settings = Settings(data=str(data), queue=Queue(url=url))
    store, queue = open_store(settings), open_reader(settings)
    receipt = "receipt_high, receipt_low, receipt_index"
    counts = store.query("SELECT sum(stored), sum(duplicate), sum(rejected) FROM ledger FINAL")[0]
    return {
        "events": [list(row) for row in store.query("SELECT label, id FROM events")],
        "receipts": store.query(f"SELECT uniqExact({receipt}) FROM events")[0][0],
        "rejects": [list(row) for row in store.query("SELECT reason, bytes FROM rejects")],
        "refused_receipts": store.query(f"SELECT uniqExact({receipt}) FROM rejects")[0][0],
        "ledger": dict(zip(("stored", "duplicate", "rejected"), map(int, counts), strict=True)),
        # A queue that does not count: what was handled, and what waits.
        "received": sum(row.count for row in queue.received())
        if queue.counts_received
        else sum(map(int, counts)) + sum(row.events for row in queue.lag({"store": DEFAULT_TOPICS})),
    }


if __name__ == "__main__":
    json.dump(_look(Path(sys.argv[1]), sys.argv[2]), sys.stdout)
