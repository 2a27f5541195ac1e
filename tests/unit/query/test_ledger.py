"""The ledger: five columns that add up, and a loud no where they do not."""

from collections.abc import Callable, Iterator

import polars as pl
import pytest

from eventmill.query import ledger
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from eventmill.queue.base import Lag, Received
from tests.unit.query.queues import FakeQueue

GROUPS = {"store": ["event", "order"]}
MINUTE = 29_900_000


@pytest.fixture(scope="module")
def module_store(opened: Callable[..., Store]) -> Store:
    return opened()


@pytest.fixture
def store(module_store: Store) -> Iterator[Store]:
    yield module_store
    module_store.command("TRUNCATE TABLE ledger")


def handled(
    store: Store, topic: str, minute: int, counts: tuple[int, int, int], first: int, batch: int = 1, shard: str = "0"
) -> None:
    columns = {
        "stream": ["s"], "shard": [shard], "first_high": [first], "first_low": [0], "topic": [topic],
        "minute": [minute], "stored": [counts[0]], "duplicate": [counts[1]], "rejected": [counts[2]], "batch": [batch],
    }  # fmt: skip
    kinds = dict.fromkeys(("first_high", "first_low", "stored", "duplicate", "rejected", "batch"), pl.UInt64)
    store.insert("ledger", pl.DataFrame(columns, schema_overrides={**kinds, "minute": pl.UInt32}))


def ask(store: Store, queue: FakeQueue, **params: str) -> ledger.Ledger:
    return ledger.ledger(store, queue, ledger.parse(params, "UTC"), GROUPS)


def test_it_adds_up(store: Store) -> None:
    queue = FakeQueue()
    queue.got = [Received("event", MINUTE, 10), Received("event", MINUTE + 1, 5), Received("order", MINUTE, 3)]
    queue.waiting = [Lag("store", "event", "0", 4, 100)]
    handled(store, "event", MINUTE, (6, 1, 1), first=1)
    handled(store, "event", MINUTE, (1, 0, 0), first=2)
    handled(store, "event", MINUTE + 1, (2, 0, 0), first=3)
    handled(store, "order", MINUTE, (3, 0, 0), first=4)
    answer = ask(store, queue)
    assert [(r.topic, r.received, r.stored, r.duplicate, r.rejected, r.queued) for r in answer.data] == [
        ("event", 10, 7, 1, 1, 1), ("order", 3, 3, 0, 0, 0), ("event", 5, 2, 0, 0, 3)
    ]  # fmt: skip
    assert answer.total == ledger.Balance(18, 12, 1, 1, 4)
    assert answer.balanced
    assert answer.data[0].minute == "2026-11-06T21:20:00+00:00"
    newest = ask(store, queue, limit="1")
    assert [row.received for row in newest.data] == [5]
    assert newest.total == answer.total
    assert ask(store, queue, limit="0").data == []
    assert ask(store, queue, topic="order").total == ledger.Balance(3, 3, 0, 0, 0)


def test_a_replay_replaces_its_rows(store: Store) -> None:
    queue = FakeQueue()
    queue.got = [Received("event", MINUTE, 5)]
    handled(store, "event", MINUTE, (3, 0, 0), first=1, batch=1)
    handled(store, "event", MINUTE, (4, 1, 0), first=1, batch=2)
    assert ask(store, queue).total == ledger.Balance(5, 4, 1, 0, 0)


def test_more_handled_than_received_does_not_balance(store: Store) -> None:
    queue = FakeQueue()
    queue.got = [Received("event", MINUTE, 5), Received("event", MINUTE + 1, 5)]
    handled(store, "event", MINUTE, (6, 0, 0), first=1)
    handled(store, "event", MINUTE + 1, (4, 0, 0), first=2)
    answer = ask(store, queue)
    assert not answer.balanced
    assert [row.queued for row in answer.data] == [-1, 1]


def test_what_neither_waits_nor_was_handled_is_lost(store: Store) -> None:
    queue = FakeQueue()
    queue.got = [Received("event", MINUTE, 5), Received("order", MINUTE, 5)]
    handled(store, "event", MINUTE, (3, 0, 0), first=1)
    queue.waiting = [Lag("store", "event", "0", 2, 0), Lag("store", "order", "0", 5, 0)]
    assert ask(store, queue).balanced
    queue.waiting = [Lag("store", "event", "0", 1, 0), Lag("store", "order", "0", 5, 0)]
    assert not ask(store, queue).balanced


def test_an_event_that_moves_on_meanwhile_shows_as_queued(store: Store) -> None:
    class Moving(FakeQueue):
        def received(self, since_minute: int = 0, until_minute: int = 1 << 40) -> list[Received]:
            handled(store, "event", MINUTE, (2, 0, 0), first=9)  # stored between the two reads
            return [Received("event", MINUTE, 2)]

    answer = ask(store, Moving())
    assert (answer.total.queued, answer.balanced) == (2, True)


def test_a_range(store: Store) -> None:
    queue = FakeQueue()
    queue.got = [Received("event", MINUTE, 5), Received("event", MINUTE + 1440, 7)]
    answer = ask(store, queue, **{"from": "2026-11-07", "to": "2026-11-07"})
    assert answer.total.received == 7
    with pytest.raises(RequestError, match="from is missing"):
        ask(store, queue, to="2026-11-07")


def test_nothing_yet(store: Store) -> None:
    assert ask(store, FakeQueue()) == ledger.Ledger([], ledger.Balance(), True)


def test_a_loss_is_seen_beside_a_compaction_half_way(store: Store) -> None:
    """Both the sums and the rows that they replace are there: counted twice they would hide what is lost."""
    queue = FakeQueue()
    queue.got = [Received("event", MINUTE, 10), Received("event", MINUTE + 5, 10)]
    handled(store, "event", MINUTE, (10, 0, 0), first=1)
    handled(store, "event", MINUTE, (10, 0, 0), first=0, shard="")
    store.insert("meta", pl.DataFrame({"name": ["ledger:s"], "value": [str(MINUTE + 1)]}))
    answer = ask(store, queue)
    store.command("TRUNCATE TABLE meta")
    assert (answer.total.stored, answer.total.queued, answer.balanced) == (10, 10, False)


def test_the_newest_rows_are_shown_in_the_order_of_time(store: Store) -> None:
    queue = FakeQueue()
    queue.got = [Received(topic, MINUTE + n, 1) for n in range(5) for topic in ("order", "event")]
    data = ask(store, queue, limit="3").data
    assert [(row.topic, row.minute[-14:-9]) for row in data] == [
        ("order", "21:23"),
        ("event", "21:24"),
        ("order", "21:24"),
    ]
    assert ask(store, queue, limit="0").data == []
    assert len(ask(store, queue, topic="order").data) == 5


def test_a_queue_that_does_not_count_has_received_what_was_handled_and_what_waits(store) -> None:
    queue = FakeQueue()
    queue.counts_received = False
    queue.waiting = [Lag("g", "kafka-like", "s", 7, 0)]
    answer = ask(store, queue, topic="kafka-like")
    assert (answer.total.received, answer.total.queued, answer.balanced) == (7, 7, True)
