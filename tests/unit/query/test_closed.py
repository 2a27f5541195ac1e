"""Days that are over are counted once: the answer never differs from the one that reads every event."""

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest

from eventmill.query import top
from eventmill.query.closed import ClosedDays, stretches
from eventmill.query.source import Store
from tests.stored_events import Row, frame, row, scattered

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RANGE = {"from": "2026-11-01", "to": "2026-11-30"}
ASKED = [
    {"dimension": "browser"},
    {"dimension": "url", "category": "h5"},
    {"dimension": "props.plan"},
    {"dimension": "props.plan", "category": "h5", "bot": "false"},
    {"dimension": "value", "tz": "Asia/Shanghai"},
    {"dimension": "bot", "site": "shop"},
    {"dimension": "browser", "filters": '[["is","category","h5"],["contains","url","2"],["is_not","props.plan","1"]]'},
    {"dimension": "page", "filters": '[["in","browser",["Chrome",""]]]', "site": "shop"},
]


@pytest.fixture(scope="module")
def module_store(opened: Callable[..., Store]) -> Store:
    return opened()


@pytest.fixture
def store(module_store: Store) -> Iterator[Store]:
    yield module_store
    for table in ("events", "closed_days", "closed_values"):
        module_store.command(f"TRUNCATE TABLE {table}")


def days(store: Store) -> ClosedDays:
    closed = ClosedDays(store, "UTC", now=lambda: NOW)
    closed.worth = 1
    return closed


def events(seed: int, count: int, first: int, last: int) -> list[Row]:
    chance = random.Random(seed)
    begin, end = datetime(2026, 11, first, tzinfo=UTC), datetime(2026, 11, last, tzinfo=UTC)
    return [
        {
            **made,
            "site": chance.choice(["shop", "news"]),
            "browser": chance.choice(["Chrome", "Safari", ""]),
            "url": f"https://x/{chance.randrange(4)}",
            "bot": chance.random() < 0.2,
            "props": chance.choice(['{"plan":"pro"}', '{"plan":1}', '{"plan":"1"}', '{"x":{"plan":2}}', ""]),
        }
        for made in scattered(seed, count, begin, end)
    ]


def ask(store: Store, params: dict[str, str], closed: ClosedDays | None) -> top.Top:
    return top.top(store, top.parse({**RANGE, **params}, "UTC"), "UTC", closed)


def kept_days(store: Store) -> set[date]:
    return {row[0] for row in store.query("SELECT day FROM closed_days FINAL WHERE kept")}


@pytest.mark.parametrize("params", ASKED, ids=str)
def test_the_same_answer_from_kept_days(store: Store, params: dict[str, str]) -> None:
    store.insert("events", frame(events(1, 4000, 3, 22)))
    closed = days(store)
    plain = ask(store, params, None)
    assert plain.data
    assert ask(store, params, closed) == plain
    closed.work()
    assert len(kept_days(store)) > 10
    assert max(kept_days(store)) < NOW.date(), "today is not over"
    assert ask(store, params, closed) == plain
    assert closed.cover(_question(params), top.parse({**RANGE, **params}, "UTC").days).attempts


def _question(params: dict[str, str]) -> top.Question:
    return top.question(top.parse({**RANGE, **params}, "UTC"))


def test_views_and_visitors_are_those_of_the_events(store: Store) -> None:
    made = events(2, 3000, 3, 22)
    store.insert("events", frame(made))
    closed = days(store)
    ask(store, {"dimension": "browser"}, closed)
    closed.work()
    views = Counter(row["browser"] for row in made)
    users = defaultdict(set)
    for row_ in made:
        users[row_["browser"]].add(row_["user"])
    found = ask(store, {"dimension": "browser"}, closed).data
    assert {entry.value: (entry.pv, entry.uv) for entry in found} == {
        name: (count, len(users[name] - {""})) for name, count in views.items()
    }


def test_a_late_event_is_counted_at_once_and_its_day_again(store: Store) -> None:
    store.insert("events", frame(events(3, 2000, 3, 20)))
    closed = days(store)
    params = {"dimension": "browser"}
    ask(store, params, closed)
    closed.work()
    late = row(datetime(2026, 11, 5, 8, tzinfo=UTC), browser="Lynx")
    store.insert("events", frame([late]))
    assert "Lynx" in {entry.value for entry in ask(store, params, closed).data}
    closed.work()
    cover = closed.cover(_question(params), top.parse({**RANGE, **params}, "UTC").days)
    assert cover is not None
    assert all(day.first == NOW.date() for day in cover.rest) or not cover.rest
    assert ask(store, params, closed) == ask(store, params, None)


def test_many_values_are_not_kept_and_not_tried_again(store: Store) -> None:
    made = [row(datetime(2026, 11, 5, tzinfo=UTC), url=f"https://x/{number}") for number in range(500)]
    store.insert("events", frame(made))
    closed = days(store)
    ask(store, {"dimension": "url"}, closed)
    closed.work()
    assert store.query("SELECT count() FROM closed_values")[0][0] == 0
    ask(store, {"dimension": "url"}, closed)
    assert closed._next() is None


def test_yesterday_is_counted_before_it_is_asked_for(store: Store) -> None:
    store.insert("events", frame(events(4, 2000, 10, 20)))
    before = ClosedDays(store, "UTC", now=lambda: datetime(2026, 11, 19, 12, tzinfo=UTC))
    before.worth = 1
    ask(store, {"dimension": "browser"}, before)
    before.work()
    assert max(kept_days(store)) == date(2026, 11, 18)
    days(store).work()
    assert max(kept_days(store)) == date(2026, 11, 19)


def test_few_events_are_read_as_they_are(store: Store) -> None:
    store.insert("events", frame(events(5, 1000, 10, 20)))
    closed = ClosedDays(store, "UTC", now=lambda: NOW)
    ask(store, {"dimension": "browser"}, closed)
    closed.work()
    assert not kept_days(store)


def test_forgetting_and_room(store: Store) -> None:
    store.insert("events", frame(events(6, 3000, 3, 20)))
    closed = days(store)
    for params in ({"dimension": "browser"}, {"dimension": "device"}):
        ask(store, params, closed)
        closed.work()
    closed.room = 1
    closed.work()
    assert not kept_days(store), "all of it is above the room"
    assert ask(store, {"dimension": "browser"}, closed) == ask(store, {"dimension": "browser"}, None)
    closed.forget()
    assert store.query("SELECT count() FROM closed_values")[0][0] == 0


def test_answers_hold_while_days_are_counted_and_events_come_in(store: Store) -> None:
    """Every answer has at least what was stored before it was asked, and never more than was stored after."""
    store.insert("events", frame(events(7, 3000, 3, 20)))
    closed = days(store)
    stop = threading.Event()
    failed: list[str] = []
    stored = [3000]  # once the store says so: a question between its two moments may see either

    def work() -> None:
        while not stop.is_set():
            closed.work()

    def come_in() -> None:
        for seed in range(30):
            store.insert("events", frame(events(100 + seed, 50, 3, 20)))
            stored.append(50)

    threads = [threading.Thread(target=work), threading.Thread(target=come_in)]
    for thread in threads:
        thread.start()
    while threads[1].is_alive():
        least = sum(stored)
        total = sum(entry.pv for entry in ask(store, {"dimension": "browser"}, closed).data)
        most = store.query("SELECT count() FROM events")[0][0]
        if not least <= total <= most:
            failed.append(f"{least} <= {total} <= {most}")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed


def test_stretches_of_days() -> None:
    found = stretches([date(2026, 11, day) for day in (5, 1, 2, 3, 7)], "UTC")
    assert [(days.first.day, days.last.day) for days in found] == [(1, 3), (5, 5), (7, 7)]
