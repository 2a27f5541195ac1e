"""Fault 24: every batch three times, shuffled, across restarts. Fault 25: an event that breaks the worker."""

import json
import random

import pytest

from eventmill.work.pipeline import POISON
from tests.acceptance.server import Server, until
from tests.crash.conftest import Build
from tests.crash.oracle import left_behind

pytestmark = pytest.mark.crash


def batches(count: int, size: int) -> list[list[dict[str, str]]]:
    return [
        [{"id": f"{batch}-{line}", "site": "shop", "label": f"{batch}-{line}"} for line in range(size)]
        for batch in range(count)
    ]


def post_lines(server: Server, events: list[dict[str, str]]) -> None:
    reply = server.send("/e", "\n".join(map(json.dumps, events)))
    assert reply.json == {"accepted": len(events)}


@pytest.mark.timeout(240)
def test_every_batch_three_times_shuffled_across_restarts(rig: Build, chance: int) -> None:
    one, moments = rig(collectors=2), random.Random(chance)
    sent = batches(40, 25)
    deliveries = [batch for batch in sent for _ in range(3)]
    moments.shuffle(deliveries)
    for part in range(3):
        one.start()
        for batch in deliveries[part::3]:
            post_lines(one.server, moments.sample(batch, len(batch)))
        if part < 2:
            [one.server.stop, one.kill_everything][part]()
    post_lines(one.server, [{**sent[0][0], "label": "other"}])
    total = one.drain()
    one.server.stop()
    left = left_behind(one.server.data)
    assert total == {"received": 3001, "stored": 1000, "duplicate": 2000, "rejected": 1, "queued": 0}
    assert sorted(event_id for _, event_id in left["events"]) == sorted(e["id"] for batch in sent for e in batch)
    ((reason, raw),) = left["rejects"]
    assert (reason, json.loads(raw)["label"]) == ("id_conflict", "other")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", ["raise", "kill"])
def test_a_poison_event_is_rejected_with_its_bytes_and_the_rest_goes_on(how: str, rig: Build) -> None:
    one = rig(collectors=1)
    one.start({POISON: f"{how}:venom"})
    sent = batches(4, 25)
    poison = {"id": "p", "site": "shop", "label": "venom", "props": {"n": 1}}
    post_lines(one.server, sent[0])
    post_lines(one.server, [*sent[1], poison, *sent[2]])
    until(lambda: one.server.api("ledger")["total"]["queued"] == 0, "the end of the poison", why=one.server.said)
    post_lines(one.server, sent[3])
    total = one.drain()
    assert (one.server.restarts() > 0) == (how == "kill")
    one.server.stop()
    left = left_behind(one.server.data)
    assert total == {"received": 101, "stored": 100, "duplicate": 0, "rejected": 1, "queued": 0}
    assert sorted(event_id for _, event_id in left["events"]) == sorted(e["id"] for batch in sent for e in batch)
    ((reason, raw),) = left["rejects"]
    assert reason == "poison"
    assert json.loads(raw)["id"] == "p"
    assert json.loads(raw)["label"] == "venom"
