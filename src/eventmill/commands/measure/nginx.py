"""nginx answering `empty_gif` with a buffered log: the fastest way to answer a pixel, and it may lose events."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from eventmill.commands.measure import load
from eventmill.commands.measure.figure import Figure, cpu_seconds

_CONFIG = """
worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log combined buffer=64k flush=1s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{port}; location / {{ empty_gif; }} }}
}}
"""


def measure(folder: Path, path: str, seconds: int) -> Figure | None:
    """None where nginx is not installed or does not start here."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        return None
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, port=port, user=_user()), encoding="utf-8")
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [program, "-p", str(folder), "-c", str(config)], stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    try:
        if not _listens(port, process):
            return None
        pids = [process.pid, *_children(process.pid)]
        before = cpu_seconds(pids)
        answered, took, _ = load.get(f"127.0.0.1:{port}", path, seconds)
        cpu = (cpu_seconds(pids) - before) / answered * 1e6
        return Figure("nginx empty_gif, buffered log (not durable)", answered / took, "requests/s", cpu)
    finally:
        process.terminate()
        process.wait(10)


def _user() -> str:
    """nginx started by root changes to nobody, who cannot write our folder."""
    return "user root;" if os.geteuid() == 0 else ""


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    for _ in range(100):
        if process.poll() is not None:
            return False
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.02)
    return False


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
