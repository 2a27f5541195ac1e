"""Requests: counts, errors and latencies are the API's."""

import re

from playwright.sync_api import expect

from tests.acceptance.server import Server
from tests.web.conftest import Seen
from tests.web.test_behaviour import as_table, days, rows


def test_figures_and_routes(seen: Seen, served: Server) -> None:
    page = seen.open("/requests")
    answer = served.api("requests", **days(page), by="route")
    total, (route,) = answer["total"], answer["data"]
    assert (total["count"], total["errors"]) == (40, 4)
    expect(page.locator("dl.figures")).to_contain_text("40")
    expect(page.locator("dl.figures")).to_contain_text("10.0%")
    cells = rows(page, "Routes")[0]
    assert (cells[0].strip(), cells[1], cells[4]) == (route["value"], "40", "4")
    assert cells[6].replace("\u202f", " ") == f"{round(route['p50'])} ms"
    drawn = page.get_by_role("img", name="40 requests, 4 of them errors")
    expect(drawn).to_be_visible()
    # One bar for each class of the answer.
    histogram = as_table(page, "Latency")
    assert [int(row[1]) for row in histogram] == [row["count"] for row in answer["histogram"]]


def test_by_status(seen: Seen, served: Server) -> None:
    page = seen.open("/requests")
    page.get_by_role("button", name="Status").click()
    expect(page.get_by_role("columnheader", name="Status")).to_be_visible()
    answer = served.api("requests", **days(page), by="status")
    wanted = [(row["value"], str(row["count"]), str(row["errors"])) for row in answer["data"]]
    assert [(row[0].strip(), row[1], row[4]) for row in rows(page, "Status")] == wanted
    # A value is a link that filters by it.
    page.get_by_role("link", name="500").click()
    expect(page.locator("dl.figures")).to_contain_text("100.0%")


def test_arrows_lead_through_the_rows(seen: Seen) -> None:
    """One stop of the Tab key for the whole table; Enter opens what has the focus."""
    page = seen.open("/requests?by=status")
    links = page.get_by_role("region", name="Status").locator("tbody a")
    expect(links).to_have_count(2)
    expect(links.first).to_have_attribute("tabindex", "0")
    expect(links.nth(1)).to_have_attribute("tabindex", "-1")
    links.first.focus()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    expect(links.nth(1)).to_have_attribute("tabindex", "0")
    expect(links.first).to_have_attribute("tabindex", "-1")
    page.keyboard.press("Home")
    expect(links.first).to_be_focused()
    page.keyboard.press("End")
    wanted = links.nth(1).inner_text().strip()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"f=is:value:{wanted}"))


def test_no_requests_says_how_to_send_some(seen: Seen) -> None:
    page = seen.open("/requests?site=nobody")
    expect(page.get_by_text("No requests in these days")).to_be_visible()
    expect(page.get_by_label("For example")).to_contain_text("/t/request")
