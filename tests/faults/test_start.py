"""Fault 17 and other starts that cannot be: refused in one clear line, not a byte changed."""

import hashlib
import json
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.server import PROGRAM, Server, free_port


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that a server has used and left."""
    with Server(tmp_path_factory.mktemp("used") / "data") as server:
        server.post([{"id": str(number), "category": "kept"} for number in range(100)])
        server.drain()
    return server.data


def fingerprints(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and path.name != "lock"
    }


def serve(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A start that must end by itself."""
    ports = ("--collect", f"127.0.0.1:{free_port()}", "--web", f"127.0.0.1:{free_port()}", "--collectors", "1")
    command = [PROGRAM, "serve", "--data", data, *ports, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=data.parent)


def complaint(ended: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why."""
    assert ended.returncode in (1, 2), ended
    assert "Traceback" not in ended.stderr + ended.stdout
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("eventmill:")]
    return line


def test_a_newer_queue_file_is_refused(used: Path) -> None:
    (path,) = (used / "queue" / "shard-000").glob("*.db")
    before = path.read_bytes()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    marks = fingerprints(used / "queue")
    line = complaint(serve(used))
    assert "queue format 99" in line
    assert "upgrade eventmill" in line
    assert fingerprints(used / "queue") == marks
    path.write_bytes(before)


def test_a_newer_store_is_refused(used: Path) -> None:
    mark = used / "store.json"
    before = mark.read_bytes()
    mark.write_text(json.dumps({**json.loads(before), "version": 999}))
    marks = fingerprints(used / "store")
    line = complaint(serve(used))
    assert "schema version 999" in line
    assert fingerprints(used / "store") == marks
    mark.write_bytes(before)


def test_another_time_zone_than_the_store_has_is_refused(used: Path, tmp_path: Path) -> None:
    config = tmp_path / "zone.toml"
    config.write_text('timezone = "Asia/Shanghai"\n')
    assert "timezone = 'UTC'" in complaint(serve(used, "--config", str(config)))


def test_a_wrong_setting_names_it(used: Path, tmp_path: Path) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text('[queue]\nquota = "plenty"\n')
    line = complaint(serve(used, "--config", str(config)))
    assert "queue.quota" in line
    assert "10MB" in line


def test_a_taken_port_is_named(used: Path) -> None:
    with Server(used.parent / "other") as other:
        line = complaint(serve(used, "--collect", f"127.0.0.1:{other.web_port}"))
        assert f"cannot listen on 127.0.0.1:{other.web_port}" in line


def test_a_second_server_on_the_directory_is_refused_and_the_first_goes_on(used: Path) -> None:
    with Server(used) as first:
        settings = (used / "run" / "settings.json").read_bytes()
        assert "another eventmill" in complaint(serve(used))
        assert (used / "run" / "settings.json").read_bytes() == settings
        assert first.post({"category": "after"}).status == 200
        assert first.restarts() == 0
        # What the refused starts left alone is still all there.
        assert first.drain()["stored"] == 101
