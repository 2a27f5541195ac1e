"""Forgetting while events come in, with files that are open, and with stops and faults in between."""

import threading
import time

import apsw
import pytest

from eventmill.clock import system_clock
from eventmill.queue.sqlite import erase as sqlite_erase
from eventmill.queue.sqlite.writer import SqliteWriter
from eventmill.store import erase
from eventmill.store.base import StoreUnavailable
from tests.stored_events import frame, row
from tests.unit.store.erased_site import NOW_MS, OTHER, WHO, Site, event, fresh_file
from tests.unit.work.lines import draft


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
