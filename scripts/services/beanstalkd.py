"""beanstalkd with a binlog that is synced before each answer."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from scripts.services.base import Running, Server, free_port, listens, scratch


class Beanstalkd(Server):
    def __init__(self) -> None:
        super().__init__("beanstalkd", package="beanstalkd")

    @contextmanager
    def start(self, *options: str, directory: Path | None = None, port: int | None = None) -> Iterator[Running]:
        """`options` are words of the command line such as `-f`, `50`; the last of each counts. With `directory` and
        `port` a server that ended before goes on with its data."""
        with scratch("beanstalkd") if directory is None else nullcontext(directory) as home:
            number = port or free_port()
            command = [str(self.path), "-l", "127.0.0.1", "-p", str(number), "-b", str(home), "-f", "0", *options]
            with self._run(command, home, lambda: listens(number)) as process:
                yield Running(number, process.pid, home, f"beanstalk://127.0.0.1:{number}")
