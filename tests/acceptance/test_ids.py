"""Each id counts once, however often, in whatever order and form it is sent, across a restart."""

import json
import random
from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server

IDS = 2000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("ids") / "data", collectors=2) as running:
        yield running


def event(number: int) -> dict[str, object]:
    return {"id": f"id-{number}", "category": "shop", "action": "buy", "label": str(number % 7), "n": number}


def send(server: Server, dice: random.Random, numbers: list[int]) -> None:
    """Sends in batches of every size, as arrays, NDJSON and single objects with their keys in any order."""
    at = 0
    while at < len(numbers):
        size = dice.choice([1, 2, 10, 100, 400])
        batch = [shuffled(event(number), dice) for number in numbers[at : at + size]]
        at += size
        if len(batch) == 1:
            body = json.dumps(batch[0])
        elif dice.random() < 0.5:
            body = json.dumps(batch, indent=dice.choice([None, 1]))
        else:
            body = "\n".join(map(json.dumps, batch))
        reply = server.send("/e", body, {"Content-Type": "application/json"})
        assert reply.json == {"accepted": len(batch)}


def shuffled(fields: dict[str, object], dice: random.Random) -> dict[str, object]:
    names = [*fields]
    dice.shuffle(names)
    return {name: fields[name] for name in names}


def test_three_times_shuffled_across_a_restart_is_one_row_each(server: Server) -> None:
    dice = random.Random(20261121)
    numbers = [number for number in range(IDS) for _ in range(3)]
    dice.shuffle(numbers)
    send(server, dice, numbers[: IDS + IDS // 2])
    # Not drained: what is queued at the stop is stored by the next start.
    server.restart()
    send(server, dice, numbers[IDS + IDS // 2 :])
    total = server.drain()
    assert total == {"received": 3 * IDS, "stored": IDS, "duplicate": 2 * IDS, "rejected": 0, "queued": 0}
    assert sorted(row[0] for row in server.events("id")) == sorted(f"id-{n}" for n in range(IDS))


def test_all_again_after_a_restart_is_only_duplicates(server: Server) -> None:
    server.restart()
    before = server.drain()
    send(server, random.Random(2), [*range(IDS)])
    total = server.drain()
    assert total["stored"] == before["stored"] == IDS
    assert total["duplicate"] == before["duplicate"] + IDS


def test_the_same_id_with_other_content_is_an_id_conflict(server: Server) -> None:
    before = server.drain()
    changed = {**event(5), "label": "other"}
    for sent in (changed, {**event(6), "new": None}, {**event(7), "value": ""}):
        assert server.post(sent).status == 200
    total = server.drain()
    assert (total["stored"], total["rejected"]) == (IDS, before["rejected"] + 3)
    conflicts = [json.loads(text) for reason, text in server.rejects() if reason == "id_conflict"]
    assert changed["label"] in {row.get("label") for row in conflicts}
    assert server.events("label", "id = 'id-5'") == [["5"]]


def test_ids_belong_to_their_site_and_topic(server: Server) -> None:
    before = server.drain()
    for site in ("a", "b"):
        for topic in ("event", "log"):
            server.post({"id": "shared", "site": site, "category": site + topic}, f"/t/{topic}")
    assert server.drain()["stored"] == before["stored"] + 4


def test_an_idempotency_key_makes_the_ids(server: Server) -> None:
    before = server.drain()
    batch = [{"category": "keyed", "n": number} for number in range(50)]
    for _ in range(3):
        body = json.dumps(batch)
        headers = {"Idempotency-Key": "order-17", "Content-Type": "application/json"}
        assert server.send("/e", body, headers).json == {"accepted": 50}
    total = server.drain()
    assert total["stored"] - before["stored"] == 50
    assert total["duplicate"] - before["duplicate"] == 100
    assert {row[0] for row in server.events("id", "category = 'keyed'")} == {f"order-17-{n}" for n in range(50)}


def test_without_an_id_equal_events_are_all_counted(server: Server) -> None:
    before = server.drain()
    for _ in range(3):
        server.post({"category": "same"})
    assert server.drain()["stored"] == before["stored"] + 3
    server.restart()
    assert server.drain()["stored"] == before["stored"] + 3
