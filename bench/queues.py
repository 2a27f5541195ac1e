"""Each broker through eventmill's writer and reader, against its own client in the same run.

    python -m bench.queues [--events 60000] [--queues redis-server,kafka]

Commits of 500 events as the door makes them under load, one after the other, each durable before the next. The raw
client writes the same lines to the same kind of topic with the same durability: for Kafka a record for each event and
a flush for each commit, for Redis one transaction with a stream entry for each partition. Reading: all of it, in
batches of 5,000 with a commit for each, against the client's own fetches.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.events import bodies
from bench.part import UnavailableError, alone, by_dose, say
from bench.table import Row
from eventmill.event import ReceiptSource
from eventmill.queue.base import Draft
from eventmill.queue.open import open_reader, open_writer
from eventmill.settings import Queue, Settings
from eventmill.topics import Topic
from scripts.services import CATALOGUE, MissingError

_COMMIT = 500
_PARTITIONS = 4
_receipts = ReceiptSource()


def drafts(texts: Sequence[bytes]) -> list[Draft]:
    now = int(time.time() * 1000)
    return [
        Draft("event", now, *_receipts.block(now), text.count(b"\n") + 1, b'{"n":%d}\n' % (text.count(b"\n") + 1),
              text + b"\n")
        for text in texts
    ]  # fmt: skip


def raw_kafka(url: str, texts: Sequence[bytes]) -> tuple[float, float]:
    """Seconds to write and to read."""
    from confluent_kafka import Consumer, Producer, TopicPartition
    from confluent_kafka.admin import AdminClient, NewTopic

    servers = {"bootstrap.servers": url.removeprefix("kafka://")}
    name = f"raw{secrets.token_hex(4)}"
    topic = NewTopic(name, num_partitions=_PARTITIONS, replication_factor=1, config={"flush.messages": "1"})
    admin = AdminClient(servers)
    for future in admin.create_topics([topic]).values():
        future.result(20)
    producer = Producer({**servers, "acks": "all", "enable.idempotence": True, "linger.ms": 1})
    began = time.perf_counter()
    for text in texts:
        for number, line in enumerate(text.splitlines()):
            producer.produce(name, line, partition=number % _PARTITIONS)
        producer.flush(20)
    wrote = time.perf_counter() - began
    consumer = Consumer({**servers, "group.id": name, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.assign([TopicPartition(name, partition, 0) for partition in range(_PARTITIONS)])
    left = sum(text.count(b"\n") + 1 for text in texts)
    began = time.perf_counter()
    while left > 0:
        if got := [m.value() for m in consumer.consume(5000, 0.2) if m.error() is None]:
            left -= len(got)
            consumer.commit(asynchronous=False)
    took = time.perf_counter() - began
    consumer.close()
    return wrote, took


def raw_redis(url: str, texts: Sequence[bytes]) -> tuple[float, float]:
    """Seconds to write and to read."""
    import redis

    client: Any = redis.Redis.from_url(url)
    name = f"raw{secrets.token_hex(4)}"
    began = time.perf_counter()
    for text in texts:
        pipe = client.pipeline(transaction=True)
        lines = text.splitlines(keepends=True)
        for partition in range(_PARTITIONS):
            pipe.xadd(f"{name}.{partition}", {"b": b"".join(lines[partition::_PARTITIONS])})
        pipe.execute()
    wrote = time.perf_counter() - began
    began = time.perf_counter()
    for partition in range(_PARTITIONS):
        client.xgroup_create(f"{name}.{partition}", "g", "0")
        while found := client.xreadgroup("g", "me", {f"{name}.{partition}": ">"}, count=40):
            client.xack(f"{name}.{partition}", "g", *[key for key, _ in found[0][1]])
    return wrote, time.perf_counter() - began


RAW: dict[str, Callable[[str, Sequence[bytes]], tuple[float, float]]] = {
    "kafka": raw_kafka,
    "redis-server": raw_redis,
}


def ours(url: str, texts: Sequence[bytes]) -> tuple[float, float]:
    """The same through the queue's contract."""
    name = f"own{secrets.token_hex(4)}"
    settings = Settings(
        data="/nonexistent",
        queue=Queue(url=f"{url}?partitions={_PARTITIONS}&prefix={name}", spill=False),
        topics={"event": Topic()},
    )
    made = drafts(texts)
    writer = open_writer(settings, 0)
    began = time.perf_counter()
    for draft in made:
        writer.append([draft])
    wrote = time.perf_counter() - began
    writer.close()
    reader, left = open_reader(settings), sum(draft.count for draft in made)
    joined = reader.read("warm", ["event"], 1)  # a group's first read joins it
    left -= joined.events if joined else 0
    began, batch = time.perf_counter(), 0
    while left > 0:
        delivery = reader.read("warm", ["event"], 5000)
        if delivery is not None:
            left -= delivery.events
            batch += 1
            reader.commit(delivery, batch)
        elif time.perf_counter() - began > 60:
            raise UnavailableError(f"{left} events never came back")
    took = time.perf_counter() - began
    reader.close()
    return wrote, took


def rows(given: argparse.Namespace) -> list[Row]:
    events = by_dose(given, "events", 20_000, 60_000, 300_000)
    texts = bodies(events, _COMMIT, ids=True)
    found: list[Row] = []
    for name in given.queues.split(","):
        program: Any = CATALOGUE[name]
        try:
            running = program.start()
            with running as server:
                raw = RAW[name](server.url, texts)
                own = ours(server.url, texts)
        except MissingError as error:
            raise UnavailableError(str(error)) from error
        for what, theirs, mine in (("written", raw[0], own[0]), ("read", raw[1], own[1])):
            say(f"{name}: {what} {events / mine:,.0f}/s, its own client {events / theirs:,.0f}/s")
            note = f"{events / mine:,.0f} against {events / theirs:,.0f}/s"
            found.append(
                Row(f"{name}: events {what} a second, against its own client", theirs / mine, "×", 0.5, 0.8, note=note)
            )
    return found


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int)
    parser.add_argument("--queues", default=",".join(RAW))


if __name__ == "__main__":
    sys.exit(alone("queues", __doc__, rows, options))
