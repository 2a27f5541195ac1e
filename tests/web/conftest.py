"""A server with a little traffic, and its dashboard in Debian's Chromium."""

import os
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from scripts.services import Program
from tests.acceptance.server import Server, until
from tests.web import traffic

# Twice what a machine needs whose two cores are busy with other tests.
expect.set_options(timeout=20_000)


def settled(where: Page | Locator) -> None:
    """Waits until every card shows the answer to what it asks now."""
    expect(where.locator("[aria-busy=true]")).to_have_count(0)


def fits(page: Page) -> None:
    """Nothing scrolls sideways, once what was drawn for another width is drawn anew."""
    measure = "[document.documentElement.scrollWidth, innerWidth]"
    until(lambda: int.__le__(*page.evaluate(measure)), "a page that fits", why=lambda: page.evaluate(measure))


@pytest.fixture(scope="module")
def browser(service: Callable[[str], Program]) -> Iterator[Browser]:
    """Chromium, and the built dashboard to look at: skipped, or failed in CI, where either is missing."""
    program = service("chromium")
    if not resources.files("eventmill.web").joinpath("static", "index.html").is_file():
        said = "the dashboard is not built: make setup (or scripts/dashboard) builds it"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(program.path), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    """A real server that has stored `traffic.everything()`."""
    with Server(tmp_path_factory.mktemp("served") / "data") as server:
        reply = server.post(traffic.everything())
        assert reply.status == 200, reply.body
        server.drain()
        yield server


class Seen:
    """Pages of one test: opened on a server; what they said and asked elsewhere is kept."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self.base = f"http://127.0.0.1:{server.web_port}"
        self.said: list[str] = []
        self.elsewhere: list[str] = []
        self._contexts: list[BrowserContext] = []

    def open(self, path: str = "/", *, width: int = 1440, height: int = 900, **options: Any) -> Page:
        """A new page; `options` are Playwright's of a context: locale, color_scheme, …"""
        settings = {"locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce", **options}
        context = self._browser.new_context(viewport={"width": width, "height": height}, **settings)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.said.append(f"{path}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"{path}: {error}"))
        page.on("request", self._look)
        page.goto(self.base + path)
        page.locator("main .card, main .figures, main form, main .state").first.wait_for()
        return page

    def _look(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def seen(browser: Browser, served: Server) -> Iterator[Seen]:
    """Opens pages; afterwards none of them may have said anything on the console, or asked another host."""
    found = Seen(browser, served)
    yield found
    found.close()
    assert found.said == []
    assert found.elsewhere == []


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[tuple[str, list[str]]]]:
    """Violations of accessibility that axe-core finds on a page: name and elements of each."""
    source = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
    if not source.exists():
        said = "axe-core is not installed: scripts/dashboard installs it into web/node_modules"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    script = source.read_text()

    def run(page: Page) -> list[tuple[str, list[str]]]:
        # Evaluated, not added as an element: the page allows no script but its own.
        page.evaluate(script)
        found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
        return [(name, nodes) for name, nodes in found]

    return run
