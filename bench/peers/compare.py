"""Runs nginx, the door and the peers in turns, then kills each peer under load and counts what it had answered."""

import argparse
import os
import re
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.door import turns
from bench.load import CLIENT_CORE, Target, collector, nginx, on_server_core, program, serving
from bench.part import by_dose, say
from bench.peers import environment
from bench.requests import LUA_REQUESTS
from bench.table import Row
from scripts.services import CATALOGUE, PostgreSQL, free_port

HERE = Path(__file__).resolve().parent
KINDS = {"pixel": "pixel GET", "json": "JSON POST"}
CREATE = (
    "CREATE TABLE events (id bigserial PRIMARY KEY, category text, action text, label text, value text, "
    "visitor text, url text, time bigint)"
)


@dataclass(frozen=True)
class Peer:
    """A running peer and how many events its database holds."""

    name: str
    target: Target
    stored: Callable[[], int]


@contextmanager
def fastapi_sqlite(python: Path, folder: Path) -> Iterator[Peer]:
    port, file = free_port(), folder / "events.sqlite"
    command = [str(python), "-m", "uvicorn", "fastapi_sqlite:app", "--app-dir", str(HERE), "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"]

    def stored() -> int:
        with sqlite3.connect(file) as db:
            return int(db.execute("SELECT count(*) FROM events").fetchone()[0])

    with serving(command, port, {"BENCH_SQLITE": str(file)}) as target:
        yield Peer("FastAPI + uvicorn + SQLite (WAL, FULL)", target, stored)


@contextmanager
def flask_postgresql(python: Path, _: Path) -> Iterator[Peer]:
    database = CATALOGUE["postgresql"]
    assert isinstance(database, PostgreSQL)
    with ExitStack() as stack:
        with on_server_core():
            running = stack.enter_context(database.start())

        def sql(text: str) -> str:
            command = [str(database.path.parent / "psql"), "-qtAX", running.url, "-c", text]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

        sql(CREATE)
        port = free_port()
        command = [str(python), "-m", "gunicorn", "--chdir", str(HERE), "-w", "4", "-b", f"127.0.0.1:{port}"]
        command += ["--log-level", "error", "--backlog", "2048", "flask_postgresql:app"]
        target = stack.enter_context(serving(command, port, {"BENCH_POSTGRESQL": running.url}))
        both = replace(target, pids=(*target.pids, running.pid))
        yield Peer("Flask + gunicorn × 4 + PostgreSQL 15", both, lambda: int(sql("SELECT count(*) FROM events")))


def kill(peer: Peer, seconds: int, folder: Path) -> str:
    """SIGKILL to the application (its database lives) half-way through the load: answered, and how many are gone."""
    script = folder / "kill.lua"
    script.write_text(LUA_REQUESTS["pixel"])
    before = peer.stored()
    command = ["taskset", "-c", str(CLIENT_CORE), program("wrk"), "-t1", "-c64", f"-d{seconds}", "-s", str(script)]
    with subprocess.Popen([*command, f"http://127.0.0.1:{peer.target.port}"], stdout=subprocess.PIPE, text=True) as wrk:
        time.sleep(seconds / 2)
        for pid in family(peer.target.pids[0]):
            os.kill(pid, signal.SIGKILL)
        out = wrk.communicate()[0]
    time.sleep(0.5)  # the database may still be at the last statements
    found = re.search(r"(\d+) requests in", out)
    answered = int(found[1]) if found else 0
    lost = max(0, answered - (peer.stored() - before))
    return f"kill -9: {lost:,} of {answered:,} answered lost"


def family(pid: int) -> list[int]:
    """The process and its descendants, the parent first: a dead master starts no new worker."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def rows(given: argparse.Namespace) -> list[Row]:
    seconds, rounds = by_dose(given, "seconds", 1, 4, 8), by_dose(given, "rounds", 1, 2)
    program("wrk")  # said before anything is installed
    python = environment.python()
    found: list[Row] = []
    with ExitStack() as stack:
        text = tempfile.TemporaryDirectory(prefix="bench-peers-", dir=os.environ.get("BENCH_DIR"))
        folder = Path(stack.enter_context(text))
        targets = {"nginx `empty_gif`, buffered log": (stack.enter_context(nginx(folder)), "pixel")}
        door = stack.enter_context(collector(folder / "data"))
        peers = [stack.enter_context(fastapi_sqlite(python, folder))]
        if CATALOGUE["postgresql"].find():
            peers.append(stack.enter_context(flask_postgresql(python, folder)))
        else:
            say("PostgreSQL is missing; `python3 -m scripts.services install` installs it")
        for name, target in [("eventmill", door), *((peer.name, peer.target) for peer in peers)]:
            targets |= {f"{name}, {shown}": (target, kind) for kind, shown in KINDS.items()}
        figures = turns(targets, rounds, seconds, given.connections, folder)
        reference = next(iter(figures.values()))
        killed = {peer.name: kill(peer, 2 * seconds, folder) for peer in peers}
        for name, figure in figures.items():
            note = f"{figure.us:.1f} µs; {figure.rate:,.0f}/s, {figure.rate / reference.rate:.3f} of nginx's"
            note += "".join(f"; {said}" for peer, said in killed.items() if name == f"{peer}, {KINDS['pixel']}")
            failed = f"{figure.errors:,} requests failed" if figure.errors else ""
            found.append(Row(f"{name}: CPU against nginx", reference.us / figure.us, "×", note=note, spoilt=failed))
    return found


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--connections", type=int, default=256)
