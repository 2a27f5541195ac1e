"""nginx takes the configuration of the page, and passes on what the door needs."""

import http.client
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.services import Program
from tests.acceptance.server import ROOT, Server, until
from tests.docs.conftest import local, settled
from tests.docs.pages import blocks

pytestmark = pytest.mark.xdist_group("docs")
PAGE = ROOT / "docs" / "how-to" / "nginx.md"
_AROUND = """daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; access_log off;
{page}
}}
"""


def _send(port: int, host: str, target: str, forwarded: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", target, headers={"Host": host, "X-Forwarded-For": forwarded})
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_page_s_configuration(
    served: Server, service: Callable[[str], Program], free_port: Callable[[], int], tmp_path: Path
) -> None:
    program, port = str(service("nginx").path), free_port()
    (block,) = blocks(PAGE, "nginx")
    page = local(block.text, served).replace("listen 80;", f"listen 127.0.0.1:{port};")
    config = tmp_path / "nginx.conf"
    config.write_text(_AROUND.format(folder=tmp_path, page=page), encoding="utf-8")
    words = [program, "-e", str(tmp_path / "error.log"), "-p", str(tmp_path), "-c", str(config)]
    checked = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    with subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *words]) as nginx:
        try:
            target = "/event.png?category=proxied&id=through-nginx"
            until(lambda: _send(port, "events.example.com", target, "198.51.100.23") == 200, "nginx")
            assert _send(port, "stats.example.com", "/", "198.51.100.23") == 401
        finally:
            nginx.terminate()
    settled(served)
    assert served.api("events/through-nginx")["event"]["ip"] == "198.51.100.0"
