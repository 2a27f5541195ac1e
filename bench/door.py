"""CPU time per request at the door, beside nginx's `empty_gif` with a buffered log in the same minutes.

    python -m bench.door [--queue sqlite|memory] [--seconds 4] [--only pixel,json,ndjson]

The collector runs on the first core and wrk on the second; CPU is what /proc says the server's process used
(user and system), so a busy neighbour moves the rate and hardly the figure. URLs and bodies change with every
request: a cache of whole queries would not help. A table goes to stdout, one JSON line with `--json`.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]

LUA_REQUESTS = {
    "pixel": """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/event.gif?category=h5&action=pv&label=" .. (n % 997) .. "&value=" .. (n % 61)
    .. "&user=u" .. (n * 7919 % 1000003))
end""",
    "visitor": """
local n = 0
wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
  .. "Chrome/140.0 Safari/537.36"
wrk.headers["Referer"] = "https://shop.example/p/85-8d14"
wrk.headers["Accept"] = "image/avif,image/webp,*/*"
request = function()
  n = n + 1
  return wrk.format("GET", "/event.gif?category=h5&action=pv&label=" .. (n % 997)
    .. "&url=https%3A%2F%2Fshop.example%2Fp%2F" .. (n * 7919 % 1000003))
end""",
    "json": """
local n = 0
wrk.headers["Content-Type"] = "application/json"
request = function()
  n = n + 1
  return wrk.format("POST", "/e", nil, '{"category":"h5","action":"pv","label":"' .. (n % 997)
    .. '","value":"' .. (n % 61) .. '","user":"u' .. (n * 7919 % 1000003)
    .. '","url":"https://example.com/p/85-8d14?channel=41","time":' .. (1789000000000 + n) .. '}')
end""",
    "unknown": """
local n = 0
wrk.headers["Content-Type"] = "application/json"
request = function()
  n = n + 1
  return wrk.format("POST", "/e", nil, '{"category":"h5","action":"pv","label":' .. (n % 997)
    .. ',"channel":"' .. (n % 61) .. '","user":"u' .. (n * 7919 % 1000003)
    .. '","url":"https://example.com/p/85-8d14?channel=41","ts":' .. (1789000000000 + n) .. '}')
end""",
    "form": """
local n = 0
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
request = function()
  n = n + 1
  return wrk.format("POST", "/financial_pro", nil, "test01=" .. (n % 997) .. "&test02=222&test03=ccc&test04=" .. n)
end""",
    "ndjson": """
local bodies, n = {}, 0
for b = 1, 8 do
  local lines = {}
  for i = 1, 1000 do
    local k = b * 1000 + i
    lines[i] = '{"id":"e' .. b .. '-' .. i .. '","category":"h5","action":"pv","label":"' .. (k % 997)
      .. '","value":"' .. (k % 61) .. '","user":"u' .. (k * 7919 % 1000003)
      .. '","url":"https://example.com/p/85-8d14?channel=41","referrer":"https://www.google.com/"'
      .. ',"time":' .. (1789000000000 + k) .. ',"duration_ms":' .. (k % 977 + 0.5)
      .. ',"props":{"plan":"pro","step":' .. (k % 9) .. '}}'
  end
  bodies[b] = table.concat(lines, "\\n")
end
wrk.headers["Content-Type"] = "application/x-ndjson"
request = function() n = n + 1; return wrk.format("POST", "/e", nil, bodies[n % 8 + 1]) end""",
}
EVENTS_PER_REQUEST = {"ndjson": 1000}
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
from pathlib import Path
from eventmill.collect.server import run_collector
from eventmill.settings import Settings
from eventmill.topics import Topic, with_defaults
kind, port, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
topics = with_defaults({"financial_pro": Topic(aliases=["/financial_pro"], field_count=4)})
settings = Settings(data=folder, topics=topics)
if kind == "none":
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


@dataclass
class Figure:
    """One run. `us` is CPU microseconds per request, `us_event` per event, `rate` requests a second."""

    name: str
    requests: int
    errors: int
    rate: float
    us: float
    us_event: float
    of_nginx: float | None = None


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children, its threads included."""
    seconds = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            seconds += cpu_seconds(int(child))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return seconds + (int(fields[11]) + int(fields[12])) / TICK


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")


def start(command: list[str], port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["taskset", "-c", str(SERVER_CORE), *command])
    wait_for(port)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def load(name: str, pid: int, port: int, seconds: int, connections: int, folder: Path) -> Figure:
    script = folder / f"{name}.lua"
    script.write_text(LUA_REQUESTS[name])
    before = cpu_seconds(pid)
    out = subprocess.run(
        ["taskset", "-c", str(CLIENT_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", str(script),
         f"http://127.0.0.1:{port}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    used = cpu_seconds(pid) - before
    count = int(re.search(r"(\d+) requests in", out)[1])  # type: ignore[index]
    errors = sum(int(n) for n in re.findall(r"(?:Non-2xx or 3xx responses: |timeout |read |write )(\d+)", out))
    us = used / count * 1e6
    return Figure(name, count, errors, count / seconds, us, us / EVENTS_PER_REQUEST.get(name, 1))


def run(queue: str, seconds: int, names: list[str], connections: int) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-door-", dir=os.environ.get("BENCH_DIR")) as text:
        folder = Path(text)
        reference = None
        if shutil.which("nginx"):
            port = free_port()
            (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=port))
            nginx = start(["nginx", "-p", text, "-c", str(folder / "nginx.conf")], port)
            reference = load("pixel", nginx.pid, port, seconds, connections, folder)
            reference.name = "nginx empty_gif"
            figures.append(reference)
            stop(nginx)
        port = free_port()
        collector = start([sys.executable, "-c", COLLECTOR, queue, str(port), str(folder / "data")], port)
        try:
            for name in names:
                figure = load(name, collector.pid, port, seconds, 16 if name == "ndjson" else connections, folder)
                figure.of_nginx = reference.us / figure.us if reference and name != "ndjson" else None
                figures.append(figure)
        finally:
            stop(collector)
    return figures


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--queue", default="sqlite", choices=["sqlite", "none"], help="none: without any queue")
    options.add_argument("--seconds", type=int, default=4)
    options.add_argument("--connections", type=int, default=256)
    options.add_argument("--only", default=",".join(LUA_REQUESTS), help="comma-separated: " + ", ".join(LUA_REQUESTS))
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    figures = run(given.queue, given.seconds, given.only.split(","), given.connections)
    if given.json:
        print(json.dumps([asdict(figure) for figure in figures]))
        return
    print(f"{'':16}{'requests/s':>12}{'µs/request':>12}{'µs/event':>10}{'of nginx':>10}{'errors':>8}")
    for f in figures:
        ratio = f"{f.of_nginx:.2f}" if f.of_nginx else ""
        print(f"{f.name:16}{f.rate:12,.0f}{f.us:12.1f}{f.us_event:10.2f}{ratio:>10}{f.errors:8}")


if __name__ == "__main__":
    main()
