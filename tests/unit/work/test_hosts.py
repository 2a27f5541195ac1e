"""Hosts of urls."""

import polars as pl
import pytest

from eventmill.work.hosts import with_host


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Shop.Example/a?b=https://other.example/", "shop.example"),
        ("https://shop.example", "shop.example"),
        ("https://user:pass@shop.example:8443/a", "shop.example"),
        ("http://localhost:3000/", "localhost"),
        ("http://[2001:DB8::1]:80/", "[2001:db8::1]"),
        ("android-app://com.example.app/", "com.example.app"),
        ("https://shop.example?a=1", "shop.example"),
        ("https://shop.example#top", "shop.example"),
        ("https://müller.example/ä", "müller.example"),
        ("https:///nothing", ""),
        ("//shop.example/", ""),
        ("shop.example/a", ""),
        ("", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    for others in ([], [""] * 20, [f"https://{number}.example/" for number in range(20)]):
        found = with_host(pl.DataFrame({"url": [*others, url]}), "url", "host")["host"]
        assert found[-1] == host
        assert found.to_list()[:-1] == [text.removeprefix("https://").removesuffix("/") for text in others]
