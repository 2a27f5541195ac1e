"""Share links: read-only, of their site, in a frame only under /embed, ended by removing them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from eventmill.query.ask import QUESTIONS
from eventmill.registry.base import Invalid
from eventmill.registry.keys import add_key
from eventmill.registry.shares import add_share
from eventmill.web.origins import frame_sources
from tests.unit.web.conftest import Server, serving
from tests.unit.web.test_keys import asked

API = "/api/v1"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that other machines reach, with a share of all sites, one of a site, and one of a view."""
    made: dict[str, str] = {}

    def prepare(registry) -> None:
        made["admin"] = add_key(registry, "admin", "admin")[1]
        for name, site, view in (("all", "", ""), ("shop", "s1", ""), ("flows", "", "/flows?from=2026-11-01&x=a%20b")):
            made[name] = add_share(registry, name, site, view)[1]

    with serving(tmp_path_factory.mktemp("data"), "0.0.0.0", prepare) as running:
        running.keys = made
        yield running


@pytest.fixture
def visitor(shared: Server) -> Iterator[httpx.Client]:
    """A browser that has followed no link yet."""
    with httpx.Client(base_url=shared.client.base_url, timeout=20) as client:
        yield client


def follow(client: httpx.Client, shared: Server, name: str) -> httpx.Response:
    return client.get(f"/share/{shared.keys[name]}")


def test_a_link_opens_the_dashboard_for_reading(visitor: httpx.Client, shared: Server) -> None:
    assert visitor.get(f"{API}/counts", params=asked("counts")).status_code == 401
    answer = follow(visitor, shared, "all")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["referrer-policy"] == "no-referrer"
    words = answer.headers["set-cookie"].lower()
    assert "httponly" in words
    assert "samesite=strict" in words
    here = visitor.get(f"{API}/session").json()
    assert (here["role"], here["site"], here["may_change"], here["required"]) == ("share", "", False, False)
    assert visitor.get(f"{API}/counts", params=asked("counts")).json()["data"]
    assert visitor.delete(f"{API}/session").status_code == 204
    assert visitor.get(f"{API}/counts", params=asked("counts")).status_code == 401


def test_where_it_leads(visitor: httpx.Client, shared: Server) -> None:
    assert follow(visitor, shared, "shop").headers["location"] == "/?site=s1"
    assert follow(visitor, shared, "flows").headers["location"] == "/flows?from=2026-11-01&x=a%20b"
    assert visitor.get(f"{API}/session").json()["view"].startswith("/flows?")


@pytest.mark.parametrize("view", [
    "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "x", "/a\r\nset-cookie: x=1", "/a b",
    "/\x00", "javascript:1", "/\u2215evil", "/" + "x" * 3000, "/\t/evil.example",
])  # fmt: skip
def test_a_view_is_a_path_of_this_server(shared: Server, view: str) -> None:
    with pytest.raises(Invalid, match="is no view"):
        add_share(shared.services.registry, "v", view=view)  # type: ignore[arg-type]


def test_item_18_a_share_reads_its_site_and_nothing_else(visitor: httpx.Client, shared: Server) -> None:
    admin = {"authorization": f"Bearer {shared.keys['admin']}"}
    follow(visitor, shared, "shop")
    for name, question in QUESTIONS.items():
        if "site" not in question.parameters:
            assert visitor.get(f"{API}/{name}").status_code == 403, name
            continue
        given = visitor.get(f"{API}/{name}", params=asked(name))
        wanted = visitor.get(f"{API}/{name}", params=asked(name, site="s1"), headers=admin)
        assert given.json() == wanted.json(), name
        assert visitor.get(f"{API}/{name}", params=asked(name, site="s2")).status_code == 403
    for path in ("live", "events/x", "rejects/x", "keys", "shares", "domains", "alerts", "goals", "pipeline", "forget"):
        assert visitor.get(f"{API}/{path}").status_code == 403, path
    assert visitor.get("/metrics").status_code == 403
    for method, path in (("POST", "keys"), ("POST", "sql"), ("POST", "rejects/replay"), ("DELETE", "shares/all")):
        assert visitor.request(method, f"{API}/{path}", json={}).status_code == 403


def test_a_share_tells_no_persons_apart(visitor: httpx.Client, shared: Server) -> None:
    follow(visitor, shared, "all")
    for dimension in ("user", "session", "ip", "id"):
        assert visitor.get(f"{API}/top", params=asked("top", dimension=dimension)).status_code == 403
        for filters in (
            f'[["is","{dimension}","x"]]', f' [["starts_with","{dimension}","x"]]',
            f'[["is","\\u00{ord(dimension[0]):02x}{dimension[1:]}","x"]]',
            f'[["is","page","/"],["in","{dimension}",["x"]]]',
        ):  # fmt: skip
            answer = visitor.get(f"{API}/counts", params=asked("counts", filters=filters))
            assert answer.status_code == 403, filters
    steps = '[{"name":"a","filters":[["is","user","x"]],"filters":[]},{"name":"b","filters":[]}]'
    assert visitor.get(f"{API}/funnel", params=asked("funnel", steps=steps)).status_code == 403
    fine = {"filters": '[["is","browser","user"]]', "category": "user"}
    assert visitor.get(f"{API}/counts", params=asked("counts", **fine)).status_code == 200


@pytest.mark.parametrize("token", ["x", "es_" + "A" * 43, "%00", "..%2f..%2f", "a" * 5000])
def test_a_link_that_is_none(visitor: httpx.Client, token: str) -> None:
    for path in (f"/share/{token}", f"/embed/{token}/", f"/embed/{token}/series"):
        answer = visitor.get(path)
        assert answer.status_code == 404
        assert "set-cookie" not in answer.headers
        assert answer.headers["x-frame-options"] == "DENY"


def test_a_key_is_no_share_and_a_share_no_key_to_the_door(visitor: httpx.Client, shared: Server) -> None:
    assert visitor.get(f"/share/{shared.keys['admin']}").status_code == 404
    assert "door-keys.json" not in [path.name for path in shared.settings.data_dir.iterdir()] or all(
        shared.keys[name] not in (shared.settings.data_dir / "door-keys.json").read_text() for name in shared.keys
    )


def test_only_pages_under_embed_may_stand_in_a_frame(visitor: httpx.Client, shared: Server) -> None:
    token = shared.keys["shop"]
    for path in (f"/embed/{token}", f"/embed/{token}/", f"/embed/{token}/series/day"):
        answer = visitor.get(path, params={"from": "2026-11-18"})
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].startswith("text/html")
        policy = answer.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self'")
        assert "unsafe" not in policy
        assert "x-frame-options" not in answer.headers
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
    for path in ("/", "/flows", f"/share/{token}", "/embed", f"{API}/lag", f"//embed/../{token}", "/nowhere"):
        headers = visitor.get(path).headers
        assert headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_who_may_show_a_frame_is_the_operators_list(visitor: httpx.Client, shared: Server) -> None:
    admin = {"authorization": f"Bearer {shared.keys['admin']}"}

    def parents() -> str:
        policy = visitor.get(f"/embed/{shared.keys['shop']}/time").headers["content-security-policy"]
        return policy.partition("frame-ancestors ")[2]

    for host in ("partner.example", "localhost:8443", "[::1]:80"):
        assert visitor.post(f"{API}/domains", json={"host": host}, headers=admin).status_code == 201
    assert parents() == "'self' localhost:8443 partner.example"  # a policy knows no IPv6 addresses
    assert visitor.post(f"{API}/domains", json={"host": "*"}, headers=admin).status_code == 201
    assert parents() == "*"
    for host in ("partner.example", "localhost:8443", "[::1]:80", "*"):
        assert visitor.delete(f"{API}/domains/{host}", headers=admin).status_code == 204
    assert parents() == "'self'"
    shared.settings.web.frames.append("Wiki.Example")
    try:
        assert parents() == "'self' wiki.example"
        # A host of frames reads nothing by its own scripts.
        origin = {"origin": "https://wiki.example", **admin}
        assert visitor.get(f"{API}/lag", headers=origin).json()["code"] == "40010"
    finally:
        shared.settings.web.frames.clear()


@pytest.mark.parametrize("host", ["a.example; script-src *", "a b", "'none'", "https://a.example", "a.example\n", ""])
def test_what_is_no_host_ends_no_policy(host: str) -> None:
    assert frame_sources([host]) == "'self'"


def test_a_frame_has_no_cookie_and_sends_its_token_as_a_key(visitor: httpx.Client, shared: Server) -> None:
    token = {"authorization": f"Bearer {shared.keys['shop']}"}
    given = visitor.get(f"{API}/series", params=asked("series"), headers=token)
    assert given.status_code == 200
    assert visitor.get(f"{API}/series", params=asked("series", site="s2"), headers=token).status_code == 403
    assert visitor.get(f"{API}/keys", headers=token).status_code == 403


def test_a_removed_share_ends_at_once_everywhere(visitor: httpx.Client, shared: Server) -> None:
    admin = {"authorization": f"Bearer {shared.keys['admin']}"}
    made = visitor.post(f"{API}/shares", json={"name": "brief", "site": "s1"}, headers=admin)
    assert made.status_code == 201
    row = made.json()
    assert set(row) == {"id", "name", "site", "view", "prefix", "created", "key", "url", "embed"}
    assert visitor.get(row["url"]).status_code == 303
    assert visitor.get(row["embed"]).status_code == 200
    assert visitor.get(f"{API}/counts", params=asked("counts")).status_code == 200
    listed = visitor.get(f"{API}/shares", headers=admin)
    assert row["key"] not in listed.text
    assert visitor.delete(f"{API}/shares/brief", headers=admin).status_code == 204
    assert visitor.get(f"{API}/counts", params=asked("counts")).status_code == 401
    assert visitor.get(row["url"]).status_code == 404
    assert visitor.get(row["embed"]).status_code == 404
    assert visitor.get(f"{API}/lag", headers={"authorization": f"Bearer {row['key']}"}).status_code == 401


def test_on_loopback_a_link_takes_nothing_from_who_follows_it(shared: Server, tmp_path: Path) -> None:
    with serving(tmp_path, store=shared.services.sources.store) as local:
        token = add_share(local.services.registry, "all", "s1")[1]  # type: ignore[arg-type]
        assert local.client.get(f"/share/{token}").status_code == 303
        assert local.client.get(f"{API}/session").json()["role"] == "local"
        assert local.client.delete(f"{API}/shares/all").status_code == 204


def test_a_signed_in_person_who_follows_a_link_stays_signed_in(visitor: httpx.Client, shared: Server) -> None:
    from eventmill.registry.password import remove_password, set_password

    set_password(shared.services.registry, "correct horse")  # type: ignore[arg-type]
    assert visitor.post(f"{API}/session", json={"password": "correct horse"}).status_code == 200
    follow(visitor, shared, "shop")
    assert visitor.get(f"{API}/session").json()["role"] == "admin"
    remove_password(shared.services.registry)  # type: ignore[arg-type]
    assert visitor.get(f"{API}/session").json()["role"] == "share"
