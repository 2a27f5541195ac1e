"""ApacheBench on an intake interface: every answer an OK, every OK a row."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.acceptance.server import ROOT, Server

BODY = "test01=111&test02=222&test03=ccc&test04=ddd"
REQUESTS = 10_000


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = ROOT / "examples" / "config" / "interfaces.toml"
    with Server(tmp_path_factory.mktemp("ab") / "data", config, collectors=2) as running:
        yield running


@pytest.mark.parametrize("options", [("-c", "100"), ("-c", "300"), ("-k", "-c", "300")], ids=" ".join)
def test_every_ok_is_a_row(intake: Server, service, tmp_path, options: tuple[str, ...]) -> None:
    before = intake.drain()
    body = tmp_path / "body"
    body.write_text(BODY)
    said = subprocess.run(
        [
            service("ab").path, *options, "-n", str(REQUESTS), "-p", body, "-s", "60",
            "-T", "application/x-www-form-urlencoded", f"http://127.0.0.1:{intake.collect_port}/financial_pro",
        ],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    figures = {name: int(number) for name, number in re.findall(r"^([A-Z][\w -]+):\s+(\d+)", said, re.MULTILINE)}
    assert (figures["Complete requests"], figures["Failed requests"]) == (REQUESTS, 0), said
    # 2 bytes: "OK" and nothing else; ab counts other lengths as failed.
    assert figures["Document Length"] == 2
    assert "Non-2xx" not in said
    total = intake.drain()
    for name, more in (("received", REQUESTS), ("stored", REQUESTS), ("duplicate", 0), ("rejected", 0)):
        assert total[name] - before[name] == more


def test_the_rows_hold_what_was_sent(intake: Server) -> None:
    rows = intake.sql("SELECT topic, category, props, count() FROM events GROUP BY ALL")
    stored = intake.drain()["stored"]
    props = '{"test01":"111","test02":"222","test03":"ccc","test04":"ddd"}'
    assert rows == ([["financial_pro", "financial_pro", props, stored]] if stored else [])


def test_another_number_of_fields_is_answered_ok_and_rejected(intake: Server) -> None:
    before = intake.drain()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = intake.send("/financial_pro", "test01=111&test02=222", form)
    assert (reply.status, reply.body) == (200, b"OK")
    total = intake.drain()
    assert (total["stored"], total["rejected"]) == (before["stored"], before["rejected"] + 1)
    assert ("field_count", "test01=111&test02=222") in intake.rejects()
    assert intake.send("/financial_pro").status == 405


def test_each_interface_has_its_own_group_and_count_of_fields(intake: Server) -> None:
    names = ("identity", "financial", "internet", "social", "trip", "communication")
    wanted = {f"{name}_pro": count for name, count in zip(names, (7, 4, 5, 3, 3, 4), strict=True)}
    before = intake.drain()
    for topic, count in wanted.items():
        assert intake.send(f"/{topic}", "&".join(f"f{n}=x" for n in range(count))).body == b"OK"
    total = intake.drain()
    assert (total["stored"], total["rejected"]) == (before["stored"] + len(wanted), before["rejected"])
    streams = dict(intake.sql("SELECT topic, any(stream) FROM events GROUP BY topic"))
    assert set(streams) == set(wanted)
    assert len(set(streams.values())) == len(wanted)
