"""The real server as a subprocess on free loopback ports, and what tests ask of it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.services import free_port

ROOT = Path(__file__).parents[2]
PROGRAM = Path(os.environ.get("EVENTMILL_PROGRAM", ROOT / ".venv" / "bin" / "eventmill"))
PATIENCE_S = 60.0
"""A deadline against hanging, never a measure."""


@dataclass
class Reply:
    """A collector's or the API's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """One `eventmill serve` on its own data directory; may be stopped and started again on the same ports."""

    data: Path
    config: str | Path = ""
    collectors: int = 1
    env: Mapping[str, str] = field(default_factory=dict)
    wrap: Sequence[str] = ()
    """Words before the command, e.g. `prlimit --nofile=64`."""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.collect_port, self.web_port = free_port(), free_port()
        self.log = self.data.parent / f"{self.data.name}.log"
        self.data.parent.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        config = self.config
        if not isinstance(config, Path):
            path = self.data.parent / f"{self.data.name}.toml"
            path.write_text(config)
            config = path
        return [
            *self.wrap, str(PROGRAM), "serve", "--data", str(self.data), "--config", str(config),
            "--collect", f"127.0.0.1:{self.collect_port}", "--web", f"127.0.0.1:{self.web_port}",
            "--collectors", str(self.collectors),
        ]  # fmt: skip

    def start(self, *, wait: bool = True) -> "Server":
        with self.log.open("ab") as log:
            # A test run that is killed must leave no server behind.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.env},
            )
        if wait:
            until(self._ready, f"the server's start\n{self.log}", why=self.said)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends the server and returns its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.stop()

    def said(self) -> str:
        """What the server printed."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def runtime(self) -> dict[str, Any]:
        return json.loads((self.data / "runtime.json").read_text())

    def pid(self, name: str) -> int:
        """Of `collector-0` or `engine`."""
        (found,) = [p["pid"] for p in self.runtime()["processes"] if p["name"] == name]
        assert isinstance(found, int)
        return found

    def restarts(self) -> int:
        return sum(process["restarts"] for process in self.runtime()["processes"])

    def _ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.said()}")
        try:
            state = self.runtime()
        except (OSError, ValueError):
            return False
        return state["pid"] == self.process.pid and state["ready"] and self.ready().status == 200

    # -- the collector

    def send(
        self, path: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None, timeout: float = 30
    ) -> Reply:
        """One request on a connection of its own: POST where there is a body."""
        return ask(self.collect_port, path, body, headers, timeout)

    def post(self, events: object, path: str = "/e") -> Reply:
        return self.send(path, json.dumps(events), {"Content-Type": "application/json"})

    def pixel(self, headers: Mapping[str, str] | None = None, **fields: str) -> Reply:
        return self.send(f"/event.png?{urllib.parse.urlencode(fields)}", None, headers)

    def ready(self) -> Reply:
        return self.send("/ready")

    # -- the API

    def api(self, question: str, **params: str) -> Any:
        reply = self.ask_api(question, **params)
        assert reply.status == 200, reply.body
        return reply.json

    def ask_api(self, question: str, **params: str) -> Reply:
        return ask(self.web_port, f"/api/v1/{question}?{urllib.parse.urlencode(params)}")

    def sql(self, query: str, limit: int = 10_000) -> list[list[Any]]:
        reply = self.ask_sql(query, limit)
        assert reply.status == 200, reply.body
        return reply.json["data"]

    def ask_sql(self, query: str, limit: int = 10_000) -> Reply:
        body = json.dumps({"query": query, "limit": limit})
        return ask(self.web_port, "/api/v1/sql", body, {"Content-Type": "application/json"}, PATIENCE_S)

    def drain(self) -> dict[str, int]:
        """Waits until nothing is queued; the ledger's total, checked against the store."""
        until(lambda: self.api("ledger")["total"]["queued"] == 0, "an empty queue", why=self.said)
        answer = self.api("ledger")
        total = answer["total"]
        assert answer["balanced"], answer
        assert total["received"] == total["stored"] + total["duplicate"] + total["rejected"], total
        assert self.sql("SELECT count() FROM events")[0][0] == total["stored"]
        return total

    def events(self, columns: str = "id", where: str = "1") -> list[list[Any]]:
        return self.sql(f"SELECT {columns} FROM events WHERE {where} ORDER BY ALL", 100_000)

    def rejects(self) -> list[tuple[str, str]]:
        """(reason, bytes) of each."""
        return [(row["reason"], row["bytes"]) for row in self.api("rejects", limit="10000")["data"]]

    def trace(self, needle: str) -> Reply:
        return self.ask_api(f"events/{urllib.parse.quote(needle, safe='')}")


def ask(
    port: int,
    path: str,
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30,
) -> Reply:
    """One request to a port of 127.0.0.1. Raises OSError or HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET" if body is None else "POST", path, body, dict(headers or {}))
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def run(*words: str, timeout: float = PATIENCE_S) -> subprocess.CompletedProcess[str]:
    """The command line program."""
    return subprocess.run([str(PROGRAM), *words], capture_output=True, text=True, timeout=timeout, check=False)


def until(holds: Any, what: str, patience: float = PATIENCE_S, why: Any = lambda: "") -> None:
    """Waits for a condition. A server that does not answer at the moment does not hold it."""
    deadline = time.monotonic() + patience
    while True:
        try:
            if holds():
                return
        except (OSError, http.client.HTTPException):
            pass
        assert time.monotonic() < deadline, f"{what} did not come\n{why()}"
        time.sleep(0.05)


def rss(pid: int) -> int:
    """Bytes of memory of a process that are resident now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak(pid: int) -> int:
    """The most bytes that were ever resident of a process."""
    (line,) = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


if sys.platform != "linux":  # pragma: no cover
    raise RuntimeError("these tests read /proc")
