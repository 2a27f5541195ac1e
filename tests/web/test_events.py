"""The key tree and the live page."""

import re

from playwright.sync_api import expect

from tests.acceptance.server import Server, until
from tests.web.conftest import Seen
from tests.web.test_overview import card, days, rows


def test_a_level_at_a_time(seen: Seen, served: Server) -> None:
    page = seen.open("/events")
    for depth, (part, title) in enumerate(
        (("h5", "Categories"), ("pv", "Actions"), ("85", "Labels"), ("41", "Values"))
    ):
        above = dict(zip(("category", "action", "label"), ("h5", "pv", "85")[:depth], strict=False))
        level = ("category", "action", "label", "value")[depth]
        wanted = served.api("top", **days(), **above, dimension=level)["data"]
        assert [row[2:4] for row in rows(card(page, title))] == [[f"{w['uv']:,}", f"{w['pv']:,}"] for w in wanted]
        card(page, title).get_by_role("link", name=part, exact=True).click()
    expect(page).to_have_url(seen.base + "/events?key=h5.pv.85.41")
    expect(page.get_by_text("This is a whole key")).to_be_visible()
    expect(page.locator(".sums .sum").nth(1)).to_have_text("7")
    page.go_back()
    assert [[row[0], row[3]] for row in rows(card(page, "Values"))] == [["41", "7"], ["42", "3"]]
    page.get_by_role("navigation", name="Key", exact=True).get_by_role("link", name="All events").click()
    expect(page).to_have_url(seen.base + "/events")


def test_the_level_is_searched_and_broken_down(seen: Seen, served: Server) -> None:
    page = seen.open("/events?key=page.view")
    page.get_by_label("Search this level").fill("ite")
    expect(card(page, "Labels").locator("tbody tr")).to_have_count(1)
    assert rows(card(page, "Labels"))[0][0] == "item"
    page.get_by_role("combobox", name="Broken down by").select_option("browser")
    expect(page).to_have_url(re.compile("by=browser"))
    wanted = served.api("top", **days(), category="page", action="view", dimension="browser")["data"]
    expect(card(page, "Broken down by").locator("tbody tr")).to_have_count(len(wanted))
    expect(card(page, "Broken down by").locator("tbody tr").first).to_contain_text(wanted[0]["value"])


def test_rows_have_a_line_of_their_days(seen: Seen) -> None:
    page = seen.open("/events")
    expect(card(page, "Categories").locator("svg.spark path.line").first).to_be_attached()


def test_arrows_move_in_a_table(seen: Seen) -> None:
    page = seen.open("/events")
    links = card(page, "Categories").locator("a.name")
    links.first.focus()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("key="))


def test_live(seen: Seen, served: Server) -> None:
    page = seen.open("/live")
    expect(page.get_by_text("Connected")).to_be_visible()
    served.post([{"site": "live.example", "category": "now", "action": "here", "user": "somebody"}])
    row = page.locator(".stream tbody tr").first
    expect(row).to_contain_text("now.here")
    expect(row).to_contain_text("live.example")
    # Who came five minutes ago goes while the page is looked at, so both are asked until they agree.
    big = page.locator(".big")
    until(lambda: big.inner_text() == f"{served.api('visitors', minutes='5')['visitors']:,}", "the visitors of now")
    page.get_by_role("button", name="Pause").click()
    served.post([{"site": "live.example", "category": "later"}])
    expect(page.get_by_text("1 event waiting")).to_be_visible(timeout=10_000)
    expect(page.locator(".stream")).not_to_contain_text("later")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".stream tbody tr").first).to_contain_text("later")
    page.locator(".stream").get_by_role("link", name="now.here").click()
    expect(page).to_have_url(seen.base + "/events?key=now.here")
