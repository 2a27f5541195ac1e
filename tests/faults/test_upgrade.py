"""Fault 17: today's code on the data of each release (golden data, `scripts.golden`); a newer one's data is refused."""

import hashlib
import json
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventmill import __version__
from scripts.golden import FOLDER, Request, answers
from tests.acceptance.server import Server
from tests.faults.test_start import complaint, serve

VERSIONS = sorted(path.name.removesuffix(".tar.xz") for path in FOLDER.glob("*.tar.xz"))
GOLDEN = pytest.mark.parametrize("version", VERSIONS)


def unpack(version: str, data: Path) -> dict[str, Any]:
    """The golden data of a release as a data directory, and what that release said about it."""
    data.mkdir()
    with tarfile.open(FOLDER / f"{version}.tar.xz") as archive:
        archive.extractall(data, filter="data")
    expected: dict[str, Any] = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    return expected


def contents(data: Path) -> dict[str, str]:
    """What every file holds; `run` is the working folder of whichever server has the directory's lock."""
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.relative_to(data).parts[0] != "run"
    }


def test_this_version_has_golden_data() -> None:
    assert __version__ in VERSIONS, "python -m scripts.golden makes it"


@GOLDEN
def test_the_answers_of_a_release_stay_and_its_ids_are_known(version: str, tmp_path: Path) -> None:
    expected = unpack(version, tmp_path / "data")
    with Server(tmp_path / "data", expected["config"]) as server:
        found = answers(server)
        for part, answer in found.items():
            assert answer == expected[part], part
        again = [Request(**request) for request in expected["again"]]
        for request in again:
            request.send(server.collect_port)
        total = server.drain()
        assert total["stored"] == expected["total"]["stored"]
        assert total["rejected"] == expected["total"]["rejected"]
        assert total["duplicate"] == expected["total"]["duplicate"] + sum(request.repeats for request in again)
        assert server.restarts() == 0


def newer_store(data: Path) -> None:
    mark = data / "store.json"
    mark.write_text(json.dumps({**json.loads(mark.read_bytes()), "version": 999}))


def newer_queue(data: Path) -> None:
    path = max((data / "queue").glob("shard-*/*.db"))
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


@GOLDEN
@pytest.mark.parametrize(
    ("mark", "complains"),
    [
        (newer_store, "schema version 999, this eventmill knows"),
        (newer_queue, "queue format 99"),
    ],
)
def test_data_of_a_newer_release_is_refused_and_not_a_byte_of_it_changes(
    version: str, mark: Callable[[Path], None], complains: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    config = tmp_path / "config.toml"
    config.write_text(unpack(version, data)["config"])
    mark(data)
    before = contents(data)
    assert complains in complaint(serve(data, "--config", str(config)))
    assert contents(data) == before
