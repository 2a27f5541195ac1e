"""`query sessions|flows|funnel|retention|requests|visitors` without a server: the answers as tables, JSON and CSV."""

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


@pytest.fixture
def data(data_dir: Path) -> Path:
    store = ClickHouseStore("chdb:", data=data_dir, zone="UTC")
    seen = [("ann", 0, "/"), ("ann", 1, "/a"), ("ann", 2, "=cmd|"), ("bob", 0, "/"), ("ann", 24 * 60, "/")]
    rows = [
        row(AT + timedelta(minutes=minutes), user=user, action="pv", category="shop", url=f"https://shop.example/{page[1:]}")
        for user, minutes, page in seen
    ]  # fmt: skip
    request = {"topic": "request", "category": "shop", "action": "GET", "label": "/api", "user": "", "bytes": 10}
    rows += [row(AT, **request, value=status, duration_ms=12.0) for status in ("200", "500")]
    store.insert("events", frame([*rows, row(datetime.now(UTC), user="now")]))
    store.close()
    return data_dir


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["query", *words, "--data", str(data)])


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_sessions(data: Path) -> None:
    shown = run(data, "sessions", *DAYS, "--compare").output
    assert "bounce rate 66.7%" in shown
    assert [line.split()[0] for line in shown.splitlines()[1:5]] == ["2026-10-20", "2026-10-21", "total", "before"]
    answer = json.loads(run(data, "sessions", *DAYS, "--json", "--where", "user is ann").output)
    assert (answer["total"]["sessions"], answer["total"]["pages"]) == (2, 4)
    pages = table(run(data, "sessions", *DAYS, "--pages", "entry", "--csv").output)
    assert pages == [["page", "sessions", "bounces", "share"], ["/", "3", "2", "1.0"]]


def test_flows(data: Path) -> None:
    rows = table(run(data, "flows", *DAYS, "--csv").output)
    assert ["0", "/", "/a", "1", "0.3333333333333333"] in rows
    assert ["0", "/", "(end)", "2", "0.6666666666666666"] in rows
    shown = run(data, "flows", *DAYS, "--start", "/a")
    assert "100.0%" in shown.output
    assert shown.exit_code == 0


def test_funnel(data: Path) -> None:
    shown = run(data, "funnel", "shop.pv", "page is /a and action is pv", *DAYS).output
    assert "50.0%" in shown
    rows = table(run(data, "funnel", "shop.pv", "page is /a", *DAYS, "--csv").output)
    assert rows[1:] == [["shop.pv", "2", "0", "1.0", "1.0"], ["page is /a", "1", "1", "0.5", "0.5"]]
    assert run(data, "funnel", "shop.pv", *DAYS).exit_code == 2
    assert "no condition" in run(data, "funnel", "shop.pv", "page /a", *DAYS).output


def test_retention(data: Path) -> None:
    shown = run(data, "retention", *DAYS).output.splitlines()
    assert shown[1].split() == ["2026-10-20", "2", "100.0%", "50.0%"]
    assert shown[2].split() == ["2026-10-21", "0", "—"]
    rows = table(run(data, "retention", *DAYS, "--again", "page is /a", "--csv").output)
    assert rows[1] == ["2026-10-20", "2", "1", "0"]


def test_requests(data: Path) -> None:
    rows = table(run(data, "requests", *DAYS, "--by", "status", "--csv").output)
    assert [row[:2] for row in rows] == [["status", "count"], ["200", "1"], ["500", "1"]]
    assert "total" in run(data, "requests", *DAYS).output


def test_visitors(data: Path) -> None:
    shown = run(data, "visitors", "--minutes", "60")
    assert "1 visitors, 1 views in 60 min" in shown.output
    assert len(json.loads(run(data, "visitors", "--json").output)["data"]) == 5
