"""Forgetting: no query finds it, no file holds it, everything else is as before, and a stop changes nothing."""

import json
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import apsw
import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventmill.clock import system_clock
from eventmill.erasure import Mark, Marks, digest
from eventmill.forget import ForgetError, ForgetRequest, Forgetting, Forgotten
from eventmill.query import rejects, series, top
from eventmill.query.closed import ClosedDays
from eventmill.queue.base import Draft
from eventmill.queue.sqlite import erase as sqlite_erase
from eventmill.queue.sqlite.reader import SqliteReader
from eventmill.queue.sqlite.writer import SqliteWriter
from eventmill.store import erase, retention
from eventmill.store.base import StoreUnavailable
from eventmill.store.clickhouse import ClickHouseStore
from eventmill.topics import Topic, with_defaults
from eventmill.work.loop import Worker
from tests.stored_events import frame, row
from tests.unit.work.lines import draft

Opened = Callable[..., ClickHouseStore]
DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_MS = int(DAY.timestamp() * 1000)
WHO = "zebra-4711-person"
OTHER = "okapi-1-person"
DAY_MS = 86_400_000


def reject_rows(*texts: str, received: int = NOW_MS, identity: str = "") -> pl.DataFrame:
    rows = [
        {
            "topic": "event", "reason": "invalid_time", "detail": "", "received": received, "id": identity,
            "receipt_high": 7, "receipt_low": 9, "receipt_index": place, "bytes": text, "stream": "s", "batch": 1,
        }
        for place, text in enumerate(texts)
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(
        pl.col("received").cast(pl.Datetime("ms", "UTC")),
        *(pl.col(name).cast(pl.UInt64) for name in ("receipt_high", "receipt_low", "batch")),
        pl.col("receipt_index").cast(pl.UInt32),
    )


class Site:
    """A data directory with a store, a queue, and a worker in step with the test."""

    def __init__(self, store: ClickHouseStore, data: Path) -> None:
        self.store, self.data, self.now = store, data, NOW_MS
        self.writer = SqliteWriter(data / "queue", reserve=0, clock=lambda: self.now)
        self.reader = SqliteReader(data / "queue", data / "queue" / "positions" / "positions.db")
        self.closed = ClosedDays(store, "UTC", now=lambda: DAY)
        self.start()

    def start(self) -> None:
        """What a new process does."""
        self.worker = Worker(
            self.reader, self.store, group="store", topics=with_defaults({"event": Topic(field_count=2)}),
            zone=ZoneInfo("UTC"), folder=self.data / "engine",
        )  # fmt: skip
        self.forgetting = Forgetting(
            self.store, self.reader, self.worker.set_marks, self.closed.forget, lambda: self.now
        )
        self.forgetting.patience_s = 0.0
        self.worker.set_marks(self.forgetting.marks())

    def send(self, *events: dict[str, Any], **head: str) -> None:
        self.writer.append([draft(events, received=self.now, **head)])

    def work(self) -> None:
        stop = threading.Event()
        self.worker.recover(stop)
        while self.worker.step(stop):
            pass

    def forget(self, **who: str) -> Forgotten:
        return self.forgetting.submit(ForgetRequest(**who), 60)

    def balance(self) -> tuple[int, int, int, int]:
        """received, stored, duplicate, rejected."""
        ((stored, duplicate, rejected),) = self.store.query(
            "SELECT sum(stored), sum(duplicate), sum(rejected) FROM ledger FINAL"
        )
        return sum(r.count for r in self.reader.received()), int(stored), int(duplicate), int(rejected)

    def users(self) -> list[str]:
        return [user for (user,) in self.store.query("SELECT user FROM events ORDER BY user")]

    def reasons(self) -> list[tuple[str, str, str]]:
        rows = self.store.query("SELECT reason, id, bytes FROM rejects ORDER BY reason, bytes")
        return [(str(reason), str(identity), str(text)) for reason, identity, text in rows]

    def files_with(self, text: str) -> list[str]:
        """Files under the data directory that hold the text as it is."""
        found = subprocess.run(["grep", "-rlaF", text, str(self.data)], capture_output=True, text=True, check=False)
        return [line.removeprefix(str(self.data)) for line in found.stdout.splitlines()]


@pytest.fixture
def site(opened: Opened, data_dir: Path) -> Site:
    return Site(opened(), data_dir)


def event(user: str | None = None, **more: Any) -> dict[str, Any]:
    named = {"user": user} if user else {}
    return {"category": "h5", **named, **more, "_n": 2}


def fresh_file(site: Site, at: int) -> None:
    """What the collector does at the next event after it was asked to begin another file."""
    site.now = at
    site.writer._space_checked = 0.0
    site.send(event(OTHER))


def test_read_unread_and_refused_events_of_a_user_go_and_the_rest_stays(site: Site) -> None:
    site.send(event(WHO), event(OTHER), event(None, _v="daily-hash"))
    site.send({**event(WHO), "_n": 3, "_raw": json.dumps({"category": "h5", "user": WHO, "a": 1})})
    site.work()
    site.send(event(WHO, url="https://h5.example/secret-zebra"), event(OTHER))
    site.send({"_x": "invalid_time", "_raw": json.dumps({"user": WHO}), "_n": 1})
    assert site.users() == ["daily-hash", OTHER, WHO]
    assert site.reasons()[0][0] == "field_count"
    assert site.files_with(WHO)

    counted = site.forgetting.submit(ForgetRequest(user=WHO, dry_run=True), 0)
    assert (counted.state, counted.events, counted.rejects, counted.queued) == ("counted", 1, 1, 4)
    assert site.users() == ["daily-hash", OTHER, WHO]

    answer = site.forget(user=WHO)
    assert (answer.state, answer.events, answer.rejects, answer.files) == ("waiting", 1, 1, 1)
    site.work()
    assert site.users() == ["daily-hash", OTHER, OTHER]
    assert site.reasons() == [("erased", "", "")] * 3
    assert rejects.to_replay(site.store, rejects.ReplayRequest(reason="erased")) == []
    assert site.balance() == (7, 4, 0, 3)  # `stored` goes on counting the erased one
    assert site.store.query("SELECT count() FROM events")[0][0] == 3


def test_what_waits_is_refused_and_the_files_follow_once_they_end(site: Site) -> None:
    site.send(event(WHO), event(OTHER))
    site.work()
    assert site.forget(user=WHO).state == "waiting"  # the collector still writes the file
    site.send(event(WHO))  # of the same moment: on its way when the erasure began
    fresh_file(site, NOW_MS + 1000)
    site.send(event(WHO, label="later"))  # of after it
    site.work()
    assert site.store.query("SELECT user, label FROM events ORDER BY user") == [
        (OTHER, ""), (OTHER, ""), (WHO, "later"),
    ]  # fmt: skip
    site.forgetting.tick()
    (done,) = site.forgetting.list()
    assert (done.state, done.queued, done.files) == ("done", 2, 0)
    assert erase.marks(site.store) == {}
    # Read from the start again: the same counts, and what was erased comes back as refused only.
    site.reader.seek("store", 0)
    site.work()
    assert site.users() == [OTHER, OTHER, WHO]
    received, stored, duplicate, rejected = site.balance()
    assert received == stored + duplicate + rejected == 5
    assert rejected == 2


def test_a_stop_at_any_point_is_mended_by_the_next_start(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.send(event(WHO), event(OTHER))
    site.work()
    site.send(event(WHO))
    with monkeypatch.context() as broken:
        broken.setattr(erase, "erase_events", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        assert site.forget(user=WHO).state == "failed"
    assert site.users() == [OTHER, WHO]
    site.start()  # it no longer knows the name, only the hash
    site.work()
    assert site.users() == [OTHER, WHO]  # stored before; what waited is refused from the first batch on
    site.forgetting.tick()
    assert site.users() == [OTHER]
    site.writer.close()  # nobody writes the shard: its last file can be cleaned too
    site.forgetting.tick()
    assert [job.state for job in site.forgetting.list()] == ["done"]
    assert site.reasons() == [("erased", "", "")]
    entries = [entry.body for entry in site.reader.find(b"", 100)]
    assert not any(WHO.encode() in body for body in entries)


def test_while_events_come_in_and_are_stored(site: Site) -> None:
    """A collector, a worker and an erasure at once: what came before it is gone, what came after it is there."""
    stop, sent = threading.Event(), {WHO: list[int](), OTHER: list[int]()}

    def collect() -> None:
        number = 0
        while not stop.wait(0.01):
            number += 1
            who = (WHO, OTHER)[number % 2]
            site.now = system_clock()
            site.send(event(who, label=str(number)))
            sent[who].append(site.now)

    site.writer._file_size = 20_000  # many files
    site.forgetting._clock = system_clock
    threads = [threading.Thread(target=collect), threading.Thread(target=site.worker.run, args=(stop,))]
    for thread in threads:
        thread.start()
    while len(sent[WHO]) < 40:
        time.sleep(0.01)
    assert site.forget(user=WHO).state in ("done", "waiting")
    until = system_clock()
    seen = len(sent[WHO])
    while len(sent[WHO]) < seen + 20:
        time.sleep(0.01)
    while site.reader.lag({"store": ["event"]}) and len(sent[WHO]) < 500:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    site.writer.close()
    site.forgetting.tick()
    site.work()
    assert [job.state for job in site.forgetting.list()] == ["done"]
    stored = dict(map(tuple, site.store.query("SELECT user, count() FROM events GROUP BY user")))
    assert stored[OTHER] == len(sent[OTHER])
    ((first,),) = site.store.query(
        "SELECT min(toUnixTimestamp64Milli(received)) FROM events WHERE user = {w:String}", {"w": WHO}
    )
    mine = [at for at in sent[WHO] if at >= first]
    assert stored[WHO] == len(mine)
    assert first <= until
    received, counted, duplicate, rejected = site.balance()
    assert received == counted + duplicate + rejected == sum(map(len, sent.values()))
    assert site.store.query("SELECT count() FROM rejects WHERE reason = 'erased'")[0][0] == rejected
    left = b"".join(entry.body for entry in site.reader.find(b"", 100_000))
    assert left.count(WHO.encode()) == len(mine)


def test_a_request_for_a_new_file_is_harmless_where_there_is_nothing(site: Site) -> None:
    for _ in range(3):
        (site.data / "queue" / site.writer.shard / "roll").touch()
        site.writer._space_checked = 0.0
        site.send(event(OTHER))
    site.writer.close()
    again = SqliteWriter(site.data / "queue", reserve=0)
    (site.data / "queue" / again.shard / "roll").touch()
    again.append([draft([event(OTHER)])])
    again.close()
    assert sum(entry.count for entry in site.reader.find(b"", 100)) == 4
    site.work()
    assert site.balance() == (4, 4, 0, 0)


def test_a_full_disk_while_a_file_is_written_anew(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise apsw.FullError("disk full")

    for n in range(200):
        site.send(event((WHO, OTHER)[n % 2], label=str(n)))
    site.work()
    site.writer.close()
    with monkeypatch.context() as broken:
        broken.setattr(sqlite_erase, "_clean", full)
        assert site.forget(user=WHO).state == "failed"
    assert [path for path in site.files_with(WHO) if "/queue/" in path]  # the rows are new, the pages are not
    site.forgetting.tick()
    assert [job.state for job in site.forgetting.list()] == ["done"]
    assert not [path for path in site.files_with(WHO) if "/queue/" in path]
    assert sum(entry.count for entry in site.reader.find(b"", 1000)) == 200


@pytest.mark.parametrize("who", [{"id": "key-1"}, {"id": "own"}, {"session": "s-1"}, {"user": "daily-hash"}])
def test_by_id_by_session_and_by_visitor(site: Site, who: dict[str, str]) -> None:
    site.send(event(None, label="by key"), event(None, label="key-1"), key="key")
    site.send(event(None, id="own"), event(None, session="s-1"), event(None, _v="daily-hash"))
    site.work()
    site.writer.close()
    labels = "SELECT label, id, session, user FROM events ORDER BY ALL"
    before = set(map(tuple, site.store.query(labels)))
    assert site.forget(**who).state == "done"
    gone = before - set(map(tuple, site.store.query(labels)))
    ((value,),) = [list(who.values())]
    assert len(gone) == 1
    assert value in next(iter(gone))
    bodies = b"".join(entry.body for entry in site.reader.find(b"", 100))
    assert bodies.count(b'"erased"') == 1


def test_no_file_holds_the_name_after_merges(opened: Opened, data_dir: Path) -> None:
    site = Site(opened(), data_dir)
    site.store.command(
        "ALTER TABLE events MODIFY SETTING cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, "
        "max_cleanup_delay_period = 1, old_parts_lifetime = 1"
    )
    site.store.command(
        "ALTER TABLE rejects MODIFY SETTING cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, "
        "max_cleanup_delay_period = 1, old_parts_lifetime = 1"
    )
    for _ in range(3):
        site.send(event(WHO), event(OTHER), {**event(WHO), "_n": 3})
        site.work()
    site.writer.close()
    found = site.files_with(WHO)
    assert any("/store/" in path for path in found)
    assert any("/queue/" in path for path in found)
    assert site.forget(user=WHO).state == "done"
    site.store.command("OPTIMIZE TABLE events FINAL")
    deadline = time.monotonic() + 60
    while left := site.files_with(WHO):
        assert time.monotonic() < deadline, left
        time.sleep(0.5)
    assert site.files_with(OTHER)  # grep does find what is there


def test_caches_of_closed_days_are_counted_anew(site: Site) -> None:
    rows = [row(NOW_MS - 3 * DAY_MS, user=WHO if n % 2 else OTHER, url=f"/{n % 3}") for n in range(60)]
    site.store.insert("events", frame(rows))
    site.closed.worth = 1
    asked = {"from": "2026-11-15", "to": "2026-11-20", "dimension": "user"}

    def ranking() -> list[tuple[str, int]]:
        site.closed.work()
        found = top.top(site.store, top.parse(asked, "UTC"), "UTC", site.closed)
        return [(row.value, row.pv) for row in found.data]

    assert ranking() == ranking() == [(OTHER, 30), (WHO, 30)]
    assert site.store.query("SELECT count() FROM closed_values WHERE value = {w:String}", {"w": WHO}) != [(0,)]
    assert site.forget(user=WHO).events == 30
    assert site.store.query("SELECT count() FROM closed_values WHERE value = {w:String}", {"w": WHO}) == [(0,)]
    assert ranking() == [(OTHER, 30)]
    points = series.series(site.store, series.parse({"from": "2026-11-17", "to": "2026-11-17"}, "UTC"), "UTC")
    assert [(point.pv, point.uv) for point in points.data] == [(30, 1)]  # the projections follow


def test_raw_events_for_days_and_daily_rows_for_longer(site: Site) -> None:
    """What `[store] keep` promises, by query; and what an erasure can still do about days that have expired."""
    rows = [row(NOW_MS - day * DAY_MS, user=user) for day in range(30) for user in (WHO, OTHER)]
    site.store.insert("events", frame(rows))
    retention.expire(site.store, 10 * DAY_MS, NOW_MS, "UTC")
    oldest = site.store.query("SELECT toString(toDate(min(received))), count() FROM events")
    assert oldest == [("2026-11-10", 22)]
    asked = series.parse({"from": "2026-10-22", "to": "2026-11-20"}, "UTC")
    assert [(p.pv, p.uv) for p in series.series(site.store, asked, "UTC").data] == [(2, 2)] * 30
    assert site.forget(user=WHO).events == 11
    found = [(p.pv, p.uv) for p in series.series(site.store, asked, "UTC").data]
    assert found == [(2, 2)] * 19 + [(1, 1)] * 11  # expired days are counts and hashes: they stay
    assert site.store.query("SELECT count() FROM events WHERE user = {w:String}", {"w": WHO}) == [(0,)]


@pytest.mark.parametrize(
    "text",
    [
        '{"user":"zöe \\"x\\" / y","a":1}',
        '{"a":1,"user" : "z\\u00f6e \\"x\\" \\/ y"}',
        '[{"user":"n"},{"user":"zöe \\"x\\" / y"}]',
        '{"user":"zöe \\"x\\" / y","cut":',
        "user=z%C3%B6e+%22x%22+%2F+y&a=1",
        'a=1&user=z%C3%B6e%20%22x%22%20%2F%20y',
    ],
)  # fmt: skip
def test_rejects_are_found_however_the_field_is_written(site: Site, text: str) -> None:
    who = 'zöe "x" / y'
    others = ['{"user":"n"}', '{"label":"zöe"}', '{"user":"zöe"}']
    site.store.insert("rejects", reject_rows(text, *others))
    mark = Mark("user", digest(erase.salt(site.store), who), NOW_MS)
    assert erase.find_rejects(site.store, mark) == [(7, 9, 0)]
    assert erase.find_rejects(site.store, mark, who) == [(7, 9, 0)]


@pytest.mark.parametrize("text", ['{"user":"zeb\\u0072a"}', "user=ze%62ra", '{"user":"zebra"}'])
def test_a_plain_name_is_found_though_it_hides(site: Site, text: str) -> None:
    site.store.insert("rejects", reject_rows(text, '{"user":"n"}'))
    site.send({"_x": "malformed", "_raw": text})
    site.writer.close()
    answer = site.forget(user="zebra")
    assert (answer.rejects, answer.queued) == (1, 1)


def test_later_events_are_not_named(site: Site) -> None:
    site.store.insert("events", frame([row(NOW_MS, user=WHO), row(NOW_MS + 1, user=WHO)]))
    site.store.insert("rejects", reject_rows(json.dumps({"user": WHO}), received=NOW_MS + 1))
    answer = site.forget(user=WHO)
    assert (answer.events, answer.rejects) == (1, 0)
    assert site.store.query("SELECT toUnixTimestamp64Milli(time) FROM events") == [(NOW_MS + 1,)]


def test_what_failed_is_tried_again_later_and_not_all_the_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.store.insert("events", frame([row(NOW_MS, user=WHO)]))
    tries: list[str] = []

    def away(*_: object) -> None:
        tries.append("tried")
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(erase, "erase_events", away)
        answer = site.forget(user=WHO)
        assert (answer.state, answer.error) == ("failed", "the disk is full; it is tried again")
        site.forgetting.patience_s = 60.0
        for _ in range(5):
            site.forgetting.tick()
        assert len(tries) == 2
    for job in site.forgetting._jobs:
        job.due = 0.0
    site.forgetting.tick()
    assert [job.state for job in site.forgetting.list()] == ["done"]
    assert site.users() == []


@pytest.mark.parametrize("who", [{}, {"user": ""}, {"user": "a", "id": "b"}, {"session": "a\0b"}, {"id": "x" * 5000}])
def test_wrong_requests(site: Site, who: dict[str, str]) -> None:
    with pytest.raises(ForgetError):
        site.forget(**who)
    assert site.forgetting.list() == []


def test_the_store_keeps_no_name_in_its_list_of_mutations(site: Site) -> None:
    site.store.insert("events", frame([row(NOW_MS, user=WHO)]))
    site.store.insert("rejects", reject_rows(json.dumps({"user": WHO})))
    site.forget(user=WHO)
    commands = "".join(str(text) for (text,) in site.store.query("SELECT command FROM system.mutations"))
    assert "DELETE" in commands
    assert WHO not in commands
    assert WHO not in str(site.store.query("SELECT value FROM meta"))


VALUE = st.sampled_from(["a", "b", 'ä"\\', "", None])
LINE = st.fixed_dictionaries(
    {}, optional={"user": VALUE, "_v": VALUE, "session": VALUE, "id": VALUE, "category": st.just("c")}
)


@given(st.lists(st.lists(LINE, min_size=1, max_size=4), min_size=1, max_size=4), st.sampled_from(["a", 'ä"\\']))
def test_entries_against_a_plain_reference(requests: list[list[dict[str, Any]]], who: str) -> None:
    lines = [[{n: v for n, v in event.items() if v is not None} for event in request] for request in requests]
    made: Draft = draft(*lines, received=5, ip="203.0.113.0")
    for name in ("user", "session", "id"):
        marks = Marks("salt", [Mark(name, digest("salt", who), 5)])
        gone = [
            [(event.get("user", event.get("_v")) if name == "user" else event.get(name)) == who for event in request]
            for request in lines
        ]
        found = marks.in_entry(made.heads, made.body, 5)
        assert marks.in_entry(made.heads, made.body, 6) is None
        if not any(any(row) for row in gone):
            assert found is None
            continue
        assert found is not None
        heads, body, erased = found
        assert erased == sum(sum(row) for row in gone)
        texts = body.split(b"\n")
        assert len(texts) == made.count + 1
        flat = [mark for row in gone for mark in row]
        before = made.body.split(b"\n")
        assert [text == old for text, old in zip(texts, before, strict=True)] == [*(not g for g in flat), True]
        kept = [msgspec.json.decode(line) for line in heads.splitlines()]
        assert [head.get("n", 1) for head in kept] == [len(row) for row in gone]
        assert ["ip" in head for head in kept] == [not all(row) for row in gone]
