"""The service recipes themselves: start, answer, end, leave nothing."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.services import CATALOGUE, MissingError, Nginx, PostgreSQL, Program, free_port


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_each_program_is_here(service: Callable[[str], Program], name: str) -> None:
    assert os.access(service(name).path, os.X_OK)


def test_nginx_serves_and_ends(service: Callable[[str], Program]) -> None:
    nginx = service("nginx")
    assert isinstance(nginx, Nginx)
    with nginx.start("location = /e.gif { empty_gif; }") as running:
        with urllib.request.urlopen(f"{running.url}/e.gif", timeout=5) as reply:
            assert reply.read().startswith(b"GIF89a")
        assert running.port < 32768
    assert not alive(running.pid)
    assert not running.directory.exists()


def test_a_server_that_cannot_start_says_why(service: Callable[[str], Program]) -> None:
    nginx = service("nginx")
    assert isinstance(nginx, Nginx)
    with pytest.raises(RuntimeError, match='unknown directive "nonsense"'), nginx.start("nonsense;"):
        pass


def test_postgresql_answers_and_ends(service: Callable[[str], Program]) -> None:
    server = service("postgresql")
    assert isinstance(server, PostgreSQL)
    with server.start("synchronous_commit=on") as running:
        psql = server.path.with_name("psql")
        asked = subprocess.run(
            [psql, running.url, "-Atc", "show synchronous_commit"], check=True, capture_output=True, text=True
        )
        assert asked.stdout == "on\n"
    assert not alive(running.pid)
    assert not running.directory.exists()


def test_a_server_ends_with_a_killed_test_run(service: Callable[[str], Program], tmp_path: Path) -> None:
    service("nginx")
    script = (
        "import os, signal, scripts.services as s\n"
        "with s.Nginx().start('location / { empty_gif; }') as running:\n"
        "    print(running.port, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            # Refused only when the workers are gone too: they share the listening socket.
            if probe.connect_ex(("127.0.0.1", int(killed.stdout))) != 0:
                return
        time.sleep(0.05)
    pytest.fail("nginx still listens")


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(MissingError, match="Debian package not-a-package"):
        _ = Program("not-a-program", package="not-a-package").path


def test_ports_are_below_the_ephemeral_range() -> None:
    assert all(1024 < free_port() < 32768 for _ in range(20))
