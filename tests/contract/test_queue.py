"""What every queue must do, whatever it is made of."""

from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.queue.base import Capability, Delivery, Entry, Reader
from eventmill.work.batch import RECEIPT, decode
from tests.contract.queues import BACKENDS, SERVERS, Opened, draft, merged

ALL = ["event", "log"]


@pytest.fixture(scope="session")
def server(service):
    """The address of a backend's server, started when first asked for; "" where it needs none."""
    with ExitStack() as running:
        known = {}

        def address(name: str) -> str:
            if name in SERVERS and name not in known:
                known[name] = running.enter_context(service(SERVERS[name]).start()).url
            return known.get(name, "")

        yield address


@pytest.fixture(params=BACKENDS)
def queue(request, tmp_path: Path, server):
    opened = BACKENDS[request.param](tmp_path, server(request.param))
    with ExitStack() as readers:
        yield Opened(opened.writer, lambda: readers.enter_context(closing(opened.reader())))
    opened.writer.close()


def drain(reader: Reader, group: str, topics=ALL, limit=100) -> list[Delivery]:
    found = []
    while (delivery := reader.read(group, topics, limit)) is not None:
        found.append(delivery)
    return found


def lines(deliveries: list[Delivery]) -> list[bytes]:
    return [line for d in deliveries for e in d.entries for line in e.body.splitlines()]


def test_reads_what_was_appended_once_and_in_order(queue: Opened) -> None:
    drafts = [draft(n % 5 + 1) for n in range(40)]
    for one in drafts:
        queue.writer.append([one])
    got = drain(queue.reader(), "g")
    assert lines(got) == [line for d in drafts for line in d.body.splitlines()]
    seqs = [e.seq for d in got for e in d.entries]
    assert seqs == sorted(set(seqs))


def test_an_entry_comes_back_as_it_was_written(queue: Opened) -> None:
    one = draft(4, topic="log", received=1_790_000_123_456)
    queue.writer.append([one])
    (delivery,) = drain(queue.reader(), "g")
    assert {(entry.topic, entry.received) for entry in delivery.entries} == {("log", 1_790_000_123_456)}
    assert b"".join(entry.body for entry in delivery.entries) == one.body
    whole = Entry("s", 1, one.topic, one.received, one.receipt_high, one.receipt_low, one.count, one.heads, one.body)
    said = ["label", "received", "minute", "of_topic", *RECEIPT]
    expected = decode(Delivery("g", [whole], {})).frame.select(said)
    assert decode(delivery).frame.select(said).rows() == expected.rows()


def test_requests_of_several_events_and_of_several_topics(queue: Opened) -> None:
    whole = merged([draft(n) for n in (3, 1, 4)])
    queue.writer.append([whole, draft(2, "log")])
    got = drain(queue.reader(), "g")
    mine = [e for d in got for e in d.entries if e.topic == "event"]
    said = ["label", *RECEIPT]
    entry = Entry(
        "s", 1, "event", whole.received, whole.receipt_high, whole.receipt_low, whole.count, whole.heads, whole.body
    )
    expected = decode(Delivery("g", [entry], {})).frame.select(said).rows()
    assert decode(Delivery("g", mine, {})).frame.select(said).rows() == expected


def test_uncommitted_is_delivered_again_committed_is_not(queue: Opened) -> None:
    for _ in range(10):
        queue.writer.append([draft(2)])
    reader = queue.reader()
    first = reader.read("g", ALL, 6)
    assert first is not None
    reader.commit(first, 1)
    rest = drain(reader, "g")
    reader.rewind("g")
    again = drain(reader, "g")
    assert lines(again) == lines(rest)
    assert len(lines([first])) + len(lines(again)) == 20
    if Capability.BATCHES in reader.capabilities:
        assert reader.position("g").batch == 1
        return
    assert reader.position("g").batch is None
    reader.rewind("g")
    (suspect,) = drain(reader, "g")[:1]
    assert suspect.suspect  # it may have been stored before the rewind
    queue.writer.append([draft(2)])
    reader.rewind("g")
    for delivery in drain(reader, "g"):
        reader.commit(delivery, 2)
    queue.writer.append([draft(2)])
    assert [delivery.suspect for delivery in drain(reader, "g")] == [False]


def test_groups_have_their_own_positions(queue: Opened) -> None:
    reader = queue.reader()
    if Capability.SEVERAL_GROUPS not in reader.capabilities:
        pytest.skip("one group only, as declared")
    queue.writer.append([draft(5)])
    (delivery,) = drain(reader, "a")
    reader.commit(delivery, 1)
    assert len(lines(drain(reader, "b"))) == 5
    assert not reader.position("b").batch


def test_a_group_reads_only_its_topics(queue: Opened) -> None:
    for _ in range(5):
        queue.writer.append([draft(1, "event"), draft(2, "log")])
    got = drain(queue.reader(), "g", ["log"])
    assert {e.topic for d in got for e in d.entries} == {"log"}
    assert len(lines(got)) == 10


def test_lag_counts_what_is_not_committed(queue: Opened) -> None:
    reader = queue.reader()
    queue.writer.append([draft(3, "event"), draft(4, "log")])
    lags = reader.lag({"g": ALL})
    assert {(lag.topic, lag.events) for lag in lags} == {("event", 3), ("log", 4)}
    assert all(lag.oldest_ms >= 0 for lag in lags)
    for delivery in drain(reader, "g"):
        reader.commit(delivery, 1)
    assert reader.lag({"g": ALL}) == []


def test_received_is_what_was_appended_by_topic_and_minute(queue: Opened) -> None:
    if Capability.TOTALS not in queue.reader().capabilities:
        pytest.skip("counts nothing, as declared")
    minute = 1_790_000_040_000 // 60_000
    queue.writer.append([draft(3, "event", minute * 60_000), draft(4, "log", minute * 60_000 + 59_999)])
    queue.writer.append([draft(2, "event", (minute + 1) * 60_000)])
    rows = {(r.topic, r.minute): r.count for r in queue.reader().received()}
    assert rows == {("event", minute): 3, ("log", minute): 4, ("event", minute + 1): 2}
    assert sum(r.count for r in queue.reader().received(minute + 1, minute + 1)) == 2


def test_seek_by_time(queue: Opened) -> None:
    reader = queue.reader()
    if Capability.SEEK_BY_TIME not in reader.capabilities:
        pytest.skip("cannot seek by time, as declared")
    for n in range(20):
        queue.writer.append([draft(1, received=1_790_000_040_000 + n * 60_000)])
    for delivery in drain(reader, "g"):
        reader.commit(delivery, 3)
    reader.seek("g", 1_790_000_040_000 + 15 * 60_000 + 30_000)
    replay = reader.position("g").replay
    if Capability.BATCHES in reader.capabilities:
        assert replay is not None
        assert (replay.batch, len(replay.until)) == (3, 1)
    again = drain(reader, "g")
    assert len(lines(again)) == 5
    assert replay is not None or all(delivery.suspect for delivery in again)
    reader.commit(again[-1], 4)
    assert reader.position("g").replay is None


def test_retention_never_passes_an_unread_position(queue: Opened) -> None:
    reader = queue.reader()
    for _ in range(60):
        queue.writer.append([draft(20)])
    keep = dict.fromkeys(ALL, 0)
    assert reader.retain({"g": ALL}, keep, 1_900_000_000_000) == 0
    for delivery in drain(reader, "g"):
        reader.commit(delivery, 1)
    if Capability.SEVERAL_GROUPS not in reader.capabilities:
        pytest.skip("one group only, as declared")
    reader.retain({"g": ALL, "late": ALL}, keep, 1_900_000_000_000)
    assert len(lines(drain(reader, "late"))) == 1200


def test_totals_outlive_what_retention_deletes(queue: Opened) -> None:
    reader = queue.reader()
    if Capability.TOTALS not in reader.capabilities:
        pytest.skip("counts nothing, as declared")
    for _ in range(60):
        queue.writer.append([draft(20)])
    for delivery in drain(reader, "g"):
        reader.commit(delivery, 1)
    reader.retain({"g": ALL}, dict.fromkeys(ALL, 0), 1_900_000_000_000)
    assert sum(r.count for r in reader.received()) == 1200


def test_find_shows_where_an_event_is(queue: Opened) -> None:
    for text in ("apple", "pear", "plum"):
        queue.writer.append([draft(1, text=text)])
    found = list(queue.reader().find(b'"pear"', 10))
    assert len(found) == 1
    assert b"pear" in found[0].body


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(ALL), st.booleans()), max_size=30), st.integers(1, 10))
def test_any_order_of_appends_reads_and_commits_delivers_each_once(tmp_path_factory, server, actions, limit) -> None:
    for name in ("sqlite", "memory", "redis", "beanstalk"):  # joining a group of Kafka's takes a second each time
        queue = BACKENDS[name](tmp_path_factory.mktemp(name), server(name))
        reader = queue.reader()
        sent, got = {topic: [] for topic in ALL}, {topic: [] for topic in ALL}

        def take(deliveries: list[Delivery], got: dict[str, list[bytes]] = got) -> None:
            for entry in (entry for delivery in deliveries for entry in delivery.entries):
                got[entry.topic] += entry.body.splitlines()

        for count, topic, commit in actions:
            one = draft(count, topic)
            queue.writer.append([one])
            sent[topic] += one.body.splitlines()
            delivery = reader.read("g", ALL, limit)
            if delivery is None:
                continue
            if commit:
                reader.commit(delivery, 1)
                take([delivery])
            else:
                reader.rewind("g")
        take(drain(reader, "g"))
        assert got == sent, name  # brokers keep an order for each topic
        reader.close()
        queue.writer.close()
