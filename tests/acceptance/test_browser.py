"""A page in a real browser with the pixel in it: exactly one event."""

import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.acceptance.server import Server, until

PAGE = """<!doctype html><meta charset=utf-8><title>A shop</title><h1>Wellcome</h1>
<img referrerpolicy="no-referrer-when-downgrade" width=1 height=1 alt=""
 src="http://127.0.0.1:{port}/event.png?category=h5&action=pv&label=85&value=41">"""
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: the test's own asserts say what matters."""


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address that serves it."""
    folder = tmp_path / "pages"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def test_one_view_is_one_event(server: Server, service, pages: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = pages
    (folder / "shop.html").write_text(PAGE.format(port=server.collect_port))
    page = f"{address}/shop.html?from=test"
    browser = subprocess.run(
        [service("chromium").path, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Wellcome" in browser.stdout, browser.stderr
    until(lambda: server.api("ledger")["total"]["received"] > 0, "the event")
    assert server.drain() == {"received": 1, "stored": 1, "duplicate": 0, "rejected": 0, "queued": 0}
    (row,) = server.sql("SELECT category, action, label, value, url, url_host, browser, os, ip, user != '' FROM events")
    # A browser without a window says so in its name: it is Chrome all the same, and flagged as a bot.
    assert row.pop(6) in ("Chrome", "HeadlessChrome")
    assert row == ["h5", "pv", "85", "41", page, "127.0.0.1", "Linux", "127.0.0.0", True]
