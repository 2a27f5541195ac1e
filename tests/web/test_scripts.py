"""Stored scripts on the overview, the key tree and the live page: shown as text, in every field, and in links too."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.server import Server
from tests.web.conftest import Seen, settled
from tests.web.test_operation_scripts import CORPUS, as_text, hostile, silent
from tests.web.test_overview import card


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("hostile") / "data") as server:
        for event in hostile():
            assert server.post(event).status in (200, 400)
        server.drain()
        yield server


def test_every_list_of_the_overview(seen: Seen) -> None:
    page = seen.open("/?compare=previous")
    silent(page)
    settled(page)
    assert as_text(page) >= 8  # ten rows a list
    for group in page.locator(".tabs").all():
        for tab in group.get_by_role("button").all():
            tab.click()
        silent(page)
    keys = card(page, "Keys")
    keys.get_by_role("button", name="Whole key").click()
    keys.get_by_role("button", name="More", exact=True).click()
    expect(page.get_by_role("dialog").locator("tbody tr").nth(11)).to_be_visible()
    silent(page)
    page.get_by_role("dialog").get_by_label("Search").fill(CORPUS[0][:8])
    silent(page)


def test_the_key_tree_and_its_path(seen: Seen) -> None:
    page = seen.open("/events")
    expect(card(page, "Categories").locator("tbody tr").nth(len(CORPUS) - 1)).to_be_visible()
    assert as_text(page) == len(CORPUS)
    for title in ("Categories", "Actions", "Labels"):
        card(page, title).locator("a.name").first.click()
        silent(page)
    page.get_by_role("combobox", name="Broken down by").select_option("user")
    silent(page)


@pytest.mark.parametrize("bad", [CORPUS[0], CORPUS[1], CORPUS[4]])
def test_links_that_somebody_sends(seen: Seen, bad: str) -> None:
    text = quote(bad, safe="")
    query = f"f=is:browser:{text}&f=contains:props.{text}:{text}&site={text}&key={text}&metric={text}"
    for path in ("/", "/events", "/live"):
        page = seen.open(f"{path}?{query}")
        silent(page) if path != "/live" else page.wait_for_timeout(500)
        expect(page.locator(".topbar")).to_contain_text(bad)
        assert page.evaluate("window.ran") is None


def test_the_stream(seen: Seen, served: Server) -> None:
    page = seen.open("/live")
    expect(page.get_by_text("Connected")).to_be_visible()
    for bad in CORPUS:
        event = dict.fromkeys(("category", "action", "label", "site", "referrer", "user_agent"), bad)
        served.post({**event, "url": f"https://shop.example/{bad}"})
    expect(page.locator(".stream tbody tr")).to_have_count(len(CORPUS))
    assert page.evaluate("window.ran") is None
    assert page.locator("iframe, svg[onload], img[src=x]").count() == 0
    assert as_text(page) >= 8
