"""The page in a real browser: its numbers are the API's, a key is drilled into, and nothing that was sent runs."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from scripts.services import Program
from tests.stored_events import frame, row
from tests.unit.web.conftest import Server

EVIL = [
    "<script>window.pwned=1</script>", "<img src=x onerror=window.pwned=1>", "javascript:window.pwned=1",
    "\"><svg onload=window.pwned=1>", "{{constructor.constructor('window.pwned=1')()}}", "'-alert(1)-'",
]  # fmt: skip


@pytest.fixture(scope="module")
def page(server: Server, service: Callable[[str], Program]) -> Iterator[Page]:
    now = int(time.time() * 1000)
    events = [row(now, category="h5", action="pv", label="85", value=str(n % 3), user=f"u{n % 7}") for n in range(60)]
    events += [row(now, category=text, action=text, referrer_host=text, browser=text, url=text) for text in EVIL]
    server.services.sources.store.insert("events", frame(events))
    program = service("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program.path), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1440, "height": 900}, timezone_id="UTC")
        made = context.new_page()
        yield made
        browser.close()


def test_the_overview(server: Server, page: Page) -> None:
    said: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    own = str(server.client.base_url)
    page.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
    page.goto(own)
    page.click("[data-days='1']")
    expect(page.locator("#views")).to_have_text("66")
    assert page.text_content("#visitors") == "7"
    assert "nothing lost" in (page.text_content("#badge") or "")
    expect(page.locator("#keys tbody tr")).to_have_count(7)
    for field in ("referrer_host", "url", "browser"):
        page.select_option("#dimension", field)
        expect(page.locator("#top tbody tr")).to_have_count(7)
    page.click("#keys >> text=/^h5$/")
    expect(page.locator("#views")).to_have_text("60")
    page.click("#keys >> text=h5.pv")
    page.click("#keys >> text=h5.pv.85")
    expect(page.locator("#keys tbody tr")).to_have_count(3)
    page.go_back()
    expect(page.locator("#keys tbody tr")).to_have_count(1)
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("window.pwned") is None
    assert said == []
    assert elsewhere == []


def test_nothing_scrolls_sideways_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
