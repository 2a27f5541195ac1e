"""How a command finds the server that runs on a data directory: the runtime file that its parent writes."""

import os
from pathlib import Path

import msgspec


class Process(msgspec.Struct, frozen=True):
    """One process under the parent. `pid` and `started` (s since the epoch) are None while it is down."""

    name: str
    pid: int | None = None
    ready: bool = False
    restarts: int = 0
    started: float | None = None


class Runtime(msgspec.Struct, frozen=True):
    """A running server: its parent's pid and where it listens, as HOST:PORT that this machine can reach."""

    pid: int
    collect: list[str] = []
    web: str = ""
    ready: bool = False
    processes: list[Process] = []

    @property
    def collector_url(self) -> str:
        """The first address that takes events, e.g. `http://127.0.0.1:8080`; empty where there is none."""
        return f"http://{self.collect[0]}" if self.collect else ""

    @property
    def web_url(self) -> str:
        """The API and the dashboard, e.g. `http://127.0.0.1:8090`; empty where there is none."""
        return f"http://{self.web}" if self.web else ""


def find(data_dir: Path) -> Runtime | None:
    """The server running on this directory; None where there is none, or only the file that a killed one left.

    It may be found before `ready`: its sockets are open from the first moment, so a request waits, and is not
    refused.
    """
    try:
        runtime = msgspec.json.decode((data_dir / "runtime.json").read_bytes(), type=Runtime)
    except (OSError, msgspec.DecodeError):
        return None
    return runtime if _is_ours(runtime.pid) else None


def _is_ours(pid: int) -> bool:
    """Whether the pid lives and is an eventmill: after a kill its number may belong to any other program."""
    try:
        return b"eventmill" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        pass
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
