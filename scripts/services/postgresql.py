"""PostgreSQL 15 with a fresh database cluster."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.services.base import Running, Server, free_port, scratch

_BIN = Path("/usr/lib/postgresql/15/bin")


class PostgreSQL(Server):
    def __init__(self) -> None:
        super().__init__("postgresql", package="postgresql-15")

    def find(self) -> Path | None:
        program = _BIN / "postgres"
        return program if program.exists() else None

    @contextmanager
    def start(self, *options: str) -> Iterator[Running]:
        """`options` are settings such as `synchronous_commit=on`. The URL carries user and password."""
        # The server refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        program = self.path
        with scratch("postgresql") as directory:
            port, password = free_port(), secrets.token_hex(8)
            secret = directory / "password"
            secret.write_text(password)
            data = directory / "data"
            data.mkdir()
            if user:
                for path in (directory, data, secret):
                    os.chown(path, *_ids(user))
            create = [str(_BIN / "initdb"), "-D", str(data), "-U", "eventmill", "--pwfile", str(secret)]
            create += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]
            subprocess.run(create, cwd=directory, user=user, group=user, check=True, capture_output=True)
            settings = (
                f"port={port}",
                "listen_addresses=127.0.0.1",
                f"unix_socket_directories={directory}",
                *options,
            )
            command = [str(program), "-D", str(data)]
            for setting in settings:
                command += ["-c", setting]

            def ready() -> bool:
                probe = [str(_BIN / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
                return subprocess.run(probe, check=False).returncode == 0

            # SIGINT is the fast shutdown: it does not wait for clients to leave.
            with self._run(command, directory, ready, user=user, stop_signal=signal.SIGINT) as process:
                url = f"postgresql://eventmill:{password}@127.0.0.1:{port}/postgres"
                yield Running(port, process.pid, directory, url)


def _ids(user: str) -> tuple[int, int]:
    import pwd

    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid
