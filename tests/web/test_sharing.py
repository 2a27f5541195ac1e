"""Share links and frames: they show the same figures, to who has no more than the link, until it is removed."""

from playwright.sync_api import Page, expect

from tests.acceptance.server import Server
from tests.web.conftest import Seen
from tests.web.test_behaviour import days


def shared(page: Page, name: str) -> tuple[str, str]:
    """A new share, made on the page: the link's path and the frame's."""
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Add", exact=True).click()
    link = page.get_by_role("group", name=f"The link of {name}").inner_text()
    frame = page.get_by_role("group", name="One chart in a page of yours").inner_text()
    assert frame.startswith("<iframe ")
    path = frame.partition('src="')[2].partition('"')[0]
    return "/" + link.split("/", 3)[3], "/" + path.split("/", 3)[3]


def test_a_frame_shows_one_chart_until_the_share_is_removed(seen: Seen, served: Server) -> None:
    page = seen.open("/settings?section=shares")
    link, frame = shared(page, "partner")
    inside = seen.open(frame)
    expect(inside.get_by_role("heading", name="Visitors and views")).to_be_visible()
    expect(inside.get_by_role("img", name="Visitors")).to_be_visible()
    pages = seen.open(frame.replace("/time?", "/pages?"))
    use = '[["is_not","topic","request"],["is_not","topic","log"]]'  # logs are no pages
    most = served.api("top", **days(pages), dimension="page", limit="1", filters=use)["data"][0]
    expect(pages.locator("tbody tr").first).to_contain_text(most["value"])
    dashboard = seen.open(link)
    expect(dashboard).to_have_url(seen.base + "/")
    page.get_by_role("button", name="Remove: partner").click()
    page.get_by_role("button", name="Remove partner?").click()
    expect(page.get_by_text("No shares yet")).to_be_visible()


def test_a_chart_that_there_is_not(seen: Seen) -> None:
    page = seen.open("/settings?section=shares")
    _, frame = shared(page, "other")
    inside = seen.open(frame.replace("/time?", "/pie?"))
    expect(inside.get_by_text("There is no such chart")).to_be_visible()
