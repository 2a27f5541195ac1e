"""Fault 32: very many distinct names in props and very many distinct keys. Memory is bounded, every count is right."""

import json

import pytest

from tests.acceptance.server import Server, rss

BATCH = 1000


def test_distinct_keys_cost_no_memory_that_stays(tmp_path, crash_dose: str) -> None:
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
        total = server.drain()
        assert total["stored"] == most + 1
        assert server.sql("SELECT uniqExact(action), uniqExact(props) FROM events") == [[most + 1, most + 1]]
        days = {"from": "2020-01-01", "to": "2100-01-01", "interval": "total"}
        (row,) = server.api("counts", **days, category="c7", action="a7", label="l7")["data"]
        assert (row["eventKey"], row["eventData"]["pv"]) == ("c7.a7.l7", 1)
        assert len(server.api("counts", **days, by="category")["data"]) == 51
        assert rss(collector) < 150_000_000
        # The engine's share: an idle embedded store takes about 300 MB.
        assert rss(engine) < 1_200_000_000
        assert server.restarts() == 0


@pytest.mark.parametrize("count", [10_000])
def test_one_event_with_very_many_names(tmp_path, count: int) -> None:
    with Server(tmp_path / "data") as server:
        fields = {f"name{n}": n for n in range(count)}
        assert server.post(fields).status == 200
        assert server.drain()["stored"] == 1
        ((props,),) = server.events("props")
        assert json.loads(props) == fields
