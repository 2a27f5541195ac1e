"""Redis with an append-only file that is synced before each answer."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from scripts.services.base import Running, Server, free_port, listens, scratch


class Redis(Server):
    def __init__(self) -> None:
        super().__init__("redis-server", package="redis-server")

    @contextmanager
    def start(self, *options: str, directory: Path | None = None, port: int | None = None) -> Iterator[Running]:
        """`options` are words of the command line such as `--appendfsync`, `everysec`. With `directory` and `port` a
        server that ended before goes on with its data."""
        with scratch("redis") if directory is None else nullcontext(directory) as home:
            number = port or free_port()
            command = [str(self.path), "--port", str(number), "--bind", "127.0.0.1", "--dir", str(home), "--save", ""]
            command += ["--appendonly", "yes", "--appendfsync", "always", *options]
            with self._run(command, home, lambda: listens(number)) as process:
                yield Running(number, process.pid, home, f"redis://127.0.0.1:{number}")
