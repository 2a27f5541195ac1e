"""wrk against one server: the server's processes on the first core, wrk on the last, CPU time from /proc.

A busy neighbour moves the rate and hardly the CPU time, which is user and system time of all processes of the
server, those included that ended meanwhile. Kernel threads (the journal of the file system) count for nobody.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.part import UnavailableError
from bench.requests import EVENTS_PER_REQUEST, LUA_REQUESTS
from scripts.services import CATALOGUE, free_port

TICK = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]

NGINX = """
worker_processes 1; daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
  log_format ev escape=json
    '{{"t":$msec,"ip":"$remote_addr","args":"$args","ua":"$http_user_agent","ref":"$http_referer"}}';
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen 127.0.0.1:{port}; keepalive_requests 100000000;
    location / {{ empty_gif; access_log {dir}/ev.log ev buffer=64k flush=1s; }} }} }}
"""
COLLECTOR = """
import socket, sys
from eventmill.collect.server import run_collector
from eventmill.settings import Queue, Settings
from eventmill.topics import Topic, with_defaults
queue, port, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
topics = with_defaults({"financial_pro": Topic(aliases=["/financial_pro"], field_count=4)})
settings = Settings(data=folder, topics=topics, queue=Queue(url="sqlite:" if queue == "none" else queue))
if queue == "none":
    class Writer:
        durability = "relaxed"
        def append(self, drafts): pass
        def check(self): return None
        def close(self): pass
    writer = Writer()
else:
    from eventmill.queue.open import open_writer
    writer = open_writer(settings, None)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
run_collector(settings, [listener], writer, "bench")
writer.close()
"""


@dataclass(frozen=True)
class Figure:
    """One run. `us` is CPU microseconds per request, `us_event` per event, `rate` requests a second."""

    name: str
    requests: int
    errors: int
    rate: float
    us: float
    us_event: float


@dataclass(frozen=True)
class Target:
    """A server to load: where it listens, and the processes whose trees it consists of."""

    port: int
    pids: tuple[int, ...]

    def cpu(self) -> float:
        return sum(tree_seconds(pid) for pid in self.pids)


def tree_seconds(pid: int) -> float:
    """User and system time of a process, of its living descendants, and of those that it has buried."""
    try:
        fields = [int(text) for text in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]]
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return 0.0
    return sum(fields) / TICK + sum(tree_seconds(child) for child in children)


@contextmanager
def on_server_core() -> Iterator[None]:
    """What is started within runs on the server's core, and so does all that it starts."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def serving(command: list[str], port: int, env: dict[str, str] | None = None) -> Iterator[Target]:
    """The command on the server's core, once it listens on the port."""
    with on_server_core():
        process = subprocess.Popen(command, env={**os.environ, **(env or {})})
    try:
        _wait_for(port, process)
        yield Target(port, (process.pid,))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen on {port}")


@contextmanager
def nginx(folder: Path) -> Iterator[Target]:
    """The reference: an empty picture and a log written in blocks of 64 KB, lost where the power fails."""
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=port))
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with serving(command, port) as target:
        yield target


@contextmanager
def collector(folder: Path, queue: str = "sqlite:") -> Iterator[Target]:
    """Eventmill's collector alone, with its queue (`none`: without any)."""
    port = free_port()
    with serving([sys.executable, "-c", COLLECTOR, queue, str(port), str(folder)], port) as target:
        yield target


def program(name: str) -> str:
    found = CATALOGUE[name].find()
    if found is None:
        raise UnavailableError(f"{name} is missing; `python3 -m scripts.services install` installs it")
    return str(found)


def _at_rest(target: Target, seconds: float = 5) -> float:
    """Its CPU time once it has stopped working at requests of the run before, of which a slow peer has hundreds."""
    deadline = time.monotonic() + seconds
    spent = target.cpu()
    while time.monotonic() < deadline:
        time.sleep(0.3)
        earlier, spent = spent, target.cpu()
        if spent - earlier < 3 / TICK:
            break
    return spent


def load(name: str, target: Target, seconds: int, connections: int, folder: Path) -> Figure:
    """wrk with the named requests for so long."""
    script = folder / f"{name}.lua"
    script.write_text(LUA_REQUESTS[name])
    before = _at_rest(target)
    out = subprocess.run(
        ["taskset", "-c", str(CLIENT_CORE), program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}",
         "-s", str(script), f"http://127.0.0.1:{target.port}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    used = target.cpu() - before
    count, took = re.search(r"(\d+) requests in ([\d.]+)s", out).groups()  # type: ignore[union-attr]
    # A connection that the server closes after its answer is no error (gunicorn's workers do it): wrk says "read".
    errors = sum(int(n) for n in re.findall(r"(?:Non-2xx or 3xx responses: |connect |timeout |write )(\d+)", out))
    requests = int(count)
    us = used / max(1, requests) * 1e6
    return Figure(name, requests, errors, requests / float(took), us, us / EVENTS_PER_REQUEST.get(name, 1))
