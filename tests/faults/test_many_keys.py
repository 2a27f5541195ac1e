"""Fault 32: very many distinct names in props and very many distinct keys. Memory is bounded, every count is right."""

import json
from pathlib import Path

import pytest

from tests.acceptance.server import Server, peak, until

BATCH = 1000
COLLECTOR_MOST = 33_000_000 + 64_000_000 + 23_000_000
"""At rest, what may wait in it for the disk (`collect.queue_memory`), and room for the bodies in work. Nothing in it
knows keys."""
ENGINE_MOST = 330_000_000 + 570_000_000
"""At rest, and one batch of the worker (50,000 events as columns and as a block with its projections) beside one merge
and the store's caches: all of these end by size, however many keys there are."""
ASKED_MOST = 1_200_000_000
"""The same, with the answer to one question in it: it ends at a million rows."""


@pytest.mark.timeout(280)
def test_distinct_keys_cost_no_memory_that_stays(tmp_path: Path, crash_dose: str) -> None:
    """The dose `full` is the fault's: a million of each."""
    most = 1_000_000 if crash_dose == "full" else 100_000
    with Server(tmp_path / "data") as server:
        server.post({"category": "warm"})
        server.drain()
        engine, collector = server.pid("engine"), server.pid("collector-0")
        for at in range(0, most, BATCH):
            numbers = range(at, at + BATCH)
            lines = "\n".join(
                json.dumps({"category": f"c{n % 50}", "action": f"a{n}", "label": f"l{n}", "props": {f"name{n}": n}})
                for n in numbers
            )
            assert server.send("/e", lines).json == {"accepted": BATCH}
        until(lambda: server.api("ledger")["total"]["queued"] == 0, "an empty queue", 120, server.said)
        total = server.drain()
        assert total["stored"] == most + 1
        assert peak(collector) < COLLECTOR_MOST
        assert peak(engine) < ENGINE_MOST
        assert server.sql("SELECT uniqExact(action), uniqExact(props) FROM events") == [[most + 1, most + 1]]
        days = {"from": "2020-01-01", "to": "2100-01-01"}
        (row,) = server.api("counts", **days, interval="total", category="c7", action="a7", label="l7")["data"]
        assert (row["eventKey"], row["eventData"]["pv"]) == ("c7.a7.l7", 1)
        assert len(server.api("counts", **days, interval="total", by="category")["data"]) == 51
        for name in (0, most - 1):  # no name is left out of props because there are so many
            answer = server.api("top", **days, dimension=f"props.name{name}")["data"]
            assert [(each["value"], each["pv"]) for each in answer] == [(str(name), 1)]
        if crash_dose == "full":
            refused = server.ask_api("counts", **days, interval="total", by="all")
            assert (refused.status, b"more than 1000000 rows" in refused.body) == (400, True)
        assert peak(engine) < ASKED_MOST
        assert server.restarts() == 0


@pytest.mark.parametrize("count", [10_000])
def test_one_event_with_very_many_names(tmp_path: Path, count: int) -> None:
    with Server(tmp_path / "data") as server:
        fields = {f"name{n}": n for n in range(count)}
        assert server.post(fields).status == 200
        assert server.drain()["stored"] == 1
        ((props,),) = server.events("props")
        assert json.loads(props) == fields
