"""What every page shares: its paths, size, filters and days in the link, themes, languages, keys, ledger."""

import gzip
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from eventmill.web import assets
from tests.acceptance.server import Server, ask
from tests.web.conftest import Seen, fits, settled

ROOT = Path(__file__).parents[2]
Axe = Callable[[Page], list[tuple[str, list[str]]]]
FIRST_PAINT_BYTES = 200_000


def test_the_server_and_the_browser_know_the_same_pages() -> None:
    source = (ROOT / "web/src/router.ts").read_text()
    assert tuple(re.findall(r'path: "([^"]+)", load', source)) == assets.PAGES


def test_each_text_is_there_in_both_languages() -> None:
    texts = ROOT / "web/src/i18n"
    names = {path.name for path in (texts / "en").iterdir()}
    assert names == {path.name for path in (texts / "zh").iterdir()}


def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (ROOT / "web/package-lock.json").read_text()


def test_scripts_before_the_first_paint_are_small(served: Server) -> None:
    """What the first page loads, charts aside, which come when the first chart is drawn: in bytes, packed."""
    static = resources.files("eventmill.web").joinpath("static")
    index = static.joinpath("index.html").read_text()
    wanted, loaded = set(re.findall(r"/static/([\w-]+\.js)", index)), set[str]()
    while wanted:
        name = wanted.pop()
        loaded.add(name)
        text = static.joinpath(name).read_text()
        wanted |= {found for found in re.findall(r'from"\./([\w-]+\.js)"', text) if found not in loaded}
    loaded |= {file.name for file in static.iterdir() if re.match(r"(en|Overview)-[\w-]+\.js", file.name)}
    packed = sum(len(gzip.compress(static.joinpath(name).read_bytes())) for name in loaded)
    assert 20_000 < packed < FIRST_PAINT_BYTES, sorted(loaded)
    assert not [file.name for file in static.iterdir() if file.name.endswith(".map")]


def test_files_are_kept_by_the_browser_and_packed(served: Server) -> None:
    page = ask(served.web_port, "/")
    name = re.findall(rb"/static/[\w-]+\.js", page.body)[0].decode()
    plain = ask(served.web_port, name)
    packed = ask(served.web_port, name, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.body) == plain.body
    assert "immutable" in plain.headers["cache-control"]
    assert page.headers["cache-control"] == "no-cache"
    assert ask(served.web_port, "/", headers={"If-None-Match": page.headers["etag"]}).status == 304


@pytest.mark.parametrize("path", ["/", "/events", "/live"])
def test_axe_finds_nothing(seen: Seen, axe: Axe, path: str) -> None:
    for scheme in ("light", "dark"):
        page = seen.open(path, color_scheme=scheme)
        page.wait_for_load_state("networkidle" if path != "/live" else "load")
        settled(page)
        assert axe(page) == []
    page.get_by_role("button", name="Add a filter").click()
    expect(page.get_by_label("Field")).to_be_visible()
    assert axe(page) == []


@pytest.mark.parametrize("path", ["/", "/events?key=page.view", "/live"])
def test_nothing_scrolls_sideways(seen: Seen, path: str) -> None:
    page = seen.open(path, width=390)
    settled(page)
    for width in (390, 768, 1024, 2200):
        page.set_viewport_size({"width": width, "height": 900})
        fits(page)
        expect(page.locator("nav.bottom")).to_be_visible(visible=width == 390)
        expect(page.locator("nav.rail")).to_be_visible(visible=width != 390)


def test_chinese(seen: Seen) -> None:
    page = seen.open("/", locale="zh-CN")
    expect(page).to_have_title("概览 · eventmill")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("status")).to_have_text("无丢失")
    page.locator(".topbar").get_by_role("button", name="语言").click()
    page.get_by_role("button", name="English").click()
    expect(page).to_have_title("Overview · eventmill")
    page.reload()
    expect(page).to_have_title("Overview · eventmill")
    for path in ("/events", "/live"):
        main = seen.open(path, locale="zh-CN").locator("main")
        settled(main)
        left = main.inner_text()
        assert not re.search(r"\b(common|overview|events|live)\.\w+", left)
        assert re.search(r"[\u4e00-\u9fff]", left)


def test_themes(seen: Seen) -> None:
    page = seen.open("/", color_scheme="dark")
    html = page.locator("html")
    expect(html).to_have_attribute("data-theme", "dark")
    page.keyboard.press("t")
    expect(html).to_have_attribute("data-theme", "light")
    page.reload()
    expect(html).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name="Switch to the dark theme").click()
    expect(html).to_have_attribute("data-theme", "dark")
    page.emulate_media(color_scheme="light")  # back at the system's choice, it is followed again
    expect(html).to_have_attribute("data-theme", "light")


def test_the_ledger_stands_on_every_page(seen: Seen, served: Server) -> None:
    total = served.api("ledger")["total"]
    for path in ("/", "/events", "/live", "/pipeline", "/settings"):
        page = seen.open(path)
        expect(page.locator(".topbar").get_by_role("status")).to_have_text("Nothing lost")
    page.get_by_role("button", name="Ledger of all events").click()
    shown = page.locator(".topbar dl").inner_text()
    for name in ("Received", "Stored", "Duplicate", "Rejected", "Queued"):
        assert re.search(rf"{name}\s+{total[name.lower()]:,}", shown), shown


def test_keys(seen: Seen) -> None:
    page = seen.open("/")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page).to_have_url(seen.base + "/events")
    expect(page.get_by_label("Search this level")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Search this level")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("body").click(position={"x": 700, "y": 880})
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("d")
    expect(page.get_by_label("From")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile("compare=previous"))


def test_an_unknown_path_is_no_page(seen: Seen, served: Server) -> None:
    assert ask(served.web_port, "/nowhere").status == 404


def test_days_are_in_the_link(seen: Seen) -> None:
    page = seen.open("/?from=2026-01-05&to=2026-01-06")
    expect(page.get_by_role("button", name=re.compile("Days: 5"))).to_be_visible()
    expect(page.get_by_text("No events in these days")).to_be_visible()
    page.get_by_role("button", name="30 days", exact=True).click()
    expect(page).to_have_url(seen.base + "/?range=30d")
    page.keyboard.press("d")
    page.get_by_label("From").fill("2026-02-01")
    page.get_by_label("To", exact=True).fill("2026-02-28")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(seen.base + "/?from=2026-02-01&to=2026-02-28")
    page.go_back()
    expect(page).to_have_url(seen.base + "/?range=30d")


def test_a_failed_question_says_so_and_is_asked_again(seen: Seen) -> None:
    page = seen.open("/")
    page.route("**/api/v1/top?*dimension=page*", lambda route: route.fulfill(
        status=503, content_type="application/problem+json", body='{"title":"Busy","detail":"too many questions"}',
    ))  # fmt: skip
    page.reload()
    card = page.locator(".card", has=page.get_by_role("heading", name="Pages"))
    expect(card.get_by_text("too many questions")).to_be_visible()
    expect(card.get_by_text("try again in a moment")).to_be_visible()
    page.unroute("**/api/v1/top?*dimension=page*")
    card.get_by_role("button", name="Try again").click()
    expect(card.locator("tbody tr").first).to_be_visible()
    assert seen.said.pop().endswith("503 (Service Unavailable)")  # the browser's own note of the refused question
