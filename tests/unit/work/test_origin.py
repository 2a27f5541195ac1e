"""Source and channel of events."""

import pytest

from eventmill.work import channels
from eventmill.work.enrich import Enrich
from eventmill.work.identity import Identify
from eventmill.work.origin import origin
from tests.unit.work.lines import batch

HERE = "https://shop.example/item/1"


@pytest.mark.parametrize(("event", "source", "channel"), [
    ({}, "", "direct"),
    ({"url": HERE}, "", "direct"),
    ({"url": HERE, "referrer": "https://shop.example/"}, "", "direct"),
    ({"url": HERE, "referrer": "https://www.Shop.example/x"}, "", "direct"),
    ({"url": HERE, "referrer": "https://other.example/x"}, "other.example", "referral"),
    ({"url": HERE, "referrer": "https://www.google.co.uk/search?q=x"}, "www.google.co.uk", "search"),
    ({"url": HERE, "referrer": "https://www.baidu.com/"}, "www.baidu.com", "search"),
    ({"url": HERE, "referrer": "https://tieba.baidu.com/p/1"}, "tieba.baidu.com", "social"),
    ({"url": HERE, "referrer": "https://mail.google.com/"}, "mail.google.com", "mail"),
    ({"url": HERE, "referrer": "https://mail.company.example/"}, "mail.company.example", "mail"),
    ({"url": HERE, "referrer": "https://l.facebook.com/"}, "l.facebook.com", "social"),
    ({"url": HERE, "referrer": "https://t.co/abc"}, "t.co", "social"),
    ({"url": HERE, "referrer": "https://t.com.au/abc"}, "t.com.au", "referral"),
    ({"url": HERE, "referrer": "https://notgoogle.com/"}, "notgoogle.com", "referral"),
    ({"url": HERE, "referrer": "https://google.com.evil.example/"}, "google.com.evil.example", "referral"),
    ({"url": HERE, "referrer": "android-app://com.google.android.gm/"}, "com.google.android.gm", "mail"),
    ({"url": f"{HERE}?utm_source=newsletter&utm_medium=email"}, "newsletter", "mail"),
    ({"url": f"{HERE}?utm_source=Newsletter"}, "Newsletter", "mail"),
    ({"url": f"{HERE}?utm_source=google&utm_medium=CPC"}, "google", "ad"),
    ({"url": f"{HERE}?utm_source=google"}, "google", "search"),
    ({"url": f"{HERE}?utm_source=facebook.com"}, "facebook.com", "social"),
    ({"url": f"{HERE}?utm_source=partner", "referrer": "https://www.bing.com/"}, "partner", "search"),
    ({"url": f"{HERE}?utm_source=partner"}, "partner", "referral"),
    ({"url": f"{HERE}?utm_medium=affiliate"}, "", "referral"),
    ({"url": f"{HERE}?utm_medium=organic"}, "", "search"),
    ({"url": f"{HERE}?a=1&gclid=x", "referrer": "https://www.google.com/"}, "www.google.com", "ad"),
    ({"url": f"{HERE}?msclkid=x"}, "", "ad"),
    ({"url": f"{HERE}?xgclid=x"}, "", "direct"),
    ({"url": f"{HERE}#gclid=x"}, "", "direct"),
    ({"site": "shop.example", "referrer": "https://shop.example/"}, "", "direct"),
    ({"site": "app", "referrer": "https://shop.example/"}, "shop.example", "referral"),
    ({"url": HERE, "referrer": "no url"}, "", "direct"),
])  # fmt: skip
def test_origins(event: dict[str, str], source: str, channel: str) -> None:
    for sent in ([event], [{}, event, {"url": HERE, "referrer": "https://x.example/"}]):
        rows = Enrich()(Identify()(batch(*sent))).frame.to_dicts()
        row = rows[min(1, len(rows) - 1)]
        assert (row["source"], row["channel"]) == (source, channel)


def test_no_origin_is_worked_out_twice() -> None:
    origin.cache_clear()
    sent = [{"url": f"{HERE}{number}", "referrer": f"https://google.com/{number}"} for number in range(500)]
    frame = Enrich()(Identify()(batch(*sent))).frame
    assert set(frame["channel"]) == {"search"}
    assert origin.cache_info().misses == 1


def test_the_lists_say_only_channels_and_are_lower_case() -> None:
    for table in (channels.MEDIUMS, channels.HOSTS, channels.DOMAINS, channels.NAMES):
        assert {*table.values()} <= {"search", "social", "mail", "ad", "referral"}
        assert all(key == key.lower() for key in table)
