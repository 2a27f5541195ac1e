"""The allow list: which pages may ask the API, what look-alikes are, and CORS by the same list."""

import time
from collections.abc import Iterator

import httpx
import pytest

from eventmill.registry.base import Invalid
from eventmill.registry.domains import add_domain, checked_domain, remove_domain
from eventmill.registry.keys import add_key
from eventmill.registry.open import open_database
from tests.unit.web.conftest import Server, serving

API = "/api/v1"
LAG = f"{API}/lag"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    def prepare(registry) -> None:
        for host in ("good.example", "dev.example:8443", "xn--bcher-kva.example", "[2001:db8::1]", "localhost:3000"):
            add_domain(registry, host)

    with serving(tmp_path_factory.mktemp("data"), prepare=prepare) as running:
        yield running


@pytest.mark.parametrize("source", [
    "https://good.example", "http://good.example", "https://good.example/page?x=1#y", "https://good.example:443/",
    "http://good.example:80", "HTTPS://GOOD.Example/", "https://dev.example:8443", "http://dev.example:8443/x",
    "https://xn--bcher-kva.example/", "http://[2001:db8::1]/", "http://localhost:3000",
])  # fmt: skip
@pytest.mark.parametrize("name", ["Origin", "Referer"])
def test_pages_of_the_list_may_ask(listed: Server, name: str, source: str) -> None:
    assert listed.client.get(LAG, headers={name: source}).status_code == 200


@pytest.mark.parametrize("source", [
    # suffix and prefix
    "https://evilgood.example", "https://good.example.evil.example", "https://good.example-evil.example",
    "https://sub.good.example", "https://good.exampl", "https://good.example.", "https://good.example.:443",
    "https://.good.example", "https://good..example", "https://example",
    # port, user info, scheme
    "https://good.example:8443", "http://good.example:443", "https://good.example:80", "https://dev.example",
    "https://good.example:", "https://good.example:0443x", "https://good.example:99999", "https://dev.example:443",
    "https://good.example@evil.example", "https://good.example:443@evil.example", "https://evil.example@good.example",
    "https://u:p@good.example", "ftp://good.example", "javascript://good.example", "//good.example", "good.example",
    "file://good.example/", "null", "https:good.example", "https:///good.example", "https://",
    # what parsers read differently
    "https://evil.example\\@good.example", "https://evil.example/good.example", "https://evil.example?good.example",
    "https://evil.example#good.example", "https://good.example\\.evil.example", "https://good.example%2eevil.example",
    "https://good.example%00.evil.example", "https://evil.example;good.example", "https://good.example,evil.example",
    "https://good.example https://evil.example", "https://good.example\tx", "https://[good.example]",
    # letters that look like others, as UTF-8 and as Latin-1
    "https://go\u043ed.example", "https://g\u00f6od.example", "https://xn--god-tbe.example", "https://b\u00fccher.example",
    "https://good\u3002example", "https://\uff47ood.example", "https://good.e\u212aample",
])  # fmt: skip
@pytest.mark.parametrize("name", ["Origin", "Referer"])
def test_item_13_look_alikes_are_refused(listed: Server, name: str, source: str) -> None:
    answer = listed.client.get(LAG, headers=[(name.encode(), source.encode())])
    if answer.status_code == 400:
        return  # the HTTP parser refused it before us
    assert answer.status_code == 401, source
    assert answer.json()["code"] == "40010"
    assert "neither this server nor an allowed domain" in answer.json()["message"]
    assert "access-control-allow-origin" not in answer.headers


def test_both_headers_must_fit(listed: Server) -> None:
    good, evil = "https://good.example/", "https://evil.example/"
    for origin, referer in ((good, evil), (evil, good)):
        assert listed.client.get(LAG, headers={"Origin": origin[:-1], "Referer": referer}).status_code == 401
    assert listed.client.get(LAG, headers=[("origin", good[:-1]), ("origin", evil[:-1])]).status_code == 401


def test_item_13_the_filter_is_no_authentication(listed: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither an allowed Origin nor its absence opens a server that asks for a key."""
    store = listed.services.sources.store
    prepare = lambda registry: add_domain(registry, "good.example")  # noqa: E731
    with serving(tmp_path_factory.mktemp("far"), "0.0.0.0", prepare, store=store) as far:
        key = {"authorization": f"Bearer {add_key(far.services.registry, 'a')[1]}"}
        page = {"origin": "https://good.example"}
        for headers, status in (({}, 401), (page, 401), ({**page, **key}, 200), (key, 200)):
            answer = far.client.get(LAG, headers=headers)
            assert answer.status_code == status
            assert answer.json().get("code") is None
        evil = far.client.get(LAG, headers={**key, "origin": "https://evil.example"})
        assert (evil.status_code, evil.json()["code"]) == (401, "40010")


def test_item_12_cors_by_the_list(listed: Server) -> None:
    page = {"origin": "https://good.example"}
    answer = listed.client.get(LAG, headers=page)
    assert answer.headers["access-control-allow-origin"] == "https://good.example"
    assert "origin" in answer.headers["vary"].lower()
    assert "access-control-allow-credentials" not in answer.headers
    asking = {**page, "access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    preflight = listed.client.options(LAG, headers=asking)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "https://good.example"
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert {"GET", "POST", "DELETE"} <= {*preflight.headers["access-control-allow-methods"].split(", ")}
    assert "access-control-allow-credentials" not in preflight.headers
    for origin in ("https://evil.example", "null", "https://good.example.evil.example"):
        refused = listed.client.options(LAG, headers={**asking, "origin": origin})
        assert (refused.status_code, refused.json()["code"]) == (401, "40010")
        assert not [name for name in refused.headers if name.startswith("access-control")]
    # The dashboard's own requests need none, and pages and metrics are nobody else's.
    assert "access-control-allow-origin" not in listed.client.get(LAG).headers
    assert "access-control-allow-origin" not in listed.client.get("/metrics", headers=page).headers
    assert listed.client.get("/api/v1/nowhere", headers=page).headers["access-control-allow-origin"] == page["origin"]


def test_the_star_switches_the_check_off(listed: Server, caplog: pytest.LogCaptureFixture) -> None:
    registry = listed.services.registry
    assert registry is not None
    for source in ("https://evil.example", "null"):
        assert listed.client.get(LAG, headers={"origin": source}).status_code == 401
    add_domain(registry, "*")
    assert "pages of every site may read" in caplog.text
    for source in ("https://evil.example", "null"):
        answer = listed.client.get(LAG, headers={"origin": source})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == source
    remove_domain(registry, "*")
    assert listed.client.get(LAG, headers={"origin": "https://evil.example"}).status_code == 401


def test_a_change_of_the_command_is_in_force_within_a_second(listed: Server) -> None:
    other = open_database(listed.settings)
    page = {"origin": "https://late.example"}
    for change, wanted in ((add_domain, 200), (remove_domain, 401)):
        change(other, "late.example")
        began = time.monotonic()
        while listed.client.get(LAG, headers=page).status_code != wanted:
            assert time.monotonic() - began < 5
            time.sleep(0.02)
    other.close()


def test_the_routes(listed: Server) -> None:
    client: httpx.Client = listed.client
    made = client.post(f"{API}/domains", json={"host": "New.Example:8080"})
    assert (made.status_code, made.json()["host"]) == (201, "new.example:8080")
    assert "new.example:8080" in [row["host"] for row in client.get(f"{API}/domains").json()["data"]]
    assert client.post(f"{API}/domains", json={"host": "new.example:8080"}).status_code == 409
    assert client.post(f"{API}/domains", json={"host": "https://a.example/"}).status_code == 400
    assert client.delete(f"{API}/domains/new.example:8080").status_code == 204
    assert client.delete(f"{API}/domains/new.example:8080").status_code == 404


@pytest.mark.parametrize("host", [
    "", " ", "http://a.example", "a.example/", "a b", "a..b", ".a", "a.", "-a.example", "a:x", "a:99999", "*.a.example",
    "b\u00fccher.example", "a\nb", "[::1", "a@b", "x" * 300, "a_b..c", "\u212a.example", "a:", "**",
])  # fmt: skip
def test_what_is_no_host_is_not_added(host: str) -> None:
    with pytest.raises(Invalid, match=r"is no host|xn--"):
        checked_domain(host)
