"""A real access log replayed as pixel requests: the API counts what awk counts."""

import http.client
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.acceptance.server import ROOT, Server

AWK = Path(__file__).with_name("count_by_key.awk")
# Without the last quote: one line is cut before it.
LINE = re.compile(r'(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d+) \S+ "[^"]*" "([^"]*)')
Count = tuple[str, str, int, int]


@pytest.fixture(scope="module")
def log() -> Path:
    path = Path(os.environ.get("EVENTMILL_ACCESSLOG", ROOT.parent / "shared/data/access/apache_combined.log"))
    if not path.exists():
        pytest.skip("no access log: name one in the combined format in EVENTMILL_ACCESSLOG")
    return path


@pytest.fixture(scope="module")
def replayed(server: Server, log: Path) -> Server:
    lines = log.read_text(encoding="utf-8").splitlines()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda part: replay(server.collect_port, part), [lines[n::4] for n in range(4)]))
    assert server.drain()["stored"] == len(lines)
    return server


def replay(port: int, lines: Iterable[str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for line in lines:
        found = LINE.match(line)
        assert found, line
        address, time, method, path, status, agent = found.groups()
        segment = path.partition("?")[0].split("/")[1]
        fields = {
            "category": method,
            "action": status,
            "label": segment,
            "time": datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").isoformat(),
        }
        headers = {"User-Agent": agent, "X-Forwarded-For": address}
        connection.request("GET", f"/event.gif?{urlencode(fields)}", headers=headers)
        reply = connection.getresponse()
        assert (reply.status, reply.read()[:3]) == (200, b"GIF")
    connection.close()


@pytest.fixture(scope="module")
def expected(log: Path) -> list[Count]:
    said = subprocess.run(["awk", "-f", AWK, log], capture_output=True, text=True, check=True).stdout
    rows = [line.rsplit(" ", 3) for line in said.splitlines()]
    return sorted((day, key, int(pv), int(uv)) for day, key, pv, uv in rows)


def counted(answer: dict) -> list[Count]:
    return sorted(
        (row["eventDate"], row["eventKey"], row["eventData"]["pv"], row["eventData"]["uv"]) for row in answer["data"]
    )


def of_depth(rows: Sequence[Count], depth: int) -> list[Count]:
    return [row for row in rows if row[1].count(".") == depth - 1]


@pytest.mark.parametrize(("by", "depth"), [("category", 1), ("action", 2), ("label", 3)])
def test_each_level_equals_awk(replayed: Server, expected: list[Count], by: str, depth: int) -> None:
    answer = counted(replayed.api("counts", **{"from": "2015-01-01", "to": "2015-12-31"}, by=by))
    assert [row[:3] for row in answer] == [row[:3] for row in of_depth(expected, depth)]
    # Visitors are estimated where there are many: exact in small sets, the documented error in large ones.
    for (_, key, _, got), (_, _, _, wanted) in zip(answer, of_depth(expected, depth), strict=True):
        assert abs(got - wanted) <= wanted * 0.02, key


def test_every_prefix_in_one_answer(replayed: Server, expected: list[Count]) -> None:
    answer = counted(replayed.api("counts", **{"from": "2015-01-01", "to": "2015-12-31"}, by="all"))
    prefixes = [row for row in answer if row[1]]
    assert [row[:3] for row in prefixes] == [row[:3] for row in expected]
    whole = {row[0]: row[2] for row in answer if not row[1]}
    assert sum(whole.values()) == sum(row[2] for row in of_depth(expected, 1))


def test_the_statuses_over_the_whole_range(replayed: Server, expected: list[Count]) -> None:
    params = {"from": "2015-05-01", "to": "2015-05-31"}
    answer = replayed.api("counts", **params, category="GET", by="action", interval="total")
    got = {row["eventKey"]: row["eventData"]["pv"] for row in answer["data"]}
    wanted: dict[str, int] = {}
    for _, key, pv, _ in of_depth(expected, 2):
        if key.startswith("GET."):
            wanted[key] = wanted.get(key, 0) + pv
    assert got == wanted


def test_no_address_is_kept_whole(replayed: Server, log: Path) -> None:
    whole = {line.split(" ", 1)[0] for line in log.read_text(encoding="utf-8").splitlines()}
    kept = {row[0] for row in replayed.sql("SELECT DISTINCT ip FROM events")}
    assert not {address for address in whole & kept if not address.endswith(".0")}
