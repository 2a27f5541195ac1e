"""The overview: its figures are the API's, a click filters, files hold what is shown."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.server import Server
from tests.web.conftest import Seen, settled

USE = [["is_not", "topic", "request"], ["is_not", "topic", "log"]]
ELSEWHERE = ["is_not", "source", ""]


def days(back: int = 6) -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"from": str(today - timedelta(days=back)), "to": str(today), "tz": "UTC"}


def card(page: Page, title: str) -> Locator:
    return page.locator(".card", has=page.get_by_role("heading", name=title, exact=True))


def rows(where: Locator) -> list[list[str]]:
    """The cells of a card's table as texts, once they are those of the question that the card asks now."""
    expect(where).to_have_attribute("aria-busy", "false")
    expect(where.locator("tbody tr").first).to_be_visible()
    return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in where.locator("tbody tr").all()]


def test_the_figures_are_the_summary(seen: Seen, served: Server) -> None:
    wanted = served.api("summary", **days())["data"]
    page = seen.open("/")
    shown = page.locator(".figures .value")
    expect(shown).to_have_count(5)
    expect(shown.nth(0)).to_have_text(f"{wanted['visitors']:,}")
    expect(shown.nth(1)).to_have_text(f"{wanted['views']:,}")
    expect(shown.nth(2)).to_have_text(f"{wanted['visits']:,}")
    expect(shown.nth(3)).to_have_text(f"{wanted['bounce_rate'] * 100:.1f}%")
    assert wanted["views"] > 100
    seconds = round(wanted["duration_s"])
    assert re.sub(r"\D+", " ", shown.nth(4).inner_text()).split() == [
        str(part) for part in (seconds // 60, seconds % 60) if part
    ]


def test_the_chart_is_the_series(seen: Seen, served: Server) -> None:
    wanted = served.api("series", **days(), interval="day", filters=json.dumps(USE))["data"]
    page = seen.open("/")
    chart = card(page, "Visitors and views")
    chart.get_by_role("button", name=re.compile("What to do")).click()
    chart.get_by_role("button", name="Show as table").click()
    assert rows(chart) == [[row["time"], f"{row['uv']:,}", f"{row['pv']:,}"] for row in wanted]
    assert sum(row["pv"] for row in wanted) > 100


@pytest.mark.parametrize(("title", "dimension", "more"), [
    ("Pages", "page", []), ("Sources", "source", [ELSEWHERE]), ("Keys", "category", []), ("Events", "action", []),
    ("Devices", "browser", []), ("Countries and languages", "language", []), ("Sites", "site", []),
])  # fmt: skip
def test_the_lists_are_rankings(seen: Seen, served: Server, title: str, dimension: str, more: list[list[str]]) -> None:
    wanted = served.api("top", **days(), dimension=dimension, filters=json.dumps([*USE, *more]))["data"]
    page = seen.open("/")
    shown = rows(card(page, title))
    assert len(shown) == min(10, len(wanted))
    assert [row[1:3] for row in shown] == [[f"{row['uv']:,}", f"{row['pv']:,}"] for row in wanted]
    assert [row[3] for row in shown] == [f"{row['share'] * 100:.1f}%" for row in wanted]


def test_a_row_filters_and_the_link_holds_it(seen: Seen, served: Server) -> None:
    page = seen.open("/")
    card(page, "Devices").get_by_role("link", name="Firefox").click()
    expect(page).to_have_url(seen.base + "/?f=is:browser:Firefox")
    wanted = served.api("summary", **days(), filters='[["is","browser","Firefox"]]')["data"]
    expect(page.locator(".figures .value").nth(1)).to_have_text(f"{wanted['views']:,}")
    assert wanted["views"] < served.api("summary", **days())["data"]["views"]
    again = seen.open("/?f=is:browser:Firefox")
    expect(again.locator(".figures .value").nth(1)).to_have_text(f"{wanted['views']:,}")
    page.get_by_role("button", name="Remove the filter Browser Firefox").click()
    expect(page).to_have_url(seen.base + "/")


def test_conditions_of_every_kind(seen: Seen, served: Server) -> None:
    page = seen.open("/")
    for field, op, value in (
        ("page", "contains", "item"),
        ("browser", "is_not", "Safari"),
        ("language", "in", "en, de"),
    ):
        page.get_by_role("button", name="Add a filter").first.click()
        page.get_by_label("Field").select_option(field)
        page.get_by_label("Condition").select_option(op)
        page.get_by_label("Value", exact=True).fill(value)
        page.get_by_label("Value", exact=True).press("Enter")
    asked = [["contains", "page", "item"], ["is_not", "browser", "Safari"], ["in", "language", ["en", "de"]]]
    wanted = served.api("summary", **days(), filters=json.dumps(asked))["data"]
    expect(page.locator(".figures .value").nth(1)).to_have_text(f"{wanted['views']:,}")
    assert 0 < wanted["views"] < 200
    page.reload()
    expect(page.locator(".chip")).to_have_count(3)
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator(".chip")).to_have_count(0)


def test_a_site(seen: Seen, served: Server) -> None:
    page = seen.open("/")
    page.get_by_role("button", name=re.compile("^Site")).click()
    page.get_by_role("button", name="docs.example").click()
    expect(page).to_have_url(seen.base + "/?site=docs.example")
    wanted = served.api("summary", **days(), site="docs.example")["data"]
    expect(page.locator(".figures .value").nth(1)).to_have_text(f"{wanted['views']:,}")
    expect(card(page, "Sites")).to_have_count(0)


def test_a_figure_chooses_what_the_chart_shows(seen: Seen, served: Server) -> None:
    page = seen.open("/")
    page.locator(".figures").get_by_role("button", name="Visits").click()
    expect(page).to_have_url(seen.base + "/?metric=visits")
    chart = card(page, "Visits")
    chart.get_by_role("button", name=re.compile("What to do")).click()
    chart.get_by_role("button", name="Show as table").click()
    wanted = served.api("sessions", **days(), interval="day", filters=json.dumps(USE))["data"]
    assert [row[1] for row in rows(chart)] == [f"{row['sessions']:,}" for row in wanted]


def test_24_hours_are_24_hours(seen: Seen, served: Server) -> None:
    page = seen.open("/")
    page.get_by_role("button", name="24 h", exact=True).click()
    expect(page).to_have_url(seen.base + "/?range=24h")
    expect(page.get_by_role("button", name="Days: Last 24 hours")).to_be_visible()
    chart = card(page, "Visitors and views")
    chart.get_by_role("button", name=re.compile("What to do")).click()
    chart.get_by_role("button", name="Show as table").click()
    shown = rows(chart)
    assert len(shown) == 24
    first, last = (datetime.fromisoformat(shown[place][0]) for place in (0, -1))
    assert (last - first, first.minute) == (timedelta(hours=23), 0)
    hours = {"from": shown[0][0], "to": shown[-1][0], "tz": "UTC"}
    wanted = served.api("series", **hours, interval="hour", filters=json.dumps(USE))["data"]
    assert shown == [[row["time"], f"{row['uv']:,}", f"{row['pv']:,}"] for row in wanted]
    assert sum(row["pv"] for row in wanted) > 0
    views = served.api("summary", **hours)["data"]["views"]
    expect(page.locator(".figures .value").nth(1)).to_have_text(f"{views:,}")
    page.goto(f"{seen.base}/retention?range=24h")  # whose cohorts are of days
    settled(page)
    expect(page.locator("main .state.bad")).to_have_count(0)


def test_dragging_over_hours_chooses_hours(seen: Seen) -> None:
    page = seen.open("/?range=24h")
    settled(page)
    box = card(page, "Visitors and views").get_by_role("img").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 100, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=[\d-]+T\d\d:00:00Z&to=[\d-]+T\d\d:00:00Z"))
    settled(page)
    expect(page.locator("main .state.bad")).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile(r"Days: .*\d\d:00 – .*\d\d:00"))).to_be_visible()


def test_dragging_over_the_chart_zooms(seen: Seen) -> None:
    page = seen.open("/?range=30d")
    settled(page)
    canvas = card(page, "Visitors and views").get_by_role("img")
    expect(canvas.locator("canvas")).to_be_visible()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 100, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d"))


def test_files(seen: Seen, served: Server) -> None:
    page = seen.open("/")
    pages = card(page, "Pages")
    shown = rows(pages)
    with page.expect_download() as saved:
        pages.get_by_role("button", name=re.compile("What to do")).click()
        pages.get_by_role("button", name="Save as CSV").click()
    lines = saved.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "Page,Visitors,Views,Share"
    assert [line.split(",")[:3] for line in lines[1:]] == [[row[0], row[1], row[2]] for row in shown]
    for where in (pages, card(page, "Visitors and views")):
        with page.expect_download() as saved:
            where.get_by_role("button", name=re.compile("What to do")).click()
            where.get_by_role("button", name="Save as PNG").click()
        assert saved.value.path().read_bytes().startswith(b"\x89PNG")


def test_more_of_a_list(seen: Seen, served: Server) -> None:
    page = seen.open("/")
    # Fewer than ten pages need no drawer; keys as a whole are more.
    keys = card(page, "Keys")
    keys.get_by_role("button", name="Whole key").click()
    assert len(rows(keys)) == min(
        10, len(served.api("top", **days(), dimension="key", filters=json.dumps(USE))["data"])
    )
    keys.get_by_role("link", name="h5.pv.85.41").click()
    expect(page).to_have_url(seen.base + "/events?key=h5.pv.85.41")


def test_print_shows_the_cards_alone(seen: Seen) -> None:
    page = seen.open("/", color_scheme="dark")
    page.emulate_media(media="print")
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.locator(".figures")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_first_event_is_seen_as_it_comes(seen: Seen, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Server(tmp_path_factory.mktemp("empty") / "data") as server:
        seen.base = f"http://127.0.0.1:{server.web_port}"
        page = seen.open("/")
        expect(page.get_by_text("Waiting for the first event")).to_be_visible()
        expect(page.get_by_text("Listening …")).to_be_visible()
        assert f":{server.collect_port}/eventmill.js" in page.locator("code").first.inner_text()
        assert server.pixel(category="page", action="view").status == 200
        expect(page.get_by_text("First event received")).to_be_visible(timeout=10_000)
        expect(page.locator(".figures .value").nth(1)).to_have_text("1")
        page.context.close()


@pytest.mark.parametrize(("locale", "shown"), [
    ("en-GB", ["99,999", "123 k", "4.56 M", "—", "1 h 1 m"]),
    ("zh-CN", ["99,999", "12.3万", "456万", "—", "1 小时 1 分"]),
])  # fmt: skip
def test_large_figures_are_short_and_exact_in_the_title(seen: Seen, locale: str, shown: list[str]) -> None:
    """No store of a test holds millions: the answer is changed on its way."""
    page = seen.open("/live", locale=locale)
    figures = {"visitors": 99_999, "views": 123_456, "visits": 4_560_000, "bounce_rate": None, "duration_s": 3_661.2}
    page.route("**/api/v1/summary?*", lambda route: route.fulfill(json={"data": figures, "before": figures}))
    page.goto(seen.base)
    expect(page.locator(".figures .value")).to_have_count(5)
    assert [text.replace("\u202f", " ") for text in page.locator(".figures .value").all_inner_texts()] == shown
    expect(page.locator(".figures .value").nth(2)).to_have_attribute("title", "4,560,000")
