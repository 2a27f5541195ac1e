"""The pictures of README and docs: `python -m scripts.pictures http://127.0.0.1:8090`, of a running `make demo`.

Needs Chromium (`python -m scripts.services`). What it takes is 1440 × 900; look at each before you commit it.
"""

import json
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs/images"
MOST_BYTES = 250_000


@dataclass(frozen=True)
class Picture:
    """A page in a theme; `{id}` in its path is an event's id. `shown` is what it must have before it is taken."""

    name: str
    path: str
    shown: str
    theme: str = "light"


PICTURES = (
    Picture("overview", "/", ".figures .value"),
    Picture("overview-dark", "/", ".figures .value", "dark"),
    Picture("events", "/events?key=page.view&by=browser", ".tree a", "dark"),
    Picture("flows", "/flows", "canvas"),
    Picture("pipeline", "/pipeline?trace={id}", ".node .steps"),
)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    base = sys.argv[1].rstrip("/")
    identity = stored(base)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for picture in PICTURES:
            context = browser.new_context(
                viewport={"width": 1440, "height": 900}, color_scheme=picture.theme, locale="en-GB",  # type: ignore[arg-type]
                reduced_motion="reduce", timezone_id="UTC",
            )  # fmt: skip
            page = context.new_page()
            page.goto(base + picture.path.format(id=identity))
            take(page, picture)
            context.close()
        browser.close()
    return 0


def stored(base: str) -> str:
    """The id of an event that is stored: an order of the demo."""
    body = json.dumps({"query": "SELECT id FROM events WHERE topic = 'order' AND id != '' ORDER BY time DESC LIMIT 1"})
    request = urllib.request.Request(f"{base}/api/v1/sql", body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["data"][0][0])


def take(page: Page, picture: Picture) -> None:
    """Waits until everything is drawn, and for a rate to be measured."""
    page.locator(picture.shown).first.wait_for(timeout=60_000)
    expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=60_000)
    page.wait_for_timeout(1_000)
    file = FOLDER / f"{picture.name}.png"
    size = len(page.screenshot(path=file, scale="css"))
    print(f"{file.relative_to(FOLDER.parents[1])}  {size:,} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"{file.name} has more than {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
