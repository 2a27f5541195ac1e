"""A server for a measurement: started on free ports with a data directory of its own, its CPU and memory read."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """`with Server(...) as s`: ready on entry, drained and deleted on exit."""

    def __init__(self, *options: str, env: dict[str, str] | None = None, keep: Path | None = None) -> None:
        self._options, self._env, self._keep = options, env or {}, keep

    def __enter__(self) -> "Server":
        self.data = self._keep or Path(tempfile.mkdtemp(prefix="eventmill-bench-", dir=os.environ.get("BENCH_DIR")))
        began = time.monotonic()
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "eventmill"), "serve", "--data", str(self.data),
                "--collect", "127.0.0.1:0", "--web", "127.0.0.1:0", *self._options,
            ],
            stdout=subprocess.DEVNULL, env={**os.environ, **self._env}, cwd=self.data.parent,
        )  # fmt: skip
        try:
            self._wait_ready(began)
        except BaseException:  # interrupted as well: `with` would leave the server behind
            self.__exit__()
            raise
        self.start_seconds = time.monotonic() - began
        host, _, port = self.runtime["collect"][0].rpartition(":")
        self.collector = (host, int(port))
        return self

    def _wait_ready(self, began: float) -> None:
        while True:
            try:
                self.runtime = json.loads((self.data / "runtime.json").read_text())
                if self.runtime["ready"] and self.runtime["pid"] == self.process.pid:
                    return
            except (OSError, ValueError):
                pass
            if self.process.poll() is not None or time.monotonic() - began > 60:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        if self._keep is None:
            shutil.rmtree(self.data, ignore_errors=True)

    @property
    def pids(self) -> dict[str, int]:
        state = json.loads((self.data / "runtime.json").read_text())
        return {"parent": state["pid"]} | {p["name"]: p["pid"] for p in state["processes"]}

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU, user and system, that each process has used."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def memory(self) -> dict[str, float]:
        """MB of each process. A file's pages that several of them map count for the first, and for it whole.

        Not PSS, which shares them with processes outside as well: beside another server it would look like half.
        """
        counted: dict[tuple[str, str], float] = {}
        return {name: resident_mb(pid, counted) for name, pid in self.pids.items()}

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{self.runtime['web']}/api/v1/{path}", timeout=120) as response:
            return json.load(response)

    def sql(self, statement: str) -> Any:
        """The first cell of the answer."""
        request = urllib.request.Request(
            f"http://{self.runtime['web']}/api/v1/sql", json.dumps({"query": statement}).encode(),
            {"content-type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.load(response)["data"][0][0]

    def wait_stored(self, count: int, seconds: float = 300) -> dict[str, int]:
        """Waits until the ledger has received and handled so many; the ledger's totals.

        The lag is asked often, the ledger only where nothing waits: its sum over the store is no small thing, and
        asking it fifty times a second would be counted as the price of the events.
        """
        deadline = time.monotonic() + seconds
        total: dict[str, int] = {}
        while time.monotonic() < deadline:
            if not self.get("lag")["events"]:
                total = self.get("ledger?limit=0")["total"]
                if total["received"] >= count and total["queued"] == 0:
                    return total
            time.sleep(0.05)
        raise RuntimeError(f"not stored after {seconds} s: {total}")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mb(pid: int, counted: dict[tuple[str, str], float]) -> float:
    """MB that the process adds to those already counted, by (file, offset) of each mapping."""
    total, key, rss = 0.0, None, 0.0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        field, *rest = line.split()
        if not field.endswith(":"):
            key = (rest[4], rest[1]) if len(rest) > 4 and rest[4].startswith("/") else None
        elif field == "Rss:":
            rss = int(rest[0]) / 1024
        elif field == "Anonymous:":
            own = int(rest[0]) / 1024  # its own, or copied on write
            total += own
            if key is None:
                total += rss - own
            else:
                total += max(0.0, rss - own - counted.get(key, 0.0))
                counted[key] = max(rss - own, counted.get(key, 0.0))
    return total


class Sender:
    """One keep-alive connection that posts bodies and reads each answer."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def post(self, body: bytes, path: str = "/e") -> int:
        """The status of the answer."""
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.socket.sendall(head + body)
        status = int(self._file.readline().split()[1])
        length = 0
        while (line := self._file.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self._file.read(length)
        return status

    def close(self) -> None:
        self.socket.close()
