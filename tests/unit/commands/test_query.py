"""`query counts|series|top|summary` without a server: tables, JSON, NDJSON and CSV, filtered and compared."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eventmill.cli import app
from eventmill.store.clickhouse import ClickHouseStore
from tests.stored_events import frame, row

AT = datetime(2026, 10, 20, 12, tzinfo=UTC)
DAYS = ["--from", "2026-10-20", "--to", "2026-10-21"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query")
    (folder / "data").mkdir()
    store = ClickHouseStore("chdb:", data=folder / "data", zone="UTC")
    seen = [
        (0, "Chrome", "/item/1"), (1, "Chrome", "/item/2"), (2, "Safari", "/"), (3, "=1+1", "/item/1"),
        (-24, "Chrome", "/"), (24, "Safari", "/item/1"),
    ]  # fmt: skip
    store.insert("events", frame(
        row(AT + timedelta(hours=hours), browser=browser, url=f"https://shop.example{page}", user=f"u{number}")
        for number, (hours, browser, page) in enumerate(seen)
    ))  # fmt: skip
    store.close()
    (folder / "eventmill.toml").write_text('[[products]]\nname = "items"\npath = "/item/"\n')
    return folder


def run(data: Path, *words: str) -> Result:
    config = ["--config", str(data / "eventmill.toml")]
    return CliRunner().invoke(app, ["query", *words, *DAYS, *config, "--data", str(data / "data")])


def table(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return list(csv.reader(io.StringIO(result.stdout)))


def test_conditions(data: Path) -> None:
    words = ["counts", "--interval", "total", "--csv"]
    assert table(run(data, *words)) == [["date", "key", "pv", "uv"], ["2026-10-20", "", "5", "5"]]
    for where, count in (
        (["page starts with /item/"], "4"), (["page starts with /item/", "browser is Chrome"], "2"),
        (["browser is not Chrome"], "3"), (["browser in Chrome,Safari"], "4"), (["product is items"], "4"),
        (["url contains item/2"], "1"), (["user is not"], "5"),
    ):  # fmt: skip
        given = [word for phrase in where for word in ("--where", phrase)]
        assert table(run(data, *words, *given))[1][2] == count, where
    wrong = run(data, *words, "--where", "browser = Chrome")
    assert (wrong.exit_code, "write FIELD is|is not|contains" in wrong.output) == (2, True)
    wrong = run(data, *words, "--where", "brwser is Chrome")
    assert (wrong.exit_code, "unknown field 'brwser'" in wrong.output) == (2, True)


def test_top(data: Path) -> None:
    assert table(run(data, "top", "browser", "--compare", "--csv")) == [
        ["browser", "pv", "uv", "share", "pv before", "uv before"],
        ["Chrome", "2", "2", "0.4", "1", "1"], ["Safari", "2", "2", "0.4", "0", "0"],
        ["'=1+1", "1", "1", "0.2", "0", "0"],
    ]  # fmt: skip
    found = table(run(data, "top", "product", "--csv"))
    assert [row[:2] for row in found[1:]] == [["items", "4"], ["", "1"]]
    shown = run(data, "top", "page", "--limit", "1", "--offset", "1").output
    assert "1 of 3: --limit and --offset show more" in shown
    lines = run(data, "top", "page", "--search", "ITEM", "--ndjson").stdout.splitlines()
    assert [json.loads(line)["value"] for line in lines] == ["/item/1", "/item/2"]


def test_series(data: Path) -> None:
    assert table(run(data, "series", "--compare", "--csv")) == [
        ["time", "pv", "uv", "pv before", "uv before"], ["2026-10-20", "4", "4", "0", "0"],
        ["2026-10-21", "1", "1", "1", "1"],
    ]  # fmt: skip
    assert "before" not in json.loads(run(data, "series", "--json").stdout)
    lines = run(data, "series", "--ndjson").stdout.splitlines()
    assert [json.loads(line)["pv"] for line in lines] == [4, 1]


def test_summary(data: Path) -> None:
    answer = json.loads(run(data, "summary", "--compare", "--json").stdout)
    assert {name: answer["data"][name] for name in ("visitors", "views", "events")} == {
        "visitors": 5, "views": 5, "events": 5,
    }  # fmt: skip
    assert answer["before"]["views"] == 1
    shown = run(data, "summary", "--compare").output
    assert "bounce_rate" in shown
    assert "before" in shown
    assert table(run(data, "summary", "--csv"))[1] == ["visitors", "5"]
