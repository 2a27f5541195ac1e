"""The service recipes themselves: start, answer, end, leave nothing."""

import os
import subprocess
import urllib.request
from collections.abc import Callable

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


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(MissingError, match="Debian package not-a-package"):
        _ = Program("not-a-program", package="not-a-package").path


def test_ports_are_below_the_ephemeral_range() -> None:
    assert all(1024 < free_port() < 32768 for _ in range(20))
