"""A page in a real browser with the pixel in it: exactly one event."""

import gzip
import subprocess
import threading
import urllib.request
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


TRACKED = """<!doctype html><meta charset=utf-8><title>A shop</title><h1>Wellcome</h1>
<script defer src="http://127.0.0.1:{port}/eventmill.js" data-site="shop" data-user="u7"></script>
<script>addEventListener('load', () => {{
  history.pushState(0, '', '/cart?step=1')
  history.replaceState(0, '', '/cart?step=1')
  location.hash = 'top'
  eventmill('button', 'click', 'buy', 1, {{plan: 'pro', n: [1, 2]}})
  navigator.sendBeacon = () => false
  eventmill('button', 'click', 'a&b=c', '日本')
}})</script>"""


def test_the_tracker_counts_views_and_what_it_is_told(
    server: Server, service, pages: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = pages
    before = server.drain()["stored"]
    (folder / "shop.html").write_text(TRACKED.format(port=server.collect_port))
    page = f"{address}/shop.html"
    browser = subprocess.run(
        [service("chromium").path, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000",
         "--dump-dom", page],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Wellcome" in browser.stdout, browser.stderr
    until(lambda: server.api("ledger")["total"]["received"] >= before + 4, "the events")
    assert server.drain()["stored"] == before + 4
    columns = "site, user, category, action, label, value, url, referrer, props, screen != ''"
    rows = server.sql(f"SELECT {columns} FROM events WHERE site = 'shop'")
    cart = f"{address}/cart?step=1"
    assert sorted(rows) == sorted([
        ["shop", "u7", "page", "view", "/shop.html", "", page, "", "", True],
        ["shop", "u7", "page", "view", "/cart", "", cart, page, "", True],
        ["shop", "u7", "button", "click", "buy", "1", cart, cart, '{"plan":"pro","n":[1,2]}', True],
        ["shop", "u7", "button", "click", "a&b=c", "日本", cart, cart, "", True],
    ])  # fmt: skip


def test_the_tracker_is_small_and_is_kept_for_an_hour(server: Server) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.collect_port}/eventmill.js", timeout=10) as answer:
        script = answer.read()
        headers = answer.headers
    assert len(script) < 2300
    assert len(gzip.compress(script)) < 1100
    assert headers["content-type"].startswith("text/javascript")
    assert "max-age=3600" in headers["cache-control"]
