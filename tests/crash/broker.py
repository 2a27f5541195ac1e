"""A broker that is killed, and started again on its data."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

from scripts.services import Program, Running


class Broker:
    """A server of `scripts.services` that is killed, and started again on its data."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._port: int | None = None
        self._stack = ExitStack()
        self.running: Running
        self.start()

    def start(self) -> None:
        self.running = self._stack.enter_context(self._program.start(directory=self._folder, port=self._port))
        self._port = self.running.port

    def kill(self) -> None:
        os.kill(self.running.pid, signal.SIGKILL)
        self._stack.close()
        self._stack = ExitStack()

    def close(self) -> None:
        self._stack.close()
