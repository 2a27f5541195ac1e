"""The dashboard as others reach it, in Chromium: signing in, a share link, a frame on another site, forged requests.

The server listens on 127.0.0.2, which counts as reachable by others; the other site is `localhost`.
"""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.server import until
from tests.acceptance.test_access import PASSWORD, Outside, run
from tests.web import traffic


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Outside]:
    server = Outside(tmp_path_factory.mktemp("outside") / "data")
    run(server.data, "password", "--stdin", stdin=PASSWORD + "\n")
    with server:
        assert server.post(traffic.everything()).status == 200

        def stored() -> bool:
            total = json.loads(run(server.data, "ledger", "--json"))["total"]
            return total["received"] > 0 and total["queued"] == 0

        until(stored, "the events in the store", why=server.said)
        yield server


@pytest.fixture(scope="module")
def admin(outside: Outside) -> Iterator[httpx.Client]:
    """Signed in, without a browser."""
    with httpx.Client(base_url=f"{outside.url}/api/v1", timeout=20) as client:
        assert client.post("/session", json={"password": PASSWORD}).status_code == 200
        yield client


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Another site: its address, and the file that is its page."""
    page = tmp_path / "page.html"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/page.html"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.read_bytes() if found else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/page.html", page
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


def sign_in(page: Page, outside: Outside) -> None:
    page.goto(outside.url)
    page.wait_for_url("**/signin**")
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/signin" not in url)
    page.locator("main .card").first.wait_for()


def test_signing_in(page: Page, outside: Outside) -> None:
    sign_in(page, outside)
    assert page.evaluate("document.cookie") == ""
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["eventmill_session"]["httpOnly"]
    assert cookies["eventmill_session"]["sameSite"] == "Strict"
    answer = page.evaluate("fetch('/api/v1/session').then(a => a.json())")
    assert answer["role"] == "admin"


def test_a_link_reads_and_shows_no_settings(page: Page, outside: Outside, admin: httpx.Client) -> None:
    share = admin.post("/shares", json={"name": "link", "view": "/events"}).json()
    page.goto(outside.url + share["url"])
    assert page.url == f"{outside.url}/events"
    page.locator("main .card").first.wait_for()
    assert page.evaluate("fetch('/api/v1/session').then(a => a.json())")["role"] == "share"
    assert page.evaluate("fetch('/api/v1/keys').then(a => a.status)") == 403


def test_a_chart_stands_in_a_frame_of_another_site_and_nothing_else_does(
    page: Page, outside: Outside, admin: httpx.Client, elsewhere: tuple[str, Path]
) -> None:
    share = admin.post("/shares", json={"name": "frame"}).json()
    address, file = elsewhere
    frame = '<iframe id="{}" src="{}{}" width=900 height=500></iframe>'
    embedded = frame.format("chart", outside.url, f"{share['embed']}time?range=30d")
    file.write_text(f"<!doctype html>{embedded}{frame.format('all', outside.url, '/')}")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    chart = page.frame_locator("#chart")
    frames = [frame for frame in page.frames if frame.parent_frame]
    until(lambda: page.evaluate("true") and all(f.url.startswith("chrome-error:") for f in frames), "both refused")
    host = address.split("/")[2]
    assert admin.post("/domains", json={"host": host}).status_code == 201
    page.goto("about:blank")
    said.clear()
    page.goto(address)
    expect(chart.get_by_role("img", name="Visitors")).to_be_visible(timeout=20_000)
    whole = next(frame for frame in page.frames if frame.parent_frame and "/embed/" not in frame.url)
    # Messages arrive while Playwright is asked something.
    until(lambda: page.evaluate("true") and whole.url.startswith("chrome-error:"), "the refused frame")
    until(lambda: page.evaluate("true") and any("frame-ancestors" in line for line in said), "the reason of it")
    assert not [line for line in said if "/embed/" in line]
    assert admin.delete(f"/domains/{host}").status_code == 204
    assert admin.delete("/shares/frame").status_code == 204
    page.goto("about:blank")
    page.goto(address)
    expect(chart.get_by_role("img", name="Visitors")).to_have_count(0)


def test_item_17_a_page_elsewhere_changes_and_reads_nothing_of_who_is_signed_in(
    page: Page, outside: Outside, admin: httpx.Client, elsewhere: tuple[str, Path]
) -> None:
    sign_in(page, outside)
    address, file = elsewhere
    file.write_text(
        f'<!doctype html><form id="f" method="post" enctype="text/plain" action="{outside.url}/api/v1/domains">'
        """<input name='{"host":"evil.example","x":"' value='"}'></form>"""
    )
    page.goto(address)
    tried = page.evaluate(
        """async (base) => {
            const outcome = async (path, options) => {
                try { return (await fetch(base + path, {credentials: "include", ...options})).type; }
                catch (error) { return "refused"; }
            };
            const json = {"content-type": "application/json"};
            const body = '{"host":"evil.example"}';
            return [
                await outcome("/api/v1/keys", {}),
                await outcome("/api/v1/domains", {method: "POST", headers: json, body}),
                await outcome("/api/v1/domains", {method: "POST", mode: "no-cors", body}),
                await outcome("/api/v1/session", {method: "DELETE"}),
            ];
        }""",
        outside.url,
    )
    assert tried[:2] == ["refused", "refused"]
    assert tried[3] == "refused"
    with page.expect_navigation():
        page.evaluate("document.getElementById('f').submit()")
    assert admin.get("/domains").json()["data"] == []
    page.goto(outside.url)
    assert page.evaluate("fetch('/api/v1/session').then(a => a.json())")["role"] == "admin"
