"""What was worked out is given again until something is stored; who asks meanwhile waits; an error is not kept."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from eventmill.query import sessions, summary
from eventmill.query.memo import Memo
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests.days_over import days_over
from tests.stored_events import frame, row

AT = datetime(2026, 4, 4, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store]) -> Store:
    return opened("UTC")


def test_until_something_is_stored(store: Store) -> None:
    memo, asked = Memo(lambda: store.revision), iter(range(100))
    assert [memo.get(key, lambda: next(asked)) for key in ("a", "a", "b", "a")] == [0, 0, 1, 0]
    store.insert("events", frame([row(AT)]))
    assert memo.get("a", lambda: next(asked)) == 2
    store.command("ALTER TABLE events DELETE WHERE 0")
    assert memo.get("a", lambda: next(asked)) == 3
    store.command("INSERT INTO closed_walks (question) VALUES (1)")
    assert memo.get("a", lambda: next(asked)) == 3


def test_an_error_is_not_kept(store: Store) -> None:
    memo = Memo(lambda: store.revision)

    def wrong() -> int:
        raise RequestError("no")

    for _ in range(2):
        with pytest.raises(RequestError, match="no"):
            memo.get("a", wrong)
    assert memo.get("a", lambda: 1) == 1


def test_few_are_kept(store: Store) -> None:
    memo = Memo(lambda: store.revision)
    assert [memo.get(key, lambda key=key: key) for key in range(200)] == [*range(200)]
    assert memo.get(0, lambda: -1) == -1
    assert memo.get(199, lambda: -1) == 199


def test_who_asks_for_the_same_waits_for_it(store: Store) -> None:
    memo, go, begun, found = Memo(lambda: store.revision), threading.Event(), threading.Event(), []

    def slowly() -> str:
        begun.set()
        assert go.wait(20)
        return "once"

    asking = [threading.Thread(target=lambda: found.append(memo.get("a", slowly))) for _ in range(3)]
    asking[0].start()
    assert begun.wait(20)
    for thread in asking[1:]:
        thread.start()
    go.set()
    for thread in asking:
        thread.join(20)
    assert found == ["once"] * 3


def test_answers_follow_each_event(store: Store) -> None:
    over = days_over(store)
    days = {"from": "2026-04-01", "to": "2026-04-04"}
    use = '[["is_not","topic","request"],["is_not","topic","log"]]'
    for minute in range(3):
        store.insert("events", frame([row(AT.replace(minute=minute), user=f"m{minute}", action="pv")]))
        whole = summary.summary(store, summary.parse(days, "UTC"), "UTC", over)
        assert whole == summary.summary(store, summary.parse(days, "UTC"), "UTC", None)
        for filters in ("", use, '[["is_not","topic","log"]]', '[["is_not","topic","event"]]'):
            request = sessions.parse({**days, "filters": filters}, "UTC")
            assert sessions.sessions(store, request, over) == sessions.sessions(store, request, None)
    assert whole.data.visits == 4
