"""The reading commands without a server: they open the store themselves, and say what is wrong with a question."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from eventmill.cli import app
from eventmill.commands import tables
from eventmill.event import receipt_text
from eventmill.store.clickhouse import ClickHouseStore
from tests.stored_events import frame, row

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
HIGH = int(AT.timestamp() * 1000) << 16 | 0x7000
DAYS = ["--from", "2026-11-20", "--to", "2026-11-20"]


@pytest.fixture
def data(data_dir: Path) -> Path:
    store = ClickHouseStore("chdb:", data=data_dir, zone="UTC")
    rows = [row(AT, action="pv", label="=1+1", id=f"i{n}", receipt_high=HIGH, receipt_low=n) for n in range(3)]
    store.insert("events", frame([*rows, row(AT, category="[red]a.b", user="u2", browser="\x1b[31mx")]))
    columns = {"topic": ["t"], "reason": ["bad"], "received": [AT], "receipt_high": [HIGH], "bytes": [b"\x1b]0;x\xff"]}
    kinds = {"received": pl.Datetime("ms", "UTC"), "receipt_high": pl.UInt64}
    store.insert("rejects", pl.DataFrame(columns, schema_overrides=kinds))
    store.close()
    return data_dir


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--data", str(data)])


def test_counts_as_table_json_and_csv(data: Path) -> None:
    shown = run(data, "query", "counts", "--by", "category", *DAYS)
    assert shown.exit_code == 0
    assert "[red]a%2Eb" in shown.output
    assert "██" in shown.output
    answer = json.loads(run(data, "query", "counts", "h5.pv", *DAYS, "--json").output)
    assert answer["data"] == [{"eventDate": "2026-11-20", "eventKey": "h5.pv", "eventData": {"pv": 3, "uv": 1}}]
    rows = list(csv.reader(io.StringIO(run(data, "query", "top", "label", *DAYS, "--csv").output)))
    assert rows[1][:3] == ["'=1+1", "3", "1"]


def test_series_and_top(data: Path) -> None:
    shown = run(data, "query", "series", *DAYS, "--interval", "hour").output.splitlines()
    assert shown[0].strip() == "█"
    assert len(shown) == 26
    top = run(data, "query", "top", "browser", *DAYS)
    assert "\x1b" not in top.output
    assert "\\x1b[31mx" in top.output


def test_trace(data: Path) -> None:
    assert "stored" in run(data, "trace", "i1").output
    assert json.loads(run(data, "trace", receipt_text(HIGH, 2, 0), "--json").output)["id"] == "i2"
    missing = run(data, "trace", "nothing")
    assert missing.exit_code == 1


def test_rejects(data: Path) -> None:
    listed = json.loads(run(data, "rejects", "list", "--json").output)["data"]
    assert "\x1b" not in run(data, "rejects", "list").output
    one = run(data, "rejects", "show", listed[0]["id"], "--raw")
    assert one.stdout_bytes == b"\x1b]0;x\xff"
    assert run(data, "rejects", "replay", listed[0]["id"]).exit_code == 1
    assert run(data, "rejects", "replay").exit_code == 2
    assert run(data, "rejects", "show", "nonsense").exit_code == 2


def test_ledger_and_sql(data: Path) -> None:
    balance = run(data, "ledger", "--json")
    assert (balance.exit_code, json.loads(balance.output)["balanced"]) == (0, True)
    rows = json.loads(
        run(data, "sql", "SELECT category, count() AS n FROM events GROUP BY 1 ORDER BY n", "--json").output
    )
    assert rows == [{"category": "[red]a.b", "n": 1}, {"category": "h5", "n": 3}]


@pytest.mark.parametrize("words", [
    ("query", "counts", "--from", "2026-02-30"), ("query", "counts", "--by", "x"), ("query", "top", "nothing"),
    ("query", "series", "--tz", "Mars/X"), ("sql", "DROP TABLE events"), ("query", "counts", "--nonsense"),
])  # fmt: skip
def test_wrong_questions_exit_with_2(data: Path, words: tuple[str, ...]) -> None:
    assert run(data, *words).exit_code == 2


def test_live_needs_a_server(data: Path) -> None:
    assert run(data, "live").exit_code == 1


def test_marks() -> None:
    assert tables.sparkline([0, 1, 8]) == " ▁█"
    assert len(tables.sparkline(list(range(1000)))) <= 80
    assert tables.bar(0.5, 4) == "██"
    assert tables.bar(2) == "█" * 16
    assert tables.figure(None) == "—"
    assert tables.figure(1234567) == "1,234,567"
