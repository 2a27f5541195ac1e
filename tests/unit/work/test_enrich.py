"""What follows from an event and its request."""

from zoneinfo import ZoneInfo

import pytest

from eventmill.topics import with_defaults
from eventmill.work.pipeline import pure_steps
from tests.unit.work.lines import batch

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Mobile/15E148 Safari/604.1"
)


def enriched(event: dict, topic: str = "event", **head: str) -> dict:
    made = batch(event, topic=topic, **head)
    for step in pure_steps(with_defaults({}), ZoneInfo("UTC"))[1]:
        made = step(made)
    (row,) = made.frame.to_dicts()
    return row


def test_the_events_own_fields_win_over_the_requests() -> None:
    own = {"user_agent": "own", "ip": "1.1.1.0", "user": "u", "url": "http://own/", "_v": "visitor"}
    row = enriched(own, ip="2.2.2.0", ua="other", page="http://page/")
    assert [row[name] for name in ("user_agent", "ip", "user", "url")] == ["own", "1.1.1.0", "u", "http://own/"]
    row = enriched({"_v": "visitor"}, ip="2.2.2.0", ua="other", page="http://page/")
    assert [row[name] for name in ("user_agent", "ip", "user", "url")] == [
        "other",
        "2.2.2.0",
        "visitor",
        "http://page/",
    ]


@pytest.mark.parametrize(
    ("agent", "browser", "system", "device", "bot"),
    [
        (CHROME, "Chrome", "Linux", "desktop", False),
        (IPHONE, "Mobile Safari", "iOS", "mobile", False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", "Other", "bot", True),
        ("curl/8.0", "curl", "Other", "bot", True),
        ("", "", "", "", False),
    ],
)
def test_user_agents(agent: str, browser: str, system: str, device: str, bot: bool) -> None:
    row = enriched({"user_agent": agent})
    assert (row["browser"], row["device"], row["bot"]) == (browser, device, bot)
    assert row["os"] in (system, "")


@pytest.mark.parametrize(
    ("url", "campaign"),
    [
        ("http://s/?utm_campaign=spring", "spring"),
        ("http://s/?a=1&utm_campaign=two+words%21#x", "two words!"),
        ("http://s/?utm_campaign=%C3%BC", "ü"),
        ("http://s/?utm_campaign=%ff", "\ufffd"),
        ("http://s/?utm_campaign=", ""),
        ("http://s/?xutm_campaign=no", ""),
        ("http://s/#utm_campaign=no", ""),
    ],
)
def test_campaigns(url: str, campaign: str) -> None:
    assert enriched({"url": url})["utm_campaign"] == campaign


def test_site_and_category_have_defaults() -> None:
    assert enriched({"url": "https://Shop.example:8443/x"})["site"] == "shop.example"
    assert enriched({"url": "https://a/", "site": "given"})["site"] == "given"
    assert enriched({})["site"] == ""
    assert enriched({}, topic="log")["category"] == "log"
    assert enriched({"category": ""})["category"] == "event"


def test_a_bot_among_others_is_flagged_alone() -> None:
    made = batch({"user_agent": CHROME}, {"user_agent": "curl/8"}, {})
    for step in pure_steps(with_defaults({}), ZoneInfo("UTC"))[1]:
        made = step(made)
    assert made.frame["bot"].to_list() == [False, True, False]
