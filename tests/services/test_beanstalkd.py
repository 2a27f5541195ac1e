"""What is beanstalkd's own: its promise, its restarts, jobs of others, counting without reading."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import greenstalk
import pytest

from eventmill.queue.base import Draft, Entry, QueueError, QueueUnavailable
from eventmill.queue.beanstalk.open import durability, open_reader, open_writer
from eventmill.queue.beanstalk.promise import promise
from eventmill.queue.beanstalk.reader import BeanstalkReader
from eventmill.queue.beanstalk.wire import Wire
from eventmill.queue.beanstalk.writer import BeanstalkWriter
from eventmill.settings import Queue, Settings
from scripts.services import Beanstalkd, Program
from tests.acceptance.server import until
from tests.contract.queues import draft

TOPICS = ["event", "log"]


@pytest.fixture
def beanstalkd(service: Callable[[str], Program]) -> Beanstalkd:
    program = service("beanstalkd")
    assert isinstance(program, Beanstalkd)
    return program


class Restarted:
    """A server that can be killed, and started again on its data."""

    def __init__(self, program: Beanstalkd, folder: Path) -> None:
        self._program, self._folder, self._stack = program, folder, ExitStack()
        self.running = self._stack.enter_context(program.start(directory=folder))

    def again(self, *options: str) -> None:
        os.kill(self.running.pid, signal.SIGKILL)
        self._stack.close()
        self._stack = ExitStack()
        again = self._program.start(*options, directory=self._folder, port=self.running.port)
        self.running = self._stack.enter_context(again)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def server(beanstalkd: Beanstalkd, tmp_path: Path) -> Iterator[Restarted]:
    with closing(Restarted(beanstalkd, tmp_path)) as one:
        yield one


def settings(url: str, options: str = "partitions=2") -> Settings:
    return Settings(queue=Queue(url=f"{url}?{options}"))


@contextmanager
def opened(url: str) -> Iterator[tuple[BeanstalkWriter, BeanstalkReader]]:
    with closing(open_writer(settings(url), 0)) as writer, closing(open_reader(settings(url))) as reader:
        yield writer, reader


def drain(reader: BeanstalkReader, topics: list[str] = TOPICS) -> list[Entry]:
    found: list[Entry] = []
    while (delivery := reader.read("store", topics, 100)) is not None:
        found += delivery.entries
        reader.commit(delivery, 1)
    return found


def lines(entries: list[Entry] | list[Draft]) -> list[bytes]:
    return sorted(line for entry in entries for line in entry.body.splitlines())


def test_every_answer_synced_is_the_class_fsync(beanstalkd: Beanstalkd) -> None:
    with beanstalkd.start() as running:
        assert durability(settings(running.url)) == "fsync"
        assert durability(settings(running.url, "durability=relaxed")) == "relaxed"


@pytest.mark.parametrize(("words", "why"), [(("-f", "50"), "-f 50"), (("-F",), "never synced: -F")])
def test_less_is_refused_with_the_mend(beanstalkd: Beanstalkd, words: tuple[str, ...], why: str) -> None:
    with beanstalkd.start(*words) as running:
        with pytest.raises(QueueError, match=rf"{why}.*-b DIR -f 0.*durability=relaxed"):
            open_writer(settings(running.url), 0)
        with closing(open_writer(settings(running.url, "durability=relaxed"), 0)) as writer:
            writer.append([draft()])
            assert writer.durability == "relaxed"


def test_a_server_of_another_host_promises_nothing_that_can_be_seen(beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    with beanstalkd.start() as running, beanstalkd.start() as other, closing(Wire("127.0.0.1", running.port)) as wire:
        told = wire.stats()
        assert promise(told) == ("fsync", "-b, -f 0")
        assert promise(told, tmp_path)[0] == "relaxed"  # no such process here
        line = tmp_path / told["pid"] / "cmdline"
        line.parent.mkdir()
        for words in ("redis-server", f"beanstalkd -f0 -b / -p {other.port}", "beanstalkd -f0 -b / -l unix:/x"):
            line.write_text("".join(f"{word}\0" for word in words.split()))
            assert "own host" in promise(told, tmp_path)[1]


def test_a_server_that_is_away_is_said_at_once(beanstalkd: Beanstalkd) -> None:
    with beanstalkd.start() as running:
        pass
    with pytest.raises(QueueUnavailable, match="does not answer"):
        durability(settings(running.url))


def test_a_restarted_server_is_found_again_by_writer_and_reader(server: Restarted) -> None:
    with opened(server.running.url) as (writer, reader):
        sent = [draft(3), draft(2, "log")]
        writer.append(sent)
        taken = reader.read("store", TOPICS, 100)
        assert taken is not None
        server.again()
        with pytest.raises(QueueUnavailable):
            reader.commit(taken, 1)
        sent.append(draft(4))
        writer.append(sent[2:])
        again = reader.read("store", TOPICS, 1)
        assert again is not None
        assert again.suspect
        reader.commit(again, 1)
        assert lines([*again.entries, *drain(reader)]) == lines(sent)
        assert reader.lag({"store": TOPICS}) == []


def test_while_it_is_away_appends_fail_and_the_door_is_told(server: Restarted) -> None:
    with opened(server.running.url) as (writer, reader):
        os.kill(server.running.pid, signal.SIGKILL)
        with pytest.raises(QueueUnavailable):
            writer.append([draft()])
        assert "away" in (writer.check() or "")
        with pytest.raises(QueueUnavailable):
            reader.read("store", TOPICS, 1)
        with pytest.raises(QueueUnavailable):
            reader.lag({"store": TOPICS})
        with pytest.raises(QueueUnavailable):
            reader.position("store")
        server.again()
        writer._looked = 0.0
        assert writer.check() is None
        writer.append([draft(2)])
        assert sum(row.events for row in reader.lag({"store": TOPICS})) == 2


def test_a_server_that_comes_back_with_less_gets_nothing(server: Restarted) -> None:
    with opened(server.running.url) as (writer, _):
        writer.append([draft()])
        server.again("-f", "50")
        with pytest.raises(QueueUnavailable, match=r"promises less.*-f 50"):
            writer.append([draft()])


def test_ids_are_given_again_after_a_restart_names_are_not(server: Restarted) -> None:
    with opened(server.running.url) as (writer, reader):
        names, seqs = set(), set()
        for _ in range(3):
            writer.append([draft(1)])
            (entry,) = drain(reader)
            names.add((entry.shard, entry.receipt_high, entry.receipt_low))
            seqs.add(entry.seq)
            for _ in range(2):  # the files that know of the job are dropped by the second
                server.again()
        assert len(seqs) < 3
        assert len(names) == 3


def test_a_job_of_somebody_else_is_buried_and_told_as_lost(beanstalkd: Beanstalkd) -> None:
    with beanstalkd.start() as running, opened(running.url) as (writer, reader):
        with greenstalk.Client(("127.0.0.1", running.port), use="eventmill.event.1") as client:
            job = client.put("hello")
            assert reader.read("store", TOPICS, 100) is None
            assert client.stats_job(job)["state"] == "buried"
        writer.append([draft(2)])
        for _ in range(2):
            delivery = reader.read("store", TOPICS, 100)
            assert delivery is not None
            (lost,) = delivery.lost
            assert (lost.shard, lost.first_seq, lost.events) == ("event/1", job, 1)
            reader.rewind("store")
        delivery = reader.read("store", TOPICS, 100)
        assert delivery is not None
        reader.commit(delivery, 1)
        assert reader.lag({"store": TOPICS}) == []
        writer.append([draft(2)])
        delivery = reader.read("store", TOPICS, 100)
        assert delivery is not None
        assert not delivery.lost


def test_any_client_can_read_a_job(beanstalkd: Beanstalkd) -> None:
    one = draft(3)
    with beanstalkd.start() as running, opened(running.url) as (writer, _):
        writer.append([one])
        tubes = [f"eventmill.event.{number}" for number in range(2)]
        with greenstalk.Client(("127.0.0.1", running.port), watch=tubes) as client:
            text = client.reserve(0).body
    assert text.partition("\n\n")[2].encode() == one.body


def test_what_waits_is_counted_whatever_order_it_goes_in(beanstalkd: Beanstalkd) -> None:
    with beanstalkd.start() as running, opened(running.url) as (writer, reader):

        def lag(one: BeanstalkReader) -> dict[str, int]:
            return {row.topic: row.events for row in one.lag({"store": TOPICS})}

        for count in range(1, 11):
            writer.append([draft(count)])
        assert lag(reader) == {"event": 55}
        writer.append([draft(7, "log")])
        with greenstalk.Client(("127.0.0.1", running.port)) as client:
            for job in (3, 7):
                client.delete(job)
        assert lag(reader) == {"event": 55 - 3 - 7, "log": 7}
        assert lag(reader) == lag(reader)
        with closing(open_reader(settings(running.url))) as fresh:
            assert lag(fresh) == lag(reader)
            drain(fresh, ["event"])
        assert lag(reader) == {"log": 7}


def test_a_server_that_takes_nothing_new_is_read_empty(beanstalkd: Beanstalkd) -> None:
    with beanstalkd.start() as running, opened(running.url) as (writer, reader):
        for count in range(1, 4):
            writer.append([draft(count)])
        os.kill(running.pid, signal.SIGUSR1)  # drain mode
        with pytest.raises(QueueUnavailable, match="DRAINING"):
            writer.append([draft(5)])
        assert [row.events for row in reader.lag({"store": TOPICS})] == [6]
        assert len(list(reader.find(b"label", 10))) == 3
        assert sum(entry.count for entry in drain(reader)) == 6
        assert reader.lag({"store": TOPICS}) == []


def test_a_server_that_hangs_is_waited_for_seconds_only(beanstalkd: Beanstalkd) -> None:
    with beanstalkd.start() as running, opened(running.url) as (writer, reader):
        writer.append([draft(1)])
        os.kill(running.pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(QueueUnavailable, match=r"timed out|in time"):
            writer.append([draft(2)])
        assert time.monotonic() - began < 10
        began, writer._looked = time.monotonic(), 0.0
        assert writer.check() is not None
        assert time.monotonic() - began < 2
        os.kill(running.pid, signal.SIGCONT)
        writer.append([draft(4)])
        assert {entry.count for entry in drain(reader)} >= {1, 4}


def test_a_server_that_goes_on_without_its_binlog_is_found_out(
    service: Callable[[str], Program], server: Restarted
) -> None:
    """beanstalkd itself answers INSERTED after a failed write, and keeps what comes in memory only."""
    strace = service("strace").path
    with opened(server.running.url) as (writer, reader):
        writer.append([draft(1)])
        binlog = server.running.directory / "binlog.1"
        words = [
            strace,
            "-qq",
            "-o",
            "/dev/null",
            "-p",
            str(server.running.pid),
            "-P",
            str(binlog),
            "-e",
            "trace=write",
        ]
        with subprocess.Popen([*words, "-e", "inject=write:error=EIO"], stdin=subprocess.DEVNULL) as tracer:
            until(lambda: traced(server.running.pid), "strace")
            with pytest.raises(QueueUnavailable, match="BURIED"):
                writer.append([draft(2)])
            tracer.send_signal(signal.SIGINT)
        for _ in range(2):
            with pytest.raises(QueueUnavailable, match="has stopped writing its binlog"):
                writer.append([draft(2)])
        assert [row.events for row in reader.lag({"store": TOPICS})] == [1]
        server.again()
        writer.append([draft(2)])
        assert sum(entry.count for entry in drain(reader)) == 3


def traced(pid: int) -> bool:
    return "TracerPid:\t0" not in Path(f"/proc/{pid}/status").read_text()


def test_drafts_of_one_append_share_jobs_and_a_delivery_has_no_more_than_can_be_deleted(beanstalkd: Beanstalkd) -> None:
    with beanstalkd.start() as running, opened(running.url) as (writer, reader):
        sent = [draft(1) for _ in range(3_000)]
        writer.append(sent)
        with greenstalk.Client(("127.0.0.1", running.port)) as client:
            assert client.stats()["current-jobs-ready"] <= 8  # as many as their bytes need
            one = reader.read("store", TOPICS, 10_000)
            assert one is not None
            assert (one.events, lines(list(one.entries))) == (3_000, lines(sent))
            reader.commit(one, 1)
            for _ in range(2_500):
                writer.append([draft(1)])
            first = reader.read("store", TOPICS, 10_000)
            assert first is not None
            assert first.events <= 2_256
            reader.commit(first, 2)
            assert sum(entry.count for entry in drain(reader)) == 2_500 - first.events


def test_a_topic_belongs_to_one_group(beanstalkd: Beanstalkd) -> None:
    with beanstalkd.start() as running, opened(running.url) as (_, reader):
        assert reader.read("store", ["event"], 1) is None
        assert reader.read("more", ["log"], 1) is None
        with pytest.raises(QueueError, match="event is read by the group 'store'"):
            reader.read("third", ["event"], 1)
