"""The pages of behaviour and operation in both themes, both languages and on a phone: nothing scrolls sideways, axe
finds nothing, the console stays silent, no text is missing."""

import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Seen, fits, settled

STEPS = quote(
    json.dumps([{"name": "Home", "filters": [["is", "page", "/"]]}, {"name": "A", "filters": [["is", "page", "/a"]]}])
)
PAGES = {
    "flows": "/flows", "funnels": f"/funnels?steps={STEPS}", "retention": "/retention", "requests": "/requests",
    "pipeline": "/pipeline", "start": "/settings", "keys": "/settings?section=keys",
    "goals": "/settings?section=goals", "alerts": "/settings?section=alerts", "topics": "/settings?section=topics",
    "shares": "/settings?section=shares", "signin": "/signin",
}  # fmt: skip
LOOKS = {
    "wide and light": {"width": 1440},
    "phone, dark, Chinese": {"width": 390, "color_scheme": "dark", "locale": "zh-CN"},
}
KEY = re.compile(r"\b(flows|funnels|retention|requests|pipeline|settings|signin|embed|common)\.[a-z]\w+\b")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_page(seen: Seen, axe: Callable[[Page], list[tuple[str, list[str]]]], name: str, look: str) -> None:
    page = seen.open(PAGES[name], **LOOKS[look])
    page.wait_for_load_state("networkidle")
    settled(page)
    fits(page)
    assert axe(page) == []
    text = page.locator("body").inner_text()
    assert not KEY.search(text), KEY.search(text)
    chinese = len(re.findall(r"[一-鿿]", text))
    assert (chinese > 20) if "locale" in LOOKS[look] else (chinese <= len("中文"))
    expect(page.locator(".bad.state, .node.bad")).to_have_count(0)
