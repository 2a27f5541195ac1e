"""The guard's own decisions as plain functions, against everything that a generator can think of."""

import json
import string
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from litestar._parsers import parse_query_string

from eventmill.query.ask import QUESTIONS
from eventmill.settings import load
from eventmill.web import permits
from eventmill.web.auth import Caller
from eventmill.web.origins import Origins, split_host
from eventmill.web.problems import Problem

SHOP = Caller("read", "shop", by_key=True)
LINK = Caller("share", "shop", by_key=True)
PIECES = st.sampled_from(
    [
        "site",
        "=",
        "&",
        ";",
        "shop",
        "blog",
        "%73ite",
        "si%74e",
        "%26",
        "%3D",
        "+",
        "%00",
        "\xff",
        "site=blog",
        "[]",
        "#",
        "?",
    ]
)


@given(st.one_of(st.lists(PIECES).map("".join), st.text(string.printable), st.text(max_size=40).map(quote)))
@example("site=blog&site=shop")
@example("site=shop;site=blog")
def test_whatever_is_asked_the_handler_reads_one_site(text: str) -> None:
    """The handler's parser, not ours, is what counts."""
    found = permits.narrowed(SHOP, "counts", text.encode("latin-1", "replace"))
    if isinstance(found, Problem):
        assert found.status == 403
        return
    assert [value for name, value in parse_query_string(found) if name == "site"] == ["shop"]


@given(st.sampled_from(["user", "session", "ip", "id"]), st.data())
def test_no_way_of_writing_json_hides_a_private_condition(field: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(field) - 1))
    escaped = field[:at] + f"\\u{ord(field[at]):04x}" + field[at + 1 :]
    space = data.draw(st.text(" \t\r\n", max_size=3))
    condition = f'{space}["is",{space}"{escaped}"{space},"x"]{space}'
    nest = data.draw(st.sampled_from(["[{}]", '[["is","page","/"],{}]', '[{{"name":"a","filters":[{}]}}]']))
    assert json.loads(nest.format(condition))
    for name in ("filters", "steps", "again"):
        query = f"{name}={quote(space + nest.format(condition))}".encode()
        assert isinstance(permits.narrowed(LINK, "funnel", query), Problem)


@given(
    st.integers(0, 11), st.sampled_from(string.printable + "оＧ。\u212a\u0131"), st.sampled_from(["insert", "replace"])
)
def test_one_character_makes_another_domain(at: int, character: str, how: str) -> None:
    host = "good.example"
    changed = host[:at] + character + host[at + (how == "replace") :]
    is_same = changed.isascii() and changed.lower() == host
    # A slash, ? or # ends the name: what stands before it is another name, or nothing.
    origins = Origins(load(env={}))
    assert origins.is_allowed(f"https://{changed}", {host}) is is_same
    assert origins.is_allowed(f"https://{changed}:8443/", {f"{host}:8443"}) is is_same


@given(st.text(max_size=60))
def test_a_host_header_is_read_or_refused(text: str) -> None:
    found = split_host(text)
    assert found is None or (found[0].isascii() and found[0] == found[0].lower() and "@" not in found[0])


@pytest.mark.parametrize("host", [
    "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "127.0.0.1:x", "",
    "*", "localhost,evil.example", "127.0.0.1 evil.example", "[::1].evil.example", "0x7f000001", "2130706433", "127.1",
])  # fmt: skip
def test_dns_rebinding_needs_a_name_and_names_are_listed(host: str) -> None:
    assert not Origins(load(env={})).names_us(host)


def test_a_server_on_every_address_takes_addresses_and_no_names() -> None:
    origins = Origins(load(flags={"web.listen": "0.0.0.0:8090", "web.allowed_hosts": ["stats.example"]}, env={}))
    for host in ("192.168.1.7:8090", "[2001:db8::1]:8090", "stats.example", "localhost"):
        assert origins.names_us(host)
    for host in ("evil.example", "stats.example.evil.example", "192.168.1.7.evil.example"):
        assert not origins.names_us(host)
    assert origins.is_own("http://192.168.1.7:8090/x", "192.168.1.7:8090")
    assert not origins.is_own("http://192.168.1.7:9/x", "192.168.1.7:8090")


ROUTES = (
    *QUESTIONS,
    "live",
    "about",
    "pipeline",
    "events/x",
    "rejects/x",
    "sql",
    "keys",
    "goals",
    "metrics",
    "nowhere",
)


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_not_named_is_the_admins(route: str) -> None:
    def status(caller: Caller, method: str = "GET", password: bool = False) -> int:
        problem = permits.refusal(caller, method, route, password=password)
        return 200 if problem is None else problem.status

    changing = 200 if route == "sql" else 401
    assert status(Caller("admin")) == status(Caller("admin"), "POST") == 200
    assert status(Caller()) == status(Caller("unknown")) == 401
    assert status(Caller("write", by_key=True)) == 403
    assert status(Caller("local"), "POST") == 200
    assert status(Caller("local"), "DELETE", password=True) == changing
    for role in ("read", "share"):
        assert status(Caller(role), "POST") == 403  # type: ignore[arg-type]
        assert status(Caller(role), "PROPFIND") == 403  # type: ignore[arg-type]
    knows_sites = route == "live" or (route in QUESTIONS and "site" in QUESTIONS[route].parameters)
    if not knows_sites and route != "about":
        assert status(SHOP) == status(LINK) == 403
