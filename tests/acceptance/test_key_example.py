"""The key example: 100 views of h5.pv.85 over channels 41 × 30, 42 × 20, 43 × 50."""

import csv
import datetime
import io
import json

import pytest

from tests.acceptance.server import Server, run

CHANNELS = {"41": (30, 12), "42": (20, 20), "43": (50, 7)}
"""Views and visitors of each. A visitor stays with one channel, so that visitors of a prefix are their sum."""
EXPECTED = [
    ("h5", 100, 39),
    ("h5.pv", 100, 39),
    ("h5.pv.85", 100, 39),
    *((f"h5.pv.85.{channel}", pv, uv) for channel, (pv, uv) in CHANNELS.items()),
]


@pytest.fixture(scope="module")
def today(server: Server) -> str:
    """Sends the views; the day that they count in."""
    for channel, (views, visitors) in CHANNELS.items():
        for view in range(views):
            address = f"10.{channel}.{view % visitors}.7"
            key = {"category": "h5", "action": "pv", "label": "85", "value": channel}
            assert server.pixel({"X-Forwarded-For": address, "User-Agent": "Mozilla/5.0"}, **key).status == 200
    assert server.drain()["stored"] == 100
    (moment,) = server.sql("SELECT toString(toDate(max(time), 'UTC')) FROM events")[0]
    return moment


def rows(answer: dict) -> list[tuple[str, int, int]]:
    return [(row["eventKey"], row["eventData"]["pv"], row["eventData"]["uv"]) for row in answer["data"]]


def test_by_all_gives_exactly_these_rows(server: Server, today: str) -> None:
    answer = server.api("counts", **{"from": today, "to": today}, category="h5", by="all")
    assert rows(answer) == EXPECTED
    assert {row["eventDate"] for row in answer["data"]} == {today}


@pytest.mark.parametrize(("key", "pv", "uv"), EXPECTED)
def test_each_prefix_asked_alone(server: Server, today: str, key: str, pv: int, uv: int) -> None:
    parts = dict(zip(("category", "action", "label", "value"), key.split("."), strict=False))
    for interval in ("day", "hour", "total"):
        answer = server.api("counts", **{"from": today, "to": today}, **parts, interval=interval)
        assert rows(answer) == [(key, pv, uv)], interval


def test_by_a_part_gives_one_row_per_key_of_that_depth(server: Server, today: str) -> None:
    answer = server.api("counts", **{"from": today, "to": today}, category="h5", by="value")
    assert rows(answer) == EXPECTED[3:]


def test_without_a_category_one_row_with_the_empty_key(server: Server, today: str) -> None:
    assert rows(server.api("counts", **{"from": today, "to": today})) == [("", 100, 39)]


def test_days_without_events_have_no_rows(server: Server, today: str) -> None:
    after = (datetime.date.fromisoformat(today) + datetime.timedelta(days=1)).isoformat()
    assert rows(server.api("counts", **{"from": after, "to": "2100-01-01"}, by="all")) == []


def test_the_command_line_shows_the_same(server: Server, today: str) -> None:
    words = ("query", "counts", "h5", "--by", "all", "--from", today, "--to", today, "--data", str(server.data))
    as_json = run(*words, "--json")
    assert as_json.returncode == 0, as_json.stderr
    assert rows(json.loads(as_json.stdout)) == EXPECTED
    table = run(*words, "--csv")
    shown = [(row["key"], int(row["pv"]), int(row["uv"])) for row in csv.DictReader(io.StringIO(table.stdout))]
    assert shown == EXPECTED


def test_the_command_line_shows_the_same_when_nothing_runs(server: Server, today: str) -> None:
    server.stop()
    words = ("query", "counts", "h5", "--by", "all", "--from", today, "--to", today, "--data", str(server.data))
    answer = run(*words, "--json")
    server.start()
    assert answer.returncode == 0, answer.stderr
    assert rows(json.loads(answer.stdout)) == EXPECTED
