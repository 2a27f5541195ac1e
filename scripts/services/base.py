"""The contract of a service: is it here, where is its program, start it, end it."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START_S = 20.0
_STOP_S = 10.0


class MissingError(Exception):
    """The program is not installed; the message names the package."""


@dataclass(frozen=True)
class Program:
    """Something to run, from one Debian package, or from several with spaces between."""

    name: str
    package: str

    def find(self) -> Path | None:
        # /usr/sbin is not on every user's PATH.
        found = shutil.which(self.name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
        return Path(found) if found else None

    def packages(self) -> str:
        """The packages that are missing."""
        return self.package

    def fetch(self) -> None:
        """Brings what no package holds; the packages are installed."""

    @property
    def path(self) -> Path:
        """Where the program is. Raises `MissingError`."""
        found = self.find()
        if found is None:
            raise MissingError(
                f"{self.name} is not installed (Debian package {self.package}; scripts.services install)"
            )
        return found


@dataclass(frozen=True)
class Running:
    """A started server."""

    port: int
    pid: int
    directory: Path
    url: str


class Server(Program):
    """A program that listens. `start` is a context manager; leaving it ends the process and its data."""

    @contextmanager
    def _run(
        self,
        command: Sequence[str],
        directory: Path,
        ready: Callable[[], bool],
        *,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Iterator[subprocess.Popen[bytes]]:
        log = directory / "output.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*_bound(user), *command],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            deadline = time.monotonic() + _START_S
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} did not start:\n{log.read_text(errors='replace')[-4000:]}")
                time.sleep(0.02)
            yield process
        finally:
            end(process, stop_signal)


def end(process: subprocess.Popen[bytes], stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """Asks, waits, then kills. Safe when the process ended already."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def free_port() -> int:
    """A free loopback port below 32768: above it the kernel hands ports to outgoing connections."""
    for _ in range(200):
        port = random.randrange(20_000, 32_768)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port between 20000 and 32767")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder that other users may enter: a server may run as somebody else."""
    with tempfile.TemporaryDirectory(prefix=f"eventmill-{name}-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder)
        directory.chmod(0o755)
        yield directory


def _bound(user: str | None) -> list[str]:
    # A test run that is killed must leave no server behind. INT, because it ends nginx and PostgreSQL at once and
    # whole, while workers of a master that was killed would go on. setpriv replaces itself: the pid is the server's.
    command = ["setpriv", "--pdeathsig", "INT"]
    if user:
        command += ["--reuid", user, "--regid", user, "--clear-groups"]
    return [*command, "--"]
