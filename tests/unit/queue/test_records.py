"""Commits parted by partition: every event keeps its receipt, its time and its request."""

from hypothesis import given
from hypothesis import strategies as st

from eventmill.queue.base import Delivery, Draft, Entry
from eventmill.queue.records import parts
from eventmill.work.batch import RECEIPT, decode
from tests.unit.work.lines import RECEIVED, draft

REQUESTS = st.lists(st.lists(st.sampled_from(["", "a", "b", "c", "d"]), min_size=1, max_size=6), min_size=1, max_size=5)
WHO = ["id", "label", "ip", "ua", "received", "minute", *RECEIPT]


def made(requests: list[list[str]]) -> Draft:
    events = [
        [{"label": f"{r}.{i}", **({"id": name} if name else {})} for i, name in enumerate(names)]
        for r, names in enumerate(requests)
    ]
    return draft(*events, ip="192.0.2.0", ua="x")


def rows(entries: list[Entry]) -> list[tuple[object, ...]]:
    frame = decode(Delivery("g", entries, {})).frame
    return sorted(frame.select(WHO).rows(), key=lambda row: str(row[1]))


def entry(one: Draft, shard: str = "s", seq: int = 1) -> Entry:
    return Entry(
        shard, seq, one.topic, one.received, one.receipt_high, one.receipt_low, one.count, one.heads, one.body
    )  # fmt: skip


def rebuilt(one: Draft, partitions: int) -> list[Draft]:
    return [
        Draft(p.topic, p.received, 0, p.partition, p.count, b"".join(p.heads), b"".join(p.lines))
        for p in parts(one, partitions)
    ]


@given(REQUESTS, st.integers(1, 5))
def test_the_parts_hold_the_same_events(requests: list[list[str]], partitions: int) -> None:
    whole = made(requests)
    split = rebuilt(whole, partitions)
    assert sum(part.count for part in split) == whole.count
    assert rows([entry(part) for part in split]) == rows([entry(whole)])
    # Parted once more, as what was kept aside while a broker was away.
    again = [small for part in split for small in rebuilt(part, partitions + 1)]
    assert rows([entry(part) for part in again]) == rows([entry(whole)])


@given(REQUESTS)
def test_an_id_has_one_partition(requests: list[list[str]]) -> None:
    found: dict[str, set[int]] = {}
    for _ in range(2):
        for part in parts(made(requests), 4):
            for line in part.lines:
                if b'"id":' in line:
                    found.setdefault(line.split(b'"id": "')[1][:1].decode(), set()).add(part.partition)
    assert all(len(places) == 1 for places in found.values())


def test_ids_of_an_idempotency_key_follow_from_the_place_in_the_request() -> None:
    one = draft([{"label": str(number)} for number in range(30)], key="k", received=RECEIVED)
    split = parts(one, 4)
    assert len(split) > 1
    again = [part.partition for part in parts(one, 4)]
    assert again == [part.partition for part in split]
    ids = {row[1]: row[0] for row in rows([entry(part) for part in rebuilt(one, 4)])}
    assert set(ids.values()) == {None}
    from eventmill.work.identity import Identify

    batch = Identify()(decode(Delivery("g", [entry(part) for part in rebuilt(one, 4)], {})))
    assert dict(batch.frame.select("label", "id").rows()) == {str(n): f"k-{n}" for n in range(30)}
