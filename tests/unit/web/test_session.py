"""Signing in and out on a real server: cookies, rotation, expiry, wrong passwords bounded, forged changes."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from eventmill.registry.keys import add_key
from eventmill.registry.password import LONGEST, password_hash, remove_password, set_password
from eventmill.registry.sessions import LIFE_S
from eventmill.web.attempts import Attempts
from tests.unit.web.conftest import Server, serving

API = "/api/v1"
SESSION = f"{API}/session"
PASSWORD = "correct horse battery"


class Clock:
    """Milliseconds; moved by the test."""

    def __init__(self) -> None:
        self.now = 1_795_176_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Server]:
    """A server that other machines reach, with a password."""
    prepare: Callable = lambda registry: set_password(registry, PASSWORD)  # noqa: E731
    with serving(tmp_path_factory.mktemp("data"), "0.0.0.0", prepare, clock=clock) as running:
        yield running


@pytest.fixture
def browser(guarded: Server, clock: Clock) -> Iterator[httpx.Client]:
    """A browser without cookies; wrong passwords of the tests before are a minute ago."""
    clock.now += 120_000
    with httpx.Client(base_url=guarded.client.base_url, timeout=20) as client:
        yield client


def sign_in(client: httpx.Client, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return client.post(SESSION, json={"password": password}, headers=headers)


def test_who_asks(browser: httpx.Client) -> None:
    nobody = {
        "signed_in": False, "required": True, "role": "", "site": "", "password": True, "may_change": False, "view": "",
    }  # fmt: skip
    assert browser.get(SESSION).json() == nobody
    assert sign_in(browser).json()["role"] == "admin"
    here = browser.get(SESSION).json()
    assert (here["signed_in"], here["required"], here["role"], here["may_change"]) == (True, False, "admin", True)
    assert browser.get(f"{API}/lag").status_code == 200
    assert browser.get(f"{API}/keys").status_code == 200


def test_the_cookie(browser: httpx.Client) -> None:
    cookie = next(c for c in sign_in(browser).headers.get_list("set-cookie") if c.startswith("eventmill_session="))
    words = {word.strip().lower() for word in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", f"max-age={LIFE_S}"} == words
    assert re.match(r"eventmill_session=ev_[\w-]{43};", cookie)


def test_over_https_the_cookie_is_secure_and_of_this_host(browser: httpx.Client) -> None:
    """A proxy on this machine says how the request came to it."""
    https = {"x-forwarded-proto": "https"}
    cookie = next(c for c in sign_in(browser, **https).headers.get_list("set-cookie") if "_session=ev_" in c)
    assert cookie.startswith("__Host-eventmill_session=")
    assert "secure" in cookie.lower()
    given = {"cookie": cookie.split(";")[0]}
    plain = httpx.Client(base_url=browser.base_url)
    assert plain.get(f"{API}/lag", headers={**given, **https}).status_code == 200
    assert plain.get(f"{API}/lag", headers=given).status_code == 401
    plain.close()


def test_item_17_a_sign_in_makes_a_new_session_and_ends_the_old(browser: httpx.Client, guarded: Server) -> None:
    planted = {"cookie": "eventmill_session=ev_" + "A" * 43}
    chosen = httpx.post(f"{browser.base_url}{SESSION}", json={"password": PASSWORD}, headers=planted, timeout=20)
    assert "A" * 43 not in "".join(chosen.headers.get_list("set-cookie"))
    assert browser.get(f"{API}/lag", headers=planted).status_code == 401
    sign_in(browser)
    first = browser.cookies["eventmill_session"]
    sign_in(browser)
    second = browser.cookies["eventmill_session"]
    assert first != second
    browser.cookies.clear()
    for token, status in ((first, 401), (second, 200)):
        assert browser.get(f"{API}/lag", headers={"cookie": f"eventmill_session={token}"}).status_code == status
    kept = (guarded.settings.data_dir / "settings.sqlite").read_bytes()
    assert second.encode() not in kept
    assert PASSWORD.encode() not in kept
    assert b"$argon2id$" in kept


def test_signing_out_ends_the_session_itself(browser: httpx.Client) -> None:
    sign_in(browser)
    token = browser.cookies["eventmill_session"]
    assert browser.delete(SESSION).status_code == 204
    assert "eventmill_session" not in browser.cookies
    assert browser.get(f"{API}/lag", headers={"cookie": f"eventmill_session={token}"}).status_code == 401


def test_a_session_ends(browser: httpx.Client, clock: Clock) -> None:
    sign_in(browser)
    token = {"cookie": f"eventmill_session={browser.cookies['eventmill_session']}"}
    browser.cookies.clear()
    began = clock.now
    clock.now = began + LIFE_S * 1000 - 1
    assert browser.get(f"{API}/lag", headers=token).status_code == 200
    clock.now = began + LIFE_S * 1000
    assert browser.get(f"{API}/lag", headers=token).status_code == 401


def test_a_new_password_ends_all_sessions(browser: httpx.Client, guarded: Server) -> None:
    sign_in(browser)
    registry = guarded.services.registry
    assert registry is not None
    set_password(registry, "another password")
    assert browser.get(f"{API}/lag").status_code == 401
    assert sign_in(browser).status_code == 401
    set_password(registry, PASSWORD)
    assert sign_in(browser).status_code == 200


@pytest.mark.parametrize("wrong", ["", "x", PASSWORD + " ", PASSWORD.upper(), "é", "\0", "x" * (LONGEST + 1), "\ud83d"])
def test_wrong_passwords(browser: httpx.Client, wrong: str) -> None:
    import json

    body = json.dumps({"password": wrong}).encode()
    answer = browser.post(SESSION, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 401)
    assert "set-cookie" not in answer.headers
    assert browser.get(f"{API}/lag").status_code == 401


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"password":1}', b'{"password":"a","x":1}', b"{", b"\xff"])
def test_wrong_bodies(browser: httpx.Client, body: bytes) -> None:
    assert browser.post(SESSION, content=body, headers={"content-type": "application/json"}).status_code == 400


def test_wrong_passwords_are_bounded_by_address_and_it_says_how_long(browser: httpx.Client, clock: Clock) -> None:
    statuses = [sign_in(browser, "wrong").status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    limited = sign_in(browser)  # the right one too: else guessing would go on
    assert limited.status_code == 429
    wait = int(limited.headers["retry-after"])
    assert 0 < wait <= 60
    assert limited.json()["detail"] == f"too many wrong passwords: try again in {wait} s"
    # From elsewhere (a proxy on this machine names its clients) it goes on.
    assert sign_in(browser, **{"x-forwarded-for": "203.0.113.7"}).status_code == 200
    clock.now += wait * 1000
    assert sign_in(browser).status_code == 200


def test_wrong_passwords_are_bounded_in_all(browser: httpx.Client) -> None:
    answers = [sign_in(browser, "wrong", **{"x-forwarded-for": f"203.0.113.{n}"}) for n in range(60)]
    assert [answer.status_code for answer in answers].count(401) == 50
    assert answers[-1].status_code == 429


def test_many_at_once_are_not_more_than_allowed(browser: httpx.Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda _: sign_in(browser, "wrong").status_code, range(12)))
    assert statuses.count(401) == 5
    assert statuses.count(429) == 7


def test_attempts_by_network() -> None:
    attempts = Attempts(per_address=2, in_all=5)
    assert [attempts.begin("2001:db8::1", 0), attempts.begin("2001:db8::ffff:1", 0)] == [0, 0]
    assert attempts.begin("2001:db8::2", 1000) == 59
    assert attempts.begin("2001:db8:0:1::2", 1000) == 0
    assert [attempts.begin("::ffff:192.0.2.1", 1000), attempts.begin("192.0.2.1", 1000)] == [0, 0]
    assert attempts.begin("198.51.100.1", 1000) == 59
    attempts.succeeded("192.0.2.1")
    assert attempts.begin("198.51.100.1", 1000) == 0
    assert attempts.begin("2001:db8::2", 60_001) == 0


# -- changes that other pages ask for


FORGED = [
    {"origin": "https://evil.example"}, {"referer": "https://evil.example/x"}, {"origin": "null"},
    {"origin": "http://127.0.0.1:1"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"},
    {"content-type": "multipart/form-data; boundary=x"}, {"content-type": "text/plain;application/json"},
]  # fmt: skip


@pytest.mark.parametrize("headers", FORGED)
def test_item_17_pages_of_others_change_nothing_with_the_cookie(browser: httpx.Client, headers: dict[str, str]) -> None:
    sign_in(browser)
    given = {"content-type": "application/json", **headers}
    for method, path, body in (
        ("POST", "domains", b'{"host":"evil.example"}'), ("POST", "keys", b'{"scope":"admin"}'),
        ("POST", "rejects/replay", b'{"ids":[]}'), ("DELETE", "keys/1", b""), ("DELETE", "session", b""),
        ("POST", "session", b'{"password":"%b"}' % PASSWORD.encode()), ("POST", "forget", b'{"user":"u"}'),
    ):  # fmt: skip
        answer = browser.request(method, f"{API}/{path}", content=body, headers=given)
        assert answer.status_code in (401, 403, 415), (path, answer.text)
    assert browser.get(f"{API}/domains").json()["data"] == []
    assert browser.get(SESSION).json()["signed_in"]


@pytest.mark.parametrize("headers", FORGED)
def test_item_17_nor_without_one_on_loopback(guarded: Server, tmp_path: Path, headers: dict[str, str]) -> None:
    """Where no password is set the browser's place on this machine would be what is stolen."""
    with serving(tmp_path, store=guarded.services.sources.store) as local:
        given = {"content-type": "application/json", **headers}
        answer = local.client.post(f"{API}/domains", content=b'{"host":"evil.example"}', headers=given)
        assert answer.status_code in (401, 403, 415)
        assert local.client.get(f"{API}/domains").json()["data"] == []
        assert local.client.post(f"{API}/domains", json={"host": "good.example"}).status_code == 201


def test_an_allowed_domain_reads_and_does_not_change(guarded: Server, tmp_path: Path) -> None:
    with serving(tmp_path, store=guarded.services.sources.store) as local:
        local.client.post(f"{API}/domains", json={"host": "*"})
        page = {"origin": "https://any.example"}
        assert local.client.get(f"{API}/lag", headers=page).status_code == 200
        assert local.client.post(f"{API}/keys", json={}, headers=page).status_code == 403
        key = {"authorization": f"Bearer {add_key(local.services.registry, 'a', 'admin')[1]}"}
        assert local.client.post(f"{API}/keys", json={}, headers={**page, **key}).status_code == 201


# -- on loopback


def test_on_loopback_changes_need_the_password_once_there_is_one(guarded: Server, tmp_path: Path) -> None:
    with serving(tmp_path, store=guarded.services.sources.store) as local:
        registry = local.services.registry
        assert registry is not None
        assert local.client.get(SESSION).json() == {
            "signed_in": False, "required": False, "role": "local", "site": "", "password": False, "may_change": True,
            "view": "",
        }  # fmt: skip
        assert sign_in(local.client).status_code == 409
        assert local.client.post(f"{API}/keys", json={}).status_code == 201
        set_password(registry, PASSWORD)
        assert local.client.get(f"{API}/lag").status_code == 200
        assert local.client.post(f"{API}/sql", json={"query": "SELECT 1"}).status_code == 200
        refused = local.client.post(f"{API}/keys", json={})
        assert (refused.status_code, "sign in" in refused.json()["detail"]) == (401, True)
        assert not local.client.get(SESSION).json()["may_change"]
        assert sign_in(local.client).status_code == 200
        assert local.client.post(f"{API}/keys", json={}).status_code == 201
        assert remove_password(registry)
        assert password_hash(registry) == ""
        local.client.cookies.clear()
        assert local.client.post(f"{API}/keys", json={}).status_code == 201


@pytest.mark.parametrize("headers", [
    {"host": "stats.example"}, {"x-forwarded-for": "203.0.113.1"}, {"forwarded": "for=203.0.113.1"},
    {"x-real-ip": "203.0.113.1"}, {"x-forwarded-host": "stats.example"},
])  # fmt: skip
def test_what_comes_through_a_proxy_is_not_local_once_there_is_a_password(
    guarded: Server, tmp_path: Path, headers: dict[str, str]
) -> None:
    with serving(tmp_path, store=guarded.services.sources.store) as local:
        assert local.client.get(f"{API}/lag", headers=headers).status_code == 200
        set_password(local.services.registry, PASSWORD)  # type: ignore[arg-type]
        assert local.client.get(f"{API}/lag", headers=headers).status_code == 401
        assert local.client.get(f"{API}/lag").status_code == 200
