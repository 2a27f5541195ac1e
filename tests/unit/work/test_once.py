"""Counted once: random sends with retries, conflicts, rejects and crashes between the inserts, against a model."""

import itertools
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.queue.memory import MemoryQueue
from eventmill.store.clickhouse import ClickHouseStore
from eventmill.topics import Topic, with_defaults
from eventmill.work.loop import Worker
from tests.unit.work.lines import draft

TOPICS = with_defaults({"event": Topic(field_count=1)})
POINTS = ("events", "rejects", "ledger", "commit")
_runs = itertools.count()


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Bench:
    """A queue and the workers that, one after the other, empty it."""

    store: ClickHouseStore
    queue: MemoryQueue
    folder: Path
    group: str

    def worker(self, limit: int, crash_at: str | None = None) -> Worker:
        def at(point: str) -> None:
            if point == crash_at:
                raise Crash

        topics = {name: Topic(field_count=topic.field_count, group=self.group) for name, topic in TOPICS.items()}
        return Worker(
            self.queue, self.store, group=self.group, topics=topics, zone=ZoneInfo("UTC"), folder=self.folder,
            batch=limit, at=at,
        )  # fmt: skip

    def work(self, limit: int, crash_at: str | None = None) -> None:
        """Empties the queue, or dies on the way."""
        worker, stop = self.worker(limit, crash_at), threading.Event()
        worker.recover(stop)
        try:
            while worker.step(stop):
                pass
        except Crash:
            return
        worker._seen.save(worker._last)

    def outcome(self) -> tuple[Counter, Counter, Counter]:
        """Ids and contents stored, reasons rejected, and the ledger's sums."""
        params = {"g": self.group}
        rows = self.store.query("SELECT id, label FROM events WHERE stream = {g:String}", params)
        refused = self.store.query("SELECT reason FROM rejects WHERE stream = {g:String}", params)
        ((stored, duplicate, rejected),) = self.store.query(
            "SELECT sum(stored), sum(duplicate), sum(rejected) FROM ledger FINAL WHERE stream = {g:String}", params
        )
        ledger = Counter(stored=int(stored), duplicate=int(duplicate), rejected=int(rejected))
        return Counter(map(tuple, rows)), Counter(row[0] for row in refused), +ledger


def expected(sent: list[dict]) -> tuple[Counter, Counter, Counter]:
    """The same by the plainest means."""
    stored: Counter = Counter()
    reasons: Counter = Counter()
    ledger: Counter = Counter()
    content: dict[str, str] = {}
    for event in sent:
        name, label = event.get("id", ""), event["label"]
        if event["_n"] != 1:
            reasons["field_count"] += 1
            ledger["rejected"] += 1
        elif name and name in content:
            if content[name] == label:
                ledger["duplicate"] += 1
            else:
                reasons["id_conflict"] += 1
                ledger["rejected"] += 1
        else:
            if name:
                content[name] = label
            stored[name, label] += 1
            ledger["stored"] += 1
    return stored, reasons, ledger


EVENT = st.builds(
    lambda name, label, wrong: {"label": label, "_n": 2 if wrong else 1, **({"id": f"id{name}"} if name else {})},
    st.integers(0, 6),
    st.sampled_from("aab"),
    st.sampled_from([False] * 9 + [True]),
)
SENDS = st.lists(st.lists(EVENT, min_size=1, max_size=4), min_size=1, max_size=4)
"""Requests that became durable together."""
ROUND = st.tuples(st.lists(SENDS, max_size=3), st.integers(1, 12), st.sampled_from([None, None, *POINTS]))
"""What is sent, then a worker with batches of that size that dies at that point."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROUND, min_size=1, max_size=5))
def test_any_sequence_of_sends_and_crashes_equals_the_model(store, tmp_path, rounds) -> None:
    run = next(_runs)
    bench = Bench(store, MemoryQueue(), tmp_path / f"run{run}", f"g{run}")
    sent: list[dict] = []
    for entries, limit, crash_at in rounds:
        for requests in entries:
            # Ids are unique per site: each run has a site of its own.
            events = [[{**event, "site": f"s{run}"} for event in request] for request in requests]
            bench.queue.append([draft(*events)])
            sent += [event for request in events for event in request]
        bench.work(limit, crash_at)
    bench.work(100)
    assert bench.outcome() == expected(sent)


def test_a_crash_at_each_point_and_a_replay_with_other_batches(store, tmp_path) -> None:
    for point, before, after in itertools.product(POINTS, (1, 100), (1, 4, 100)):
        run = next(_runs)
        bench = Bench(store, MemoryQueue(), tmp_path / f"run{run}", f"g{run}")
        events = [{"label": "ab"[n % 5 == 0], "_n": 1 + (n % 7 == 0), "site": f"s{run}"} for n in range(20)]
        for n, event in enumerate(events):
            if n % 3:
                event["id"] = f"id{n % 4}"
            bench.queue.append([draft([event])])
        bench.work(before, crash_at=point)
        bench.work(after)
        assert bench.outcome() == expected(events), (point, before, after)


def test_the_memory_of_ids_survives_its_files(store, tmp_path) -> None:
    run = next(_runs)
    bench = Bench(store, MemoryQueue(), tmp_path, f"g{run}")
    events = [{"id": f"id{n}", "label": "a", "_n": 1, "site": f"s{run}"} for n in range(50)]
    bench.queue.append([draft(events)])
    bench.work(100)
    folder = tmp_path / "ids" / bench.group
    damages = [
        lambda: None,
        lambda: [path.unlink() for path in folder.iterdir()],
        lambda: (folder / "meta.json").write_text("{cut"),
        lambda: next(folder.glob("*.bloom")).unlink(),
        lambda: next(folder.glob("*.bloom")).write_bytes(b"torn"),
    ]
    for times, damage in enumerate(damages, 1):
        damage()
        bench.queue.append([draft(events)])
        bench.work(100)
        _, reasons, ledger = bench.outcome()
        assert not reasons
        assert (ledger["stored"], ledger["duplicate"]) == (50, 50 * times)
