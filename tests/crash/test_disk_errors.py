"""Faults 11 and 12: the disk says that a sync failed, or does not answer for a while."""

import http.client
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from eventmill.queue.base import QueueUnavailable
from eventmill.queue.sqlite import files
from eventmill.queue.sqlite.reader import SqliteReader
from eventmill.queue.sqlite.writer import SqliteWriter
from scripts.services import Program
from tests.acceptance.server import until
from tests.contract.queues import FailingCommit, draft
from tests.crash.conftest import Build
from tests.crash.inject import injected

pytestmark = pytest.mark.crash


def refused(port: int, path: str) -> tuple[str, str] | None:
    """(reason, Retry-After) where the collector answers 503 to a request on this path."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        said = reply.read().decode()
        return (said, reply.headers["Retry-After"]) if reply.status == 503 else None
    finally:
        connection.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("when", ["4", "4..6"], ids=["once", "three-in-a-row"])
def test_a_failed_sync_is_never_acknowledged_and_its_file_never_written_again(
    when: str, rig: Build, service: Callable[[str], Program]
) -> None:
    one = rig(collectors=1, config="")
    one.start()
    shard = one.server.data / "queue" / "shard-000"
    failed = "nothing could be made durable"
    with one.load(3):
        until(lambda: len(files.shard_files(shard)) == 1, "the first queue file")
        pid = one.pids()["collector-0"]
        with injected(service("strace").path, pid, "fdatasync", f"error=EIO:when={when}"):
            until(lambda: failed in one.server.said(), "the failure", why=one.server.said)
            until(lambda: len(files.shard_files(shard)) > 1, "a new queue file", why=one.server.said)
        first = files.shard_files(shard)[0]
        before = written(first.path)
        until(lambda: not (shard / "poisoned").exists(), "the end of the failure")
        until(lambda: written(files.shard_files(shard)[-1].path) > 100_000, "later events in the new file")
        assert written(first.path) == before
    assert one.pids()["collector-0"] == pid, "the collector lives on"
    assert one.finish().acked


def written(path: Path) -> int:
    return sum(Path(f"{path}{suffix}").stat().st_size for suffix in ("", "-wal") if Path(f"{path}{suffix}").exists())


def test_a_crash_right_after_a_failed_sync_does_not_bring_its_file_back(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "q", reserve=0)
    writer.append([draft(1)])
    writer._db = FailingCommit(writer._db)
    with pytest.raises(QueueUnavailable):
        writer.append([draft(5)])
    os.close(writer._lock)  # as the end of the process does, which closes nothing else in order
    again = SqliteWriter(tmp_path / "q", reserve=0)
    again.append([draft(2)])
    again.close()
    assert [file.first for file in files.shard_files(tmp_path / "q" / "shard-000")] == [1, 3]
    reader = SqliteReader(tmp_path / "q", tmp_path / "p.db")
    delivery = reader.read("g", ["event"], 100)
    assert delivery is not None
    assert [entry.seq for entry in delivery.entries] == [1, 3]
    assert sum(row.count for row in reader.received()) == 3
    reader.close()


def test_a_new_file_that_fails_at_once_does_not_come_between_a_failed_one_and_its_voids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, create = SqliteWriter(tmp_path / "q", reserve=0), files.create
    writer.append([draft(1)])
    writer._db = FailingCommit(writer._db)
    monkeypatch.setattr(files, "create", lambda path: FailingCommit(create(path)))
    for _ in range(2):
        with pytest.raises(QueueUnavailable):
            writer.append([draft(5)])
    monkeypatch.undo()
    writer.append([draft(2)])
    writer.close()
    assert [file.first for file in files.shard_files(tmp_path / "q" / "shard-000")] == [1, 4]
    assert files.voids(files.shard_files(tmp_path / "q" / "shard-000")[1]) == {2, 3}


@pytest.mark.timeout(120)
def test_a_disk_that_stalls_makes_the_door_refuse_and_then_take_again(
    rig: Build, service: Callable[[str], Program]
) -> None:
    one = rig(collectors=1)
    one.start()
    port = one.server.collect_port
    with one.load(4):
        pid = one.pids()["collector-0"]
        with injected(service("strace").path, pid, "fdatasync", "delay_enter=6000000:when=5"):
            # By time, long before the memory for waiting requests is full.
            until(lambda: refused(port, "/ready") is not None, "503 while the disk stalls")
            said, retry = refused(port, "/event.png?category=crash&label=late") or ("", "")
            assert "the disk does not answer" in said
            assert int(retry) > 0
            until(lambda: refused(port, "/ready") is None, "the disk's return", why=one.server.said)
    assert one.finish().acked
