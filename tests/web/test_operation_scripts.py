"""Stored scripts: what clients send is text on every page of behaviour and operation, whatever field holds it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from tests.acceptance.server import Server, ask
from tests.web.conftest import Seen, fits, settled

CORPUS = (
    "<script>window.ran=1</script>", "<img src=x onerror=window.ran=1>", "\"><svg/onload=window.ran=1>",
    "'onmouseover='window.ran=1", "javascript:window.ran=1", "</title><script>window.ran=1</script>",
    "{{constructor.constructor('window.ran=1')()}}", "<iframe srcdoc='<script>parent.ran=1</script>'>", "=HYPERLINK(1)",
    "<style>*{background:red}</style>", "\u202e<b>x</b>", "${window.ran=1}",
)  # fmt: skip
TEXTS = (
    "category",
    "action",
    "label",
    "value",
    "session",
    "referrer",
    "user_agent",
    "language",
    "screen",
    "user",
    "site",
)


def hostile() -> list[dict[str, object]]:
    """Visits of two pages, requests and rejects, with every payload in every field."""
    now = datetime.now(UTC) - timedelta(minutes=5)
    events: list[dict[str, object]] = []
    for n, bad in enumerate(CORPUS):
        texts = dict.fromkeys(TEXTS, bad)
        for step in range(2):
            moment = (now + timedelta(seconds=step)).isoformat()
            # No url: the key is the page, so that the payload is a step of flows as it stands.
            events.append(
                {**texts, "label": f"{bad}{step}", "time": moment, "props": {bad: bad}, "id": f"{n}.{step}{bad}"[:64]}
            )
            events.append({**texts, "url": f"https://shop.example/{bad}{step}", "user": f"w{n}", "time": moment})
        events.append({**texts, "topic": "request", "duration_ms": 5, "bytes": 7, "time": now.isoformat()})
        events.append({**texts, "time": bad, "id": f"rejected {n} {bad}"[:64]})
    return events


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("hostile") / "data") as server:
        for event in hostile():
            assert server.post(event).status in (200, 400)
        server.drain()
        yield server


def silent(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.ran") is None
    assert page.locator("iframe, svg[onload], img[src=x], style:has-text('background:red')").count() == 0


def as_text(page: Page) -> int:
    """How many payloads the page shows as what they are: text."""
    shown = page.locator("body").inner_text()
    return sum(bad in shown for bad in CORPUS)


STEPS = quote(json.dumps([{"name": bad, "filters": [["is", "value", bad]]} for bad in CORPUS[:2]]))


@pytest.mark.parametrize("path", [
    "/flows?by=key", "/flows", f"/flows?start={quote(CORPUS[1])}&end={quote(CORPUS[0])}", f"/funnels?steps={STEPS}",
    "/retention", "/requests", "/requests?by=status", "/requests?by=method", "/pipeline",
    f"/pipeline?trace={quote(f'0.0{CORPUS[0]}')}", "/settings", "/settings?section=sites",
    f"/settings?section={quote(CORPUS[1])}", f"/signin?next={quote('javascript:window.ran=1')}",
    f"/pipeline?reason={quote(CORPUS[0])}&rtopic={quote(CORPUS[1])}",
])  # fmt: skip
def test_page(seen: Seen, path: str) -> None:
    page = seen.open(path)
    silent(page)
    for button in page.get_by_role("button", name="What to do with this card").all():
        button.click()
        page.get_by_role("button", name="Save as CSV").wait_for()
        table = page.get_by_role("button", name="Show as table")
        if table.count():
            table.click()
        else:
            page.keyboard.press("Escape")
    silent(page)


CHARTS = ("time", "pages", "sources", "countries", "browsers", "events", "flows", "requests")


@pytest.fixture(scope="module")
def frame(served: Server) -> str:
    """Where the charts of a share are."""
    body = json.dumps({"name": "frames"})
    made = ask(served.web_port, "/api/v1/shares", body, {"Content-Type": "application/json"})
    return str(json.loads(made.body)["embed"])


@pytest.mark.parametrize("chart", CHARTS)
def test_charts_in_a_frame(seen: Seen, frame: str, chart: str) -> None:
    page = seen.open(f"{frame}{chart}?range=30d")
    settled(page)
    silent(page)
    if chart == "events":
        assert as_text(page) > 0


@pytest.mark.parametrize("bad", [CORPUS[0], CORPUS[1], CORPUS[4]])
def test_addresses_of_frames_that_somebody_sends(seen: Seen, frame: str, bad: str) -> None:
    text = quote(bad, safe="")
    given = f"lang={text}&range={text}&start={text}&end={text}&site={text}&key={text}&f=is:browser:{text}"
    for path in (f"{frame}flows?{given}", f"{frame}pages?{given}", f"{frame}{text}?{given}", f"/embed?token={text}"):
        silent(seen.open(path))


@pytest.mark.parametrize("bad", CORPUS)
def test_addresses_of_the_sign_in(seen: Seen, bad: str) -> None:
    silent(seen.open(f"/signin?next={quote(bad, safe='')}&f=is:browser:{quote(bad, safe='')}"))


@pytest.mark.parametrize(
    "path", ["/flows?by=key", "/requests", "/pipeline", f"/pipeline?trace={quote(f'0.0{CORPUS[0]}')}"]
)
def test_long_names_do_not_widen_a_phone(seen: Seen, path: str) -> None:
    page = seen.open(path, width=390)
    page.wait_for_load_state("networkidle")
    fits(page)


def test_they_are_there_as_text(seen: Seen) -> None:
    """The pages above would prove nothing if they showed none of it."""
    page = seen.open("/requests")
    page.get_by_role("region", name="Routes").locator("tbody tr").nth(len(CORPUS) - 1).wait_for()
    assert as_text(page) == len(CORPUS)
    page = seen.open("/pipeline?reason=invalid_time")
    page.get_by_role("button", name="Open: invalid_time").first.click()
    page.get_by_label("As it came").wait_for()
    silent(page)
    assert CORPUS[-1] in page.get_by_label("As it came").inner_text()


def test_a_csv_has_no_formula(seen: Seen) -> None:
    page = seen.open("/requests")
    page.get_by_role("button", name="What to do with this card: Routes", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert "'=HYPERLINK(1)" in text
    assert "\n=HYPERLINK" not in text
