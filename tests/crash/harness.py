"""The server under destruction: kill a part of it, kill all of it, load it meanwhile, and judge the end."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.server import ROOT, Server, until
from tests.crash.oracle import Verdict, judge

SMALL_FILES = '[queue]\nfile_size = "200KB"\nreserve = "1MB"\n'
"""Queue files roll every few seconds of load."""


@dataclass
class Rig:
    """A server on its data directory, and the clients' books outside of it."""

    server: Server
    books: Path
    queue: str = "sqlite:"
    kills: int = 0
    cuts: int = 0
    _seeds: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def start(self, env: Mapping[str, str] | None = None, wrap: Sequence[str] = ()) -> None:
        """Starts on the same ports as before; `env` and `wrap` are this start's only."""
        self.server.env, self.server.wrap = dict(env or {}), wrap
        self.server.start()

    def pids(self) -> dict[str, int]:
        """The living children by name."""
        return {p["name"]: p["pid"] for p in self.server.runtime()["processes"] if p["pid"] is not None}

    def kill(self, name: str) -> bool:
        """SIGKILL to a child; False where it is down already."""
        pid = self.pids().get(name)
        if pid is None or not alive(pid):
            return False
        os.kill(pid, signal.SIGKILL)
        self.kills += 1
        return True

    def signal(self, name: str, number: int) -> None:
        os.kill(self.pids()[name], number)

    def kill_parent(self) -> list[int]:
        """SIGKILL to the parent; its children, which end by themselves."""
        assert self.server.process is not None
        children = descendants(self.server.process.pid)
        self.server.process.kill()
        self.server.process.wait()
        self.kills += 1
        return children

    def kill_everything(self) -> None:
        """SIGKILL to all at once: as if the machine had stopped, but for its page cache."""
        assert self.server.process is not None
        victims = [self.server.process.pid, *descendants(self.server.process.pid)]
        for pid in victims:
            kill_quietly(pid)
        self.server.process.wait()
        until(lambda: not any(map(alive, victims)), "the end of killed processes")

    @contextmanager
    def load(self, threads: int = 6) -> Iterator[None]:
        """Clients that send all the while and keep their books; see `tests.crash.load`."""
        command = [sys.executable, "-m", "tests.crash.load", str(self.server.collect_port), str(self.books)]
        client = subprocess.Popen(
            [*command, str(next(self._seeds)), str(threads)], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            yield
        finally:
            _, said = client.communicate(timeout=60)
        assert client.returncode == 0, said.decode()

    def finish(self) -> Verdict:
        """Drains the running server, stops it, and holds the books against the store."""
        self.drain()
        code = self.server.stop()
        assert code == 0, self.server.said()
        return judge(self.server.data, self.books, self.queue)

    def drain(self) -> dict[str, int]:
        """Waits until the server has handled all it received; the ledger's total as the API tells it."""
        until(self._drained, "an empty queue", why=self.server.said)
        answer = self.server.api("ledger")
        total: dict[str, int] = answer["total"]
        assert answer["balanced"], answer
        assert total["received"] == total["stored"] + total["duplicate"] + total["rejected"], total
        return total

    def _drained(self) -> bool:
        reply = self.server.ask_api("ledger")
        return reply.status == 200 and reply.json["total"]["queued"] == 0


def pause(low: float, high: float, chance: random.Random) -> None:
    time.sleep(chance.uniform(low, high))


def descendants(pid: int) -> list[int]:
    """Children of a process and theirs, as /proc knows them now."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def alive(pid: int) -> bool:
    """Whether it runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_quietly(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
