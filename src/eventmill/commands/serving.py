"""A server of our own for a while, as a child process: for `bench`, the demo, and the tests of the whole."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eventmill import runtime
from eventmill.runtime import Runtime

FREE = "127.0.0.1:0"
"""An address whose port the kernel chooses."""
_START_S, _STOP_S = 30.0, 45.0


class ServeError(Exception):
    """The server did not start; the message has the end of what it said."""


@dataclass(slots=True, frozen=True)
class Served:
    """The running server: its addresses, its process, and the file that its output goes to."""

    runtime: Runtime
    process: subprocess.Popen[bytes]
    output: Path


@contextmanager
def serving(
    data: Path, options: Sequence[str] = (), *, collect: str = FREE, web: str = FREE, config: str = ""
) -> Iterator[Served]:
    """Runs `eventmill serve` on this data directory and drains it at the end of the block.

    Neither the user's file nor the environment reach it: `config` is all its configuration. Raises ServeError.
    """
    data.mkdir(parents=True, exist_ok=True)
    file = data / "eventmill.toml"
    file.write_text(config, encoding="utf-8")
    output = data / "serve.log"
    words = ["--config", str(file), "--data", str(data), "--collect", collect, "--web", web, *options]
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "eventmill.cli", "serve", *words],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=_environment(os.environ),
            start_new_session=True,
        )  # fmt: skip
    try:
        yield Served(_ready(data, process, output), process, output)
    finally:
        _end(process)


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if not name.startswith("EVENTMILL_")}


def _ready(data: Path, process: subprocess.Popen[bytes], output: Path) -> Runtime:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = runtime.find(data)
        if found and found.ready and found.pid == process.pid:
            return found
        time.sleep(0.02)
    said = output.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
    raise ServeError(f"eventmill serve did not start:\n{said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM drains; a second one hurries; SIGKILL only where that did not help."""
    for number, wait in ((signal.SIGTERM, _STOP_S), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            continue
