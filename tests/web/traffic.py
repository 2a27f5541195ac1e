"""A small world that tests of the dashboard send through the door: eight days of two sites, the same each time."""

from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
    "Mobile/15E148 Safari/604.1"
)
PAGES = ("/", "/a", "/b", "/a", "/", "/c", "/item/1", "/item/2", "/item/3")
DAYS = 8


def visits(now: datetime) -> list[Event]:
    """Views of pages by 20 visitors, fewer each day back; a third on telephones, half of them from a search."""
    events = []
    for back in range(DAYS):
        day = now - timedelta(days=back)
        for visitor in range(20 - back):
            begin = day - timedelta(minutes=20 + visitor)
            for number in range(1 + visitor % 4):
                page = PAGES[(visitor + number + back) % len(PAGES)]
                site = "docs.example" if visitor % 5 == 0 else "shop.example"
                events.append({
                    "site": site, "category": "page", "action": "view",
                    "label": page.strip("/").partition("/")[0] or "home", "url": f"https://{site}{page}",
                    "user": f"u{visitor}", "language": "de" if visitor % 2 else "en",
                    "referrer": "https://www.google.com/" if number == 0 and visitor % 2 else "",
                    "user_agent": IPHONE if visitor % 3 == 0 else FIREFOX,
                    "time": (begin + timedelta(minutes=2 * number)).isoformat(timespec="milliseconds"),
                })  # fmt: skip
    return [{name: value for name, value in event.items() if value} for event in events]


def keys(now: datetime) -> list[Event]:
    """Ten views of `h5.pv.85`: seven of 41, three of 42."""
    return [
        {"site": "shop.example", "category": "h5", "action": "pv", "label": "85", "value": "41" if n < 7 else "42",
         "user": f"k{n % 4}", "time": now.isoformat(timespec="milliseconds")}
        for n in range(10)
    ]  # fmt: skip


def requests(now: datetime) -> list[Event]:
    """Request logs: they are no views of the overview."""
    return [
        {"topic": "request", "site": "shop.example", "category": "shop.example", "action": "GET", "label": "/api/items",
         "value": "500" if n % 10 == 0 else "200", "duration_ms": 5 + n, "bytes": 100 * n,
         "time": (now - timedelta(minutes=n)).isoformat(timespec="milliseconds")}
        for n in range(40)
    ]  # fmt: skip


def everything(now: datetime | None = None) -> list[Event]:
    """All of it. No event lies in the future or before the first of its days."""
    moment = now or datetime.now(UTC)
    return [*visits(moment), *keys(moment), *requests(moment)]
