"""`eventmill bench` on this machine: every figure is there and positive, and nothing is left behind."""

import json
from pathlib import Path

import pytest

from tests.acceptance.server import run


@pytest.mark.alone
def test_every_figure(tmp_path: Path) -> None:
    done = run("bench", "--json", "--data", str(tmp_path / "data"), timeout=180)
    assert done.returncode == 0, done.stderr
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)}
    wanted = ("disk: fsync", "disk: writes", "door: durable", "batch: events accepted", "batch: events from", "query: ")
    for begin in wanted:
        assert any(name.startswith(begin) for name in figures), begin
    assert all(figure["value"] > 0 for figure in figures.values())
    assert list(tmp_path.iterdir()) == []
