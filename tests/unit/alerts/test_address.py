"""Webhook URLs that would make this machine ask what only this machine reaches: every trick is refused."""

import pytest

from eventmill.alerts.address import Refused, checked_url, is_public, system_resolve, target

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.0.2.1",
    "198.18.0.1", "203.0.113.9", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1",
    "fec0::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "nothing", "",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.167.255.255", "2606:4700::1111", "2a00:1450:4001::200e"]
LOOPBACK_FORMS = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/",
    "http://017700000001/", "http://0177.0.0.1/", "http://0/", "http://[::1]/", "http://[::]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:7f00:0001]/",
    "https://169.254.169.254/latest/meta-data", "http://10.0.0.1:8090/", "http://[fe80::1]/",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_not_everybodys(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_everybodys(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", LOOPBACK_FORMS)
def test_an_address_in_any_form_is_refused_when_it_is_kept_and_when_it_is_asked(url: str) -> None:
    with pytest.raises(Refused, match="allow_private"):
        checked_url(url, allow_private=False)
    with pytest.raises(Refused, match="allow_private"):
        target(url, allow_private=False, resolve=system_resolve)
    assert checked_url(url, allow_private=True) == url


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "localhost."])
def test_a_name_of_this_machine_is_refused_when_it_is_asked(name: str) -> None:
    assert checked_url(f"http://{name}:9/x", allow_private=False)  # names are not looked up to be kept
    with pytest.raises((Refused, OSError)):
        target(f"http://{name}:9/x", allow_private=False, resolve=system_resolve)


def test_one_private_address_among_public_ones_is_enough() -> None:
    for answer in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["2606:4700::1111", "::ffff:10.0.0.1"]):
        with pytest.raises(Refused):
            target("https://hooks.example/", allow_private=False, resolve=lambda host, port, a=answer: a)


def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to() -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]  # what rebinding does

    found = target("https://hooks.example:8443/a/b?c=d", allow_private=False, resolve=resolve)
    assert found == (True, "hooks.example", 8443, "/a/b?c=d", "8.8.8.8")
    assert asked == [("hooks.example", 8443)]


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example", "//hooks.example/", "ftp://hooks.example/", "file:///etc/passwd", "gopher://x/", "http://",
        "https:///path", "http://user@hooks.example/", "http://user:pw@hooks.example/", "http://hooks.example:0/",
        "http://hooks.example:99999/", "http://hooks.example:x/", "http://hooks.example/\r\nHost: x", "http://a b/",
        "http://hooks.example\\@127.0.0.1/", "http://[::1", "http://[fe80::1%25eth0]/", "http://exämple/",
        "javascript:x",
        "http://8.8.8.8/" + "x" * 3000, "HTTP//x", "http://\x00/",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_webhook(url: str) -> None:
    for allow in (False, True):
        with pytest.raises(Refused):
            checked_url(url, allow_private=allow)


def test_a_name_without_an_address() -> None:
    with pytest.raises(OSError, match="no address"):
        target("https://hooks.example/", allow_private=False, resolve=lambda host, port: [])
    with pytest.raises(OSError, match="host"):
        system_resolve("x" * 70 + ".example", 80)
