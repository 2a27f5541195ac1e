"""What is RabbitMQ's own: its promise, its alarms, its restarts, what a policy would drop, counting."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from eventmill.queue.amqp import inbox
from eventmill.queue.amqp.messages import Sequence, messages
from eventmill.queue.amqp.open import durability, open_reader, open_writer
from eventmill.queue.amqp.reader import AmqpReader
from eventmill.queue.amqp.writer import AmqpWriter
from eventmill.queue.base import Delivery, QueueError, QueueUnavailable
from eventmill.queue.records import parts
from eventmill.settings import Queue, Settings
from eventmill.topics import Topic
from scripts.services import Program, RabbitMQ
from tests.acceptance.server import until
from tests.contract.queues import draft

TOPICS = ["event", "log"]
GROUP = {"store": TOPICS}


@pytest.fixture(scope="module")
def rabbitmq(service: Callable[[str], Program]) -> RabbitMQ:
    program = service("rabbitmq")
    assert isinstance(program, RabbitMQ)
    return program


@pytest.fixture(scope="module")
def url(rabbitmq: RabbitMQ) -> Iterator[str]:
    with rabbitmq.start() as running:
        yield running.url


def settings(url: str, options: str = "") -> Settings:
    """Queues of their own, unless the options name a prefix."""
    prefix = "" if "prefix" in options else f"&prefix=t{secrets.token_hex(6)}"
    topics = {name: Topic() for name in TOPICS}
    return Settings(queue=Queue(url=f"{url}?partitions=2{prefix}&{options}".rstrip("&")), topics=topics)


@contextmanager
def opened(where: Settings) -> Iterator[tuple[AmqpWriter, AmqpReader]]:
    with closing(open_writer(where, 0)) as writer, closing(open_reader(where)) as reader:
        yield writer, reader


def drain(reader: AmqpReader) -> list[Delivery]:
    found = []
    while (delivery := reader.read("store", TOPICS, 100)) is not None:
        found.append(delivery)
    return found


def labels(deliveries: list[Delivery]) -> list[bytes]:
    return sorted(line for d in deliveries for e in d.entries for line in e.body.splitlines())


def events(reader: AmqpReader) -> int:
    return sum(row.events for row in reader.lag(GROUP))


def on_channel(url: str, work: Callable[[AbstractChannel], Coroutine[Any, Any, None]]) -> None:
    """Does something to the broker that eventmill would not."""

    async def run() -> None:
        connection = await aio_pika.connect(url)
        async with connection:
            await work(await connection.channel())

    asyncio.run(run())


def test_quorum_queues_are_fsync(url: str) -> None:
    assert durability(settings(url)) == "fsync"
    assert durability(settings(url, "durability=fsync")) == "fsync"
    assert durability(settings(url, "durability=relaxed")) == "relaxed"


def test_replication_is_not_claimed(url: str) -> None:
    with pytest.raises(QueueError, match="AMQP does not tell how many members"):
        durability(settings(url, "durability=replicated"))


def test_a_classic_queue_is_refused_unless_losses_are_accepted(url: str) -> None:
    async def make(channel: AbstractChannel) -> None:
        await channel.declare_queue("classic.event.0", durable=True)

    on_channel(url, make)
    with pytest.raises(QueueError, match=r"inequivalent arg.*durability=relaxed"):
        durability(settings(url, "prefix=classic"))
    with opened(settings(url, "prefix=classic&durability=relaxed")) as (writer, reader):
        assert writer.durability == "relaxed"
        writer.append([draft(3)])
        (delivery,) = drain(reader)
        assert delivery.suspect  # such a queue may forget what it has handed out


def test_who_is_not_let_in_is_told_so(url: str) -> None:
    with pytest.raises(QueueError, match="does not let us in") as told:
        durability(settings(url.replace("guest:guest", "guest:wrong")))
    assert "wrong" not in str(told.value)
    assert not isinstance(told.value, QueueUnavailable)
    with pytest.raises(QueueError, match="does not let us in"):
        durability(settings(url + "nowhere"))


def test_an_event_that_reaches_no_queue_is_no_success(url: str) -> None:
    with opened(settings(url, "prefix=gone")) as (writer, reader):
        writer.append([draft(1)])

        async def remove(channel: AbstractChannel) -> None:
            for part in (0, 1):
                await channel.queue_delete(f"gone.event.{part}")

        on_channel(url, remove)
        with pytest.raises(QueueUnavailable):
            writer.append([draft(3)])
        assert writer.check() is None
        one = draft(3)
        writer.append([one])  # made anew
        assert labels(drain(reader)) == sorted(one.body.splitlines())


def test_who_does_not_read_counts_what_another_reader_of_the_process_holds(url: str) -> None:
    where = settings(url)
    with opened(where) as (writer, reader), closing(open_reader(where)) as look:
        writer.append([draft(3), draft(4, "log")])
        assert events(look) == 7
        found = drain(reader)
        assert events(look) == 7
        for delivery in found:
            reader.commit(delivery, 1)
        assert events(look) == 0
        assert not look.read("store", TOPICS, 10)


def test_what_a_closed_reader_held_is_handed_out_again(url: str) -> None:
    where = settings(url)
    one = draft(5)
    with opened(where) as (writer, reader):
        writer.append([one])
        assert len(labels(drain(reader))) == 5
    with closing(open_reader(where)) as reader:
        found = drain(reader)
        assert labels(found) == sorted(one.body.splitlines())
        assert all(delivery.suspect for delivery in found)


def test_only_what_was_handed_out_is_suspect_after_a_lost_connection(url: str) -> None:
    with opened(settings(url)) as (writer, reader):

        def lose() -> None:
            reader._inbox._link.later(reader._inbox._leave)
            time.sleep(0.5)

        writer.append([draft(3)])
        for _ in range(2):
            assert events(reader) == 3
            lose()  # it lay here, and nobody has read it
        first = drain(reader)
        assert [delivery.suspect for delivery in first] == [False]
        lose()
        with pytest.raises(QueueUnavailable, match="comes again"):
            reader.commit(first[0], 1)
        again = drain(reader)
        assert labels(again) == labels(first)
        assert all(delivery.suspect for delivery in again)


def test_lag_goes_on_behind_what_is_here(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight messages of three events in each of two queues, of which three are here at a time."""
    monkeypatch.setattr(inbox, "_UNACKNOWLEDGED", 0)
    monkeypatch.setattr(inbox, "_LEAST", 3)
    with opened(settings(url)) as (writer, reader):
        for _ in range(8):
            writer.append([draft(3), draft(3, "log")])
        waits = 48
        while waits:
            until(lambda waits=waits: events(reader) == waits, "messages that are still on their way")
            delivery = reader.read("store", TOPICS, 1)
            assert delivery is not None
            reader.commit(delivery, 1)
            waits -= delivery.events
        assert events(reader) == 0
        assert drain(reader) == []


def test_what_a_policy_would_drop_is_read(url: str) -> None:
    where = settings(url, "prefix=expired")
    one = draft(4)
    with opened(where) as (_, reader):

        async def publish(channel: AbstractChannel) -> None:
            for part in parts(one, 2):
                for message in messages(part, Sequence()):
                    message.expiration = 0.001  # as a policy's message-ttl does
                    await channel.default_exchange.publish(message, f"expired.event.{part.partition}")

        on_channel(url, publish)
        time.sleep(0.5)
        found = drain(reader)
        assert labels(found) == sorted(one.body.splitlines())
        assert {entry.shard for d in found for entry in d.entries} == {"event/dead"}
        assert all(delivery.suspect for delivery in found)
        for delivery in found:
            reader.commit(delivery, 1)
        assert events(reader) == 0


def test_an_alarm_is_a_refusal_in_time(rabbitmq: RabbitMQ) -> None:
    """RabbitMQ stops reading from who publishes; nothing is said in the protocol's answers."""
    with (
        rabbitmq.start("disk_free_limit.absolute = 900000000000000") as running,
        opened(settings(running.url)) as (writer, _),
    ):
        began = time.monotonic()
        with pytest.raises(QueueUnavailable, match="no answer"):
            writer.append([draft(1)])
        assert time.monotonic() - began < 10
        assert writer.check() is not None
        time.sleep(0.6)
        assert writer.check() is not None


class Restarted:
    """A server that is stopped or killed, and started again on its data."""

    def __init__(self, program: RabbitMQ, folder: Path) -> None:
        self._program, self._folder, self._stack = program, folder, ExitStack()
        self.running = self._stack.enter_context(program.start(directory=folder))

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.running.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._stack.close()

    def start(self) -> None:
        self._stack = ExitStack()
        self.running = self._stack.enter_context(self._program.start(directory=self._folder, port=self.running.port))

    def close(self) -> None:
        self._stack.close()


def test_a_broker_that_hangs_or_was_killed_is_found_again(rabbitmq: RabbitMQ, tmp_path: Path) -> None:
    with closing(Restarted(rabbitmq, tmp_path)) as server, opened(settings(server.running.url)) as (writer, reader):
        kept = [draft(3), draft(2, "log")]
        writer.append(kept)
        before = drain(reader)
        assert len(labels(before)) == 5

        server.signal(signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(QueueUnavailable):
            writer.append([draft(1)])
        assert time.monotonic() - began < 10
        assert writer.check() is not None
        server.signal(signal.SIGCONT)

        server.kill()
        with pytest.raises(QueueUnavailable):
            writer.append([draft(1)])
        with pytest.raises(QueueUnavailable):
            reader.lag(GROUP)
        with pytest.raises(QueueUnavailable):
            reader.commit(before[0], 1)

        server.start()
        late = draft(4)
        writer.append([late])
        found = drain(reader)
        sent = sorted(line for one in (*kept, late) for line in one.body.splitlines())
        assert set(sent) <= set(labels(found))  # what hung may have arrived too
        again = [d for d in found if d.suspect]
        assert set(labels(before)) <= set(labels(again))
        for delivery in found:
            reader.commit(delivery, 1)
        assert events(reader) == 0
