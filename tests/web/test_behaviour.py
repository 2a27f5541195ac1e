"""Flows, funnels and retention: their figures are the API's, and what is chosen stands in the address."""

import json
import re
import struct
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.server import Server, until
from tests.web.conftest import Seen, settled

STEPS = [
    {"name": "Home", "filters": [["is", "page", "/"]]},
    {"name": "An item", "filters": [["starts_with", "page", "/item/"]]},
]


_FIND = "performance.getEntriesByType('resource').map(e => e.name).find(n => /[?&]from=/.test(n)) ?? ''"


def days(page: Page) -> dict[str, str]:
    """The range of the page, as the API's parameters: those of the first question that it asked."""
    until(lambda: page.evaluate(_FIND), "a question with days")
    query = parse_qs(urlsplit(page.evaluate(_FIND)).query)
    return {"from": query["from"][0], "to": query["to"][0]}


def rows(page: Page, label: str) -> list[list[str]]:
    """The cells of a table, by the name of its region, once they are those of the question that it asks now."""
    expect(page.get_by_role("region", name=label, exact=True)).to_have_attribute("aria-busy", "false")
    body = page.get_by_role("region", name=label, exact=True).locator("tbody tr")
    expect(body.first).to_be_visible()
    return [body.nth(n).locator("th, td").all_inner_texts() for n in range(body.count())]


def as_table(page: Page, title: str) -> list[list[str]]:
    page.get_by_role("button", name=f"What to do with this card: {title}", exact=True).click()
    page.get_by_role("button", name="Show as table").click()
    return rows(page, title)


def test_flows_show_the_links_that_the_api_has(seen: Seen, served: Server) -> None:
    page = seen.open("/flows")
    answer = served.api("flows", **days(page))
    assert answer["links"]
    expect(page.get_by_text(f"{answer['sessions']} visits").first).to_be_visible()
    expect(page.get_by_role("img", name=f"{answer['sessions']} visits")).to_be_visible()
    shown = as_table(page, "Flows")
    assert [(int(step) - 1, begin, end, int(n)) for step, begin, end, n, _ in shown] == [
        (link["step"], link["from"], link["to"], link["sessions"]) for link in answer["links"]
    ]


def test_flows_from_a_page_stand_in_the_address(seen: Seen, served: Server) -> None:
    page = seen.open("/flows")
    page.get_by_label("From", exact=True).fill("/a")
    page.get_by_label("From", exact=True).press("Enter")
    expect(page.get_by_text("What visits do after /a.")).to_be_visible()
    expect(page).to_have_url(re.compile("start=/a"))
    answer = served.api("flows", **days(page), start="/a")
    expect(page.get_by_text(f"{answer['sessions']} visits").first).to_be_visible()
    page.go_back()
    expect(page.get_by_text("The ways through the pages")).to_be_visible()


def test_what_is_being_typed_stays_while_figures_arrive(seen: Seen) -> None:
    page = seen.open("/flows")
    page.wait_for_load_state("networkidle")
    page.get_by_label("To", exact=True).fill("/b")
    with page.expect_response("**/api/v1/flows*"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # refreshes, as every half minute does
    page.wait_for_load_state("networkidle")
    expect(page.get_by_label("To", exact=True)).to_have_value("/b")


def test_a_funnel_is_its_link(seen: Seen, served: Server) -> None:
    text = json.dumps(STEPS)
    page = seen.open(f"/funnels?steps={quote(text)}")
    first, last = served.api("funnel", **days(page), steps=text)["data"]
    assert first["visitors"] > last["visitors"] > 0
    left = first["visitors"] - last["visitors"]
    expect(page.get_by_text(f"{left} visitors left after “Home”")).to_be_visible()
    assert as_table(page, "Funnel")[1][:2] == ["An item", str(last["visitors"])]


def test_steps_are_built_on_the_page(seen: Seen) -> None:
    page = seen.open("/funnels")
    expect(page.get_by_text("A funnel has 2 to 10 steps")).to_be_visible()
    for number, value in ((0, "/"), (1, "/a")):
        box = page.get_by_label("Value", exact=True).nth(number)
        box.fill(value)
        box.press("Enter")
    expect(page.get_by_text("go all the way")).to_be_visible()
    asked = json.loads(parse_qs(urlsplit(page.url).query)["steps"][0])
    assert [step["filters"] for step in asked] == [[["is", "page", "/"]], [["is", "page", "/a"]]]
    page.get_by_role("button", name="Move step 1 down").click()
    expect(page.get_by_label("Value", exact=True).first).to_have_value("/a")


@pytest.mark.parametrize(
    ("title", "path"), [("Funnel", f"/funnels?steps={quote(json.dumps(STEPS))}"), ("Retention", "/retention")]
)
def test_what_is_no_canvas_is_saved_as_it_looks(seen: Seen, title: str, path: str) -> None:
    page = seen.open(path)
    settled(page)
    sizes = []
    for as_shown in (True, False):
        if not as_shown and title == "Funnel":
            as_table(page, title)
        page.get_by_role("button", name=f"What to do with this card: {title}", exact=True).click()
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as PNG").click()
        content = saved.value.path().read_bytes()
        assert content.startswith(b"\x89PNG")
        sizes.append(struct.unpack(">II", content[16:24]))
    # Bars are wider than their table; a heat map has a column for each period.
    assert sizes[0][0] == (2 * 960 if title == "Funnel" else sizes[1][0])
    assert min(sizes[0]) > 200


def test_goals_show_their_conversion(seen: Seen, served: Server) -> None:
    page = seen.open("/settings?section=goals")
    page.get_by_label("Name", exact=True).fill("Saw an item")
    page.get_by_label("Condition", exact=True).select_option("starts_with")
    page.get_by_label("Value", exact=True).fill("/item/")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Saw an item is added.")).to_be_visible()
    page = seen.open("/funnels")
    expect(page.get_by_role("cell", name="Saw an item")).to_be_visible()
    (goal,) = served.api("goals/report", **days(page))["data"]
    assert goal["visitors"] > 0
    assert rows(page, "Goals")[0][2:] == [str(goal["visitors"]), str(goal["conversions"]), f"{goal['rate']:.1%}"]


def test_retention_has_the_percent_in_each_cell(seen: Seen, served: Server) -> None:
    page = seen.open("/retention")
    cohorts = served.api("retention", **days(page), interval="day", periods="7")["data"]
    shown = rows(page, "Retention")
    assert len(shown) == 1 + len([row for row in cohorts if row["visitors"]])
    for row, cells in zip([row for row in cohorts if row["visitors"]], shown[1:], strict=True):
        assert cells[1] == str(row["visitors"])
        wanted = [f"{count / row['visitors']:.1%}" for count in row["returned"]]
        assert [cell for cell in cells[2:] if cell] == wanted
    page.get_by_role("button", name="Weeks").click()
    expect(page.get_by_role("columnheader", name="Week 0")).to_be_visible()
    expect(page).to_have_url(re.compile("by=week"))
