"""Walks and visitors of days that are over are kept: the same answers after late events, erasing and throwing away."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.query import answers, closed, flows, pages, retention, walks
from eventmill.query.closed import ClosedDays
from eventmill.query.source import Store, StoreError
from tests import behaviour_reference as plain
from tests.days_over import TODAY, days_over
from tests.stored_events import Row, frame, row

RANGE = {"from": "2026-03-27", "to": "2026-04-04"}
SITES = st.sampled_from(["shop", "blog"])
ASKED: list[tuple[Any, Any, dict[str, str]]] = [
    (flows.parse, flows.flows, {}),
    (flows.parse, flows.flows, {"start": "/a", "end": "/b", "steps": "3"}),
    (flows.parse, flows.flows, {"by": "key", "site": "shop"}),
    (pages.parse, pages.pages, {"kind": "exit", "limit": "99"}),
    (pages.parse, pages.pages, {"filters": '[["is","browser","Chrome"]]'}),
    (retention.parse, retention.retention, {}),
    (retention.parse, retention.retention, {"interval": "week", "label": "a", "again": '[["is","action","click"]]'}),
]


@pytest.fixture
def store(opened: Callable[..., Store]) -> Store:
    made = opened("UTC")
    made.insert("events", frame(plain.walk(23, 3000, datetime(2026, 3, 25, tzinfo=UTC), TODAY)))
    return made


def all_of(store: Store, over: ClosedDays | None, **more: str) -> list[Any]:
    return [ask(store, parse({**RANGE, **params, **more}, "UTC"), over) for parse, ask, params in ASKED]


def rows_kept(store: Store) -> list[int]:
    return [int(store.query(f"SELECT count() FROM {table}")[0][0]) for table in closed.ROWS]


def test_the_second_time_reads_only_the_days_that_are_not_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    over, stretches = days_over(store), []
    plainly = all_of(store, None)
    assert all_of(store, over) == plainly

    def watched(sql: str, params: dict[str, Any]) -> Any:
        if "since_read" in params and " LIMIT 1 BY " not in sql.replace("\n", " "):
            stretches.append((params["until_read"] - params["since_read"]) / 86_400)
        return frame_of(sql, params) if "AS sessions" in sql else rows_of(sql, params)

    frame_of, rows_of = store.frame, store.query
    monkeypatch.setattr(store, "frame", watched)
    monkeypatch.setattr(store, "query", lambda sql, params=None: watched(sql, params or {}))
    assert all_of(store, over) == plainly
    # Yesterday's sessions may go on today, and a day before and after matters; nobody returns on another day. Who did
    # two things in one ms is asked for again.
    assert sorted({*stretches}) == [1.0, 4.0]
    assert stretches.count(1.0) == 2


def test_late_events_change_their_day_and_those_beside_it(store: Store) -> None:
    over = days_over(store)
    assert all_of(store, over) == all_of(store, None)
    late: list[Row] = []
    for day in (29, 30):  # over midnight, and the next day's first visit may join it; some of one ms
        moment = datetime(2026, 3, day, 23, 50, tzinfo=UTC)
        late += [
            row(moment + timedelta(minutes=20 * (n // 2)), user=f"u{n % 3}", site="shop", action="pv", label="a",
                url=f"https://a.example/{'abc'[n % 3]}", receipt_low=n)
            for n in range(12)
        ]  # fmt: skip
    store.insert("events", frame(late))
    plainly = all_of(store, None)
    assert all_of(store, over) == plainly
    assert all_of(store, over) == plainly
    # What those days had before is deleted, once no question can still be reading it.
    before = rows_kept(store)
    over.work()
    assert rows_kept(store) == before


def test_what_nothing_names_is_deleted_a_round_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed, "_READING_S", -60)
    over = days_over(store)
    plainly = all_of(store, over)
    full = rows_kept(store)
    store.insert("events", frame([row(datetime(2026, 3, 30, 9, tzinfo=UTC), user="late", action="pv")]))
    fresh = all_of(store, over)
    assert all(now > then for now, then in zip(rows_kept(store), full, strict=True))
    over.work()
    held = rows_kept(store)
    over.work()
    assert all(now < then for now, then in zip(rows_kept(store), held, strict=True))
    assert all_of(store, over) == fresh == all_of(store, None) != plainly
    over.room = 0
    for _ in range(2):
        over.work()
    assert rows_kept(store) == [0, 0]
    assert all_of(store, over) == fresh


def test_erasing_forgets_them(store: Store) -> None:
    over = days_over(store)
    all_of(store, over)
    assert all(rows_kept(store))
    over.forget()
    assert rows_kept(store) == [0, 0]
    assert store.query("SELECT count() FROM closed_answers") == [(0,)]


def test_few_days_at_a_time_and_all_by_receipt(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    plainly = all_of(store, None)
    for portion, few in ((1, 20_000), (700, 1), (10_000, 0)):
        monkeypatch.setattr(answers, "PORTION", portion)
        monkeypatch.setattr(walks, "_FEW", few)
        over = days_over(store)
        over.forget()
        assert all_of(store, over) == all_of(store, over) == plainly


def test_zones_and_ranges_do_not_meet(store: Store) -> None:
    over = days_over(store)
    for zone in ("UTC", "Asia/Kolkata", "Europe/Berlin"):
        for first, last in (("2026-03-29", "2026-04-04"), ("2026-03-31", "2026-04-02"), ("2026-03-20", "2026-03-24")):
            given = {"tz": zone, "from": first, "to": last}
            assert all_of(store, over, **given) == all_of(store, None, **given)


def test_where_nothing_can_be_kept_the_events_answer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    plainly, over, command = all_of(store, None), days_over(store), store.command

    def full(sql: str, params: Any = None) -> None:
        if sql.startswith("INSERT INTO closed_"):
            raise StoreError("command: no room")
        command(sql, params)

    monkeypatch.setattr(store, "command", full)
    assert all_of(store, over) == plainly
    assert rows_kept(store) == [0, 0]


@pytest.fixture(scope="module")
def shared(opened: Callable[..., Store]) -> Store:
    return opened("UTC")


MINUTES = st.integers(0, 5 * 24 * 60)
EVENT = st.tuples(MINUTES, SITES, st.sampled_from(["u1", "u2", ""]), st.sampled_from(["", "s"]), st.integers(0, 2))


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(events=st.lists(EVENT, min_size=2, max_size=14), cut=st.integers(1, 13))
def test_any_few_events_that_come_late(shared: Store, events: list[tuple[int, str, str, str, int]], cut: int) -> None:
    for table in ("events", *closed.ROWS, "closed_answers"):
        shared.command(f"TRUNCATE TABLE {table}")
    begun = int(datetime(2026, 3, 31, tzinfo=UTC).timestamp() * 1000)
    made = [
        row(begun + minute * 60_000, site=site, user=user, session=session, action="pv", label="a",
            url=f"https://a.example/{'abc'[page]}", receipt_low=number)
        for number, (minute, site, user, session, page) in enumerate(events)
    ]  # fmt: skip
    over = days_over(shared)
    for some in (made[:cut], made[cut:]):
        if some:
            shared.insert("events", frame(some))
        assert all_of(shared, over) == all_of(shared, over) == all_of(shared, None)
    first, last = date(2026, 3, 27), date(2026, 4, 4)
    walked = [plain.page(visit[-1]) for visit in plain.begun(plain.visits(made), "UTC", first, last)]
    found = pages.pages(shared, pages.parse({**RANGE, "kind": "exit"}, "UTC"), over).data
    assert {each.value: each.sessions for each in found} == {page: walked.count(page) for page in walked}
