"""Full addresses live only in memory; a visitor is a hash that dies with its day's salt."""

import json
import os
import stat
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventmill.collect.privacy import TrustedProxies, parse_address, scrub, truncate, truncate_text
from eventmill.collect.salts import Salts
from eventmill.collect.visitors import Visitors, host_of
from eventmill.settings import Collect
from tests.unit.collect.harness import Running, get, running

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("203.0.113.77:8080", "203.0.113.0"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1::"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        (" 203.0.113.77 ", "203.0.113.0"),
        ("::1", "::"),
        ("nonsense", ""),
        ("", ""),
        ("999.1.1.1", ""),
    ],
)
def test_truncation(text: str, cut: str) -> None:
    assert truncate_text(text) == cut


@given(st.ip_addresses(), st.sampled_from(["{}", "x {} y", '"{}"', "a={}&b", "[{}]", "({}),", "ip: {}."]))
def test_scrub_leaves_no_address(address: object, around: str) -> None:
    text = around.format(address)
    cut = truncate(parse_address(str(address)))  # type: ignore[arg-type]
    scrubbed = scrub(text)
    if str(address) != cut and not str(address).startswith("::ffff:"):
        assert str(address) not in scrubbed.replace(cut, "#")


def test_scrub_leaves_other_text_alone() -> None:
    for text in (
        "12:30:45",
        "2026-11-21T12:30:45.123Z",
        "v1.2.3",
        "face::book",
        "std::cafe",
        "https://x.example/p",
        "1.2",
        "{}",
        "::",
    ):
        assert scrub(text) == text
    assert scrub("203.0.113.77 and 2001:db8:1:2::3, 10.0.0.1") == "203.0.113.0 and 2001:db8:1::, 10.0.0.0"


def test_trusted_proxies() -> None:
    proxies = TrustedProxies(["10.0.0.0/8", "fd00::/8"])
    proxy, stranger = ip_address("10.0.0.1"), ip_address("198.51.100.9")
    assert proxies.client(stranger, "203.0.113.7") == stranger
    assert proxies.client(proxy, "203.0.113.7") == ip_address("203.0.113.7")
    assert proxies.client(proxy, "1.1.1.1, 203.0.113.7, 10.2.2.2") == ip_address("203.0.113.7")
    assert proxies.client(proxy, "1.1.1.1, garbage, 10.2.2.2") == ip_address("10.2.2.2")
    assert proxies.client(proxy, "[2001:db8::7]:1234") == ip_address("2001:db8::7")
    assert proxies.client(proxy, "") == proxy
    assert proxies.client(None, "1.1.1.1") is None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Shop.Example/p?q#f", "shop.example"),
        ("https://user:pw@shop.example:8443/", "shop.example"),
        ("//cdn.example/x", "cdn.example"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("https://shop.example?x=//other", "shop.example"),
        ("/path/only", ""),
        ("", ""),
        ("mailto:a@b", ""),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host


def test_salts_are_shared_private_and_destroyed(tmp_path: Path) -> None:
    folder = tmp_path / "salts"
    first, second = Salts(folder), Salts(folder)
    assert first.tick(10 * DAY)
    assert second.tick(10 * DAY + 5)
    assert first.value == second.value
    assert len(first.value) == 32
    (path,) = folder.glob("1970*")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    os.link(path, tmp_path / "kept")
    assert not first.tick(10 * DAY + 60)
    yesterday = first.value
    assert second.tick(11 * DAY)
    assert second.value != yesterday
    assert first.value == yesterday
    assert first.tick(11 * DAY + 1)
    assert first.value == second.value
    assert [path.name for path in folder.glob("1970*")] == ["1970-01-12"]
    assert (tmp_path / "kept").read_bytes() != yesterday, "overwritten, not only unlinked"


def test_a_clock_that_steps_back_gets_a_new_salt_and_destroys_nothing_newer(tmp_path: Path) -> None:
    salts = Salts(tmp_path)
    salts.tick(11 * DAY)
    today = salts.value
    assert salts.tick(10 * DAY)
    assert salts.value != today
    assert salts.tick(11 * DAY)
    assert salts.value == today


def test_a_cut_salt_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "1970-01-11").write_bytes(b"short")
    salts = Salts(tmp_path)
    salts.tick(10 * DAY)
    assert len(salts.value) == 32


def test_visitors(tmp_path: Path) -> None:
    salts = Salts(tmp_path)
    visitors = Visitors(salts)
    visitors.tick(10 * DAY)
    one = visitors.of("shop", "203.0.113.7", "UA")
    assert len(one) == 16
    assert one == visitors.of("shop", "203.0.113.7", "UA")
    others = {visitors.of("blog", "203.0.113.7", "UA"), visitors.of("shop", "203.0.113.8", "UA")}
    assert one not in others | {visitors.of("shop", "203.0.113.7", "UB")}
    visitors.tick(11 * DAY)
    assert one != visitors.of("shop", "203.0.113.7", "UA")


@pytest.fixture
def behind_proxy(tmp_path: Path):
    with running(tmp_path, Collect(trusted_proxies=["127.0.0.0/8"])) as door:
        yield door


FORWARDED = b"X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.77\r\nUser-Agent: UA\r\n"


def test_no_full_address_reaches_the_writer(behind_proxy: Running) -> None:
    door = behind_proxy
    address = "203.0.113.77"
    v6 = "2001:db8:1:2:3:4:5:6"
    escaped = address.replace("1", "\\u0031")
    bodies = [
        f'{{"ip":"{address}"}}',
        f'{{"ip":"{v6}"}}',
        f'{{"ip":"{address}:80","unknown":1}}',
        f'{{"ip":"not {address}"}}',
        f'{{"props":{{"ip":"{address}"}}}}',
        f'{{"props":{{"context":{{"ip":"{v6}"}}}}}}',
        f'{{"context":{{"ip":"{address}"}}}}',
        f'{{"context":{{"device":[{{"\\u0069p":"{address}"}}]}}}}',
        f'{{"ip_address":"{address}","remote_addr":"{v6}","client_ip":"{address}"}}',
        f'{{"x_forwarded_for":"{address}, {v6}, 10.1.2.3"}}',
        f'{{"X-Forwarded-For":["{address}","{v6}"],"remoteAddr":"{address}"}}',
        f'{{"props":"{{\\"clientIp\\":\\"{address}\\"}}"}}',
        f'{{"ip":"{address}"',
        f'{{"bytes":-1,"note":"from {address} or {v6}"}}',
        f"ip={address}&client_ip={v6}",
        f"ip={v6.replace(':', '%3A')}",
        f'{{"\\u0069p":"{escaped}"}}',
        f'{{"a":"\xff","ip":"{address}"}}',
    ]
    for path in ("/e", "/financial_pro"):
        for body in bodies:
            assert door.post(path, body.encode("latin-1"), FORWARDED).status in {200, 400}
    assert door.get(f"/event.gif?ip={address}&client_ip={v6}", FORWARDED).status == 200
    escaped = f"ip=%32%30%33.0.113.77&client_ip={v6.replace(':', '%3A')}"
    assert door.get(f"/event.gif?topic=financial_pro&{escaped}", FORWARDED).status == 200
    written = door.queue.everything
    assert b"203.0.113.0" in written
    for secret in (address, v6, "10.1.2.3", "198.51.100.1", "127.0.0.1"):
        assert secret.encode() not in written, secret


def test_forwarded_addresses_make_different_visitors(behind_proxy: Running) -> None:
    with behind_proxy.connect() as client:
        for last in (1, 1, 2):
            client.send(get("/event.gif?category=h5", b"X-Forwarded-For: 203.0.113.%d\r\n" % last))
            assert client.reply().status == 200
    one, same, other = (line["_v"] for line in behind_proxy.queue.lines)
    assert one == same != other
    assert {head["ip"] for head in behind_proxy.queue.heads} == {"203.0.113.0"}


def test_forwarded_is_ignored_from_strangers(door: Running) -> None:
    door.get("/event.gif?category=h5", FORWARDED)
    assert door.queue.heads[0]["ip"] == "127.0.0.0"


def test_ipv6_peers(tmp_path: Path) -> None:
    with running(tmp_path, host="::1") as door, door.connect("::1") as client:
        client.send(get("/event.gif"))
        assert client.reply().status == 200
        assert door.queue.heads[0]["ip"] == "::"


def test_user_wins_and_the_site_comes_from_field_url_or_page(door: Running) -> None:
    page = b"Referer: https://shop.example/p\r\n"
    door.get("/event.gif?user=u1", page)
    door.get("/event.gif?category=h5", page)
    door.get("/event.gif?url=https%3A%2F%2Fshop.example%2Fother", page)
    door.get("/event.gif?site=shop.example", page)
    door.get("/event.gif?site=other.example", page)
    user, by_page, by_url, by_site, other = door.queue.lines
    assert "_v" not in user
    assert by_page["_v"] == by_url["_v"] == by_site["_v"] != other["_v"]
    assert {head["page"] for head in door.queue.heads} == {"https://shop.example/p"}


def test_an_events_own_address_and_agent_make_its_visitor(door: Running) -> None:
    door.post("/e", b'[{"ip":"203.0.113.1"},{"ip":"203.0.113.2"},{"ip":"203.0.113.1","user_agent":"B"},{"ip":"x"},{}]')
    visitors = [line["_v"] for line in door.queue.lines]
    assert len(set(visitors)) == 5
    assert [line.get("ip") for line in door.queue.lines] == ["203.0.113.0", "203.0.113.0", "203.0.113.0", "", None]


@pytest.mark.parametrize("header", [b"DNT: 1\r\n", b"Sec-GPC: 1\r\n"])
def test_do_not_track(tmp_path: Path, header: bytes) -> None:
    body = b'{"user":"u1","session":"s","ip":"203.0.113.1","user_agent":"B","label":"x"}'
    for option, kept in (("ignore", 2), ("anonymous", 2), ("drop", 0)):
        with running(tmp_path / option, Collect(do_not_track=option)) as door:
            assert door.get("/event.gif?category=h5", header + b"User-Agent: UA\r\n").status == 200
            assert door.post("/e", body, header + b"User-Agent: UA\r\n").json == {"accepted": 1}
            assert len(door.queue.lines) == kept
            if option == "anonymous":
                assert door.queue.lines == [{"category": "h5"}, {"label": "x"}]
                assert door.queue.heads == [{}, {}]
            if option == "ignore":
                assert "_v" in door.queue.lines[0]
            assert door.get("/event.gif?category=h5", b"DNT: 0\r\n").status == 200
            assert len(door.queue.lines) == kept + 1


def test_heads_are_json_whatever_the_agent(door: Running) -> None:
    door.get("/event.gif", b'User-Agent: "\\\xff\xc3\xa9\t</script>\r\n')
    assert json.loads(door.queue.drafts[0].heads)["ua"] == '"\\ÿÃ©\t</script>'
