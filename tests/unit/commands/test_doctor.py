"""`doctor` on this machine and on machines that are not well."""

import json
import socket

import pytest
import typer
from typer.testing import CliRunner

from eventmill.commands.checks import disk, machine, ports, server
from eventmill.commands.doctor import doctor
from eventmill.settings import load

app = typer.Typer()
app.command()(doctor)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def by_name(findings):
    return {finding.check: finding for finding in findings}


def test_every_line_that_is_not_ok_names_its_mend():
    done = CliRunner().invoke(app, ["--json"])
    findings = json.loads(done.output)
    assert {"eventmill", "sqlite", "fsync", "space", "queue", "server", "clock"} <= {f["check"] for f in findings}
    assert all(bool(finding["mend"]) == (finding["level"] != "ok") for finding in findings)
    assert done.exit_code == any(finding["level"] == "fail" for finding in findings)


def test_nothing_is_left_behind(tmp_path):
    CliRunner().invoke(app, [])
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_fails():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = load(flags={"collect.listen": [where], "web.listen": "127.0.0.1:0"}, env={})
        found = by_name(ports.check(settings))
        assert found["collect.listen"].level == "fail"
        assert "is taken by another program" in found["collect.listen"].text
        assert found["web.listen"].level == "ok"
        assert CliRunner().invoke(app, [], env={"EVENTMILL_COLLECT_LISTEN": where}).exit_code == 1


def test_an_address_of_another_machine():
    settings = load(flags={"web.listen": "192.0.2.1:8090"}, env={})
    assert "no such address" in by_name(ports.check(settings))["web.listen"].text


def test_a_queue_that_does_not_wait_for_the_disk():
    settings = load(flags={"queue.url": "sqlite:?durability=relaxed"}, env={})
    found = by_name(server.check(settings))["queue"]
    assert (found.level, "may lose" in found.text) == ("warn", True)
    assert by_name(server.check(load(env={})))["queue"].level == "ok"


def test_too_little_room():
    settings = load(flags={"queue.reserve": "1000000GB"}, env={})
    found = by_name(disk.check(settings))["space"]
    assert (found.level, "503" in found.text) == ("fail", True)


@pytest.mark.parametrize(("kind", "word"), [("tmpfs", "restart"), ("overlay", "container"), ("nfs4", "server")])
def test_file_systems_that_lose(monkeypatch, kind, word):
    monkeypatch.setattr(disk, "filesystem", lambda folder: kind)
    found = by_name(disk.check(load(env={})))["file system"]
    assert found.level == "warn"
    assert word in found.text + found.mend


@pytest.mark.parametrize(("ms", "level"), [(0.001, "warn"), (1.0, "ok"), (80.0, "warn")])
def test_fsync_too_fast_and_too_slow(monkeypatch, ms, level):
    monkeypatch.setattr(disk, "filesystem", lambda folder: "ext4")
    monkeypatch.setattr(disk, "fsync_times", lambda folder: [ms] * 50)
    assert by_name(disk.check(load(env={})))["fsync"].level == level


def test_a_disk_that_fails(monkeypatch):
    def broken(folder):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(disk, "fsync_times", broken)
    assert by_name(disk.check(load(env={})))["fsync"].level == "fail"


def test_a_variable_that_nothing_reads(monkeypatch):
    monkeypatch.setenv("EVENTMILL_COLECT_LISTEN", "x")
    found = by_name(machine.check(load(env={})))["environment"]
    assert found.mend == "did you mean EVENTMILL_COLLECT_LISTEN?"
