"""Keys at the API: scopes, sites, and the routes that add and remove them."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from eventmill.query.ask import QUESTIONS
from eventmill.registry.keys import add_key, remove_key
from eventmill.registry.open import open_database
from tests.unit.web.conftest import Server, serving

API = "/api/v1"
RANGE = {"from": "2026-11-18", "to": "2026-11-20"}
NEEDED = {
    "dimension": "browser",
    "steps": '[{"name":"a","filters":[["is","action","pv"]]},{"name":"b","filters":[]}]',
}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def asked(name: str, **more: str) -> dict[str, str]:
    """Parameters that the question can be asked with."""
    question = QUESTIONS[name]
    days = RANGE if "from" in question.parameters else {}
    required = {needed: NEEDED[needed] for needed in question.required if needed in NEEDED}
    return {**days, **required, **more}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that other machines reach, with one key of each kind."""
    made: dict[str, str] = {}

    def prepare(registry) -> None:
        for name, scope, site in (
            ("admin", "admin", ""), ("reader", "read", ""), ("shop", "read", "shop"), ("sender", "write", ""),
        ):  # fmt: skip
            made[name] = add_key(registry, name, scope, site)[1]

    with serving(tmp_path_factory.mktemp("data"), "0.0.0.0", prepare) as running:
        running.keys = made
        yield running


SITES = ("shop", "blog")


@pytest.fixture(scope="module", autouse=True)
def _rows(outside: Server) -> None:
    from datetime import UTC, datetime

    from tests.stored_events import frame, row

    rows = [
        row(datetime(2026, 11, 19, hour, tzinfo=UTC), site=site, user=f"{site}-{hour}", url=f"https://{site}.example/p")
        for site in SITES
        for hour in range(5 if site == "shop" else 9)
    ]
    outside.services.sources.store.insert("events", frame(rows))


def ask(server: Server, key: str, path: str, **params: str) -> httpx.Response:
    return server.client.get(f"{API}/{path}", params=params, headers=bearer(server.keys[key]) if key else {})


def test_nothing_is_told_without_a_key(outside: Server) -> None:
    for path in (*QUESTIONS, "live", "about", "pipeline", "keys", "events/x", "rejects/x", "nowhere", ""):
        for key in (None, "em_wrong"):
            answer = outside.client.get(f"{API}/{path}", headers={} if key is None else bearer(key))
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "data" not in answer.json()
    assert outside.client.get("/metrics").status_code == 401
    assert outside.client.post(f"{API}/sql", json={"query": "SELECT 1"}).status_code == 401
    for path in ("/", "/health"):
        assert outside.client.get(path).status_code == 200


@pytest.mark.parametrize("path", [
    "//api/v1/counts", "/api//v1/counts", "/api/v1/counts/", "/./api/v1/counts", "/api/v1//sql", "/metrics/",
    "//metrics", "/API/v1/counts", "/api/v1/%63ounts", "/share/../api/v1/counts", "/embed/x/../../api/v1/counts",
])  # fmt: skip
def test_no_way_round_the_guard_by_the_path(outside: Server, path: str) -> None:
    with httpx.Client(timeout=20) as client:
        url = outside.client.base_url.copy_with(raw_path=path.encode() + b"?from=2026-11-18&to=2026-11-20")
        answer = client.get(url)
    assert answer.status_code in (401, 404)
    assert "eventDate" not in answer.text


def test_an_admin_key_may_everything(outside: Server) -> None:
    for name in QUESTIONS:
        assert ask(outside, "admin", name, **asked(name)).status_code == 200, name
    assert ask(outside, "admin", "keys").json()["data"][0]["name"] == "admin"
    sql = outside.client.post(f"{API}/sql", json={"query": "SELECT 1"}, headers=bearer(outside.keys["admin"]))
    assert sql.status_code == 200


def test_a_read_key_reads_and_changes_nothing(outside: Server) -> None:
    for name in QUESTIONS:
        assert ask(outside, "reader", name, **asked(name)).status_code == 200, name
    for path in ("keys", "domains", "shares", "alerts", "forget", "nowhere"):
        assert ask(outside, "reader", path).status_code == 403, path
    headers = bearer(outside.keys["reader"])
    assert outside.client.get("/metrics", headers=headers).status_code == 200
    assert outside.client.post(f"{API}/sql", json={"query": "SELECT 1"}, headers=headers).status_code == 403
    for method, path, body in (
        ("POST", "keys", {"scope": "admin"}), ("POST", "domains", {"host": "*"}), ("DELETE", "keys/admin", None),
        ("POST", "rejects/replay", {}), ("POST", "forget", {"user": "a"}), ("PUT", "counts", {}),
    ):  # fmt: skip
        answer = outside.client.request(method, f"{API}/{path}", json=body, headers=headers)
        assert answer.status_code == 403, path
        assert "admin" in answer.json()["detail"]


def test_a_write_key_reads_nothing(outside: Server) -> None:
    for path in (*QUESTIONS, "about", "live", "keys"):
        answer = ask(outside, "sender", path)
        assert answer.status_code == 403
        assert "sends events" in answer.json()["detail"]


def test_item_18_a_key_of_one_site_sees_that_site_only(outside: Server) -> None:
    """Every question that knows sites, those that come later too: the answer is that of `site=shop`."""
    tried = 0
    for name, question in QUESTIONS.items():
        if "site" not in question.parameters:
            assert ask(outside, "shop", name, **asked(name)).status_code == 403, name
            continue
        tried += 1
        wanted = ask(outside, "admin", name, **asked(name, site="shop"))
        other = ask(outside, "admin", name, **asked(name, site="blog"))
        for more in ({}, {"site": "shop"}, {"site": ""}):
            given = ask(outside, "shop", name, **asked(name, **more))
            assert given.status_code == 200, (name, given.text)
            assert given.json() == wanted.json(), name
        if name in ("counts", "series", "top"):
            assert wanted.json() != other.json()
        assert ask(outside, "shop", name, **asked(name, site="blog")).status_code == 403
        evading = {"filters": '[["is","site","blog"]]'} if "filters" in question.parameters else {}
        found = ask(outside, "shop", name, **asked(name, **evading))
        assert "blog" not in found.text, name
    assert tried >= 8


def test_item_18_the_rest_is_closed_to_a_key_of_one_site(outside: Server) -> None:
    headers = bearer(outside.keys["shop"])
    receipt = ask(outside, "admin", "rejects").json()["data"]
    for path in (
        "ledger",
        "lag",
        "rejects",
        "pipeline",
        "events/id-1",
        "rejects/x",
        "keys",
        "sites",
        "goals",
        "alerts",
    ):
        assert outside.client.get(f"{API}/{path}", headers=headers).status_code == 403, (path, receipt)
    assert outside.client.get("/metrics", headers=headers).status_code == 403
    about = outside.client.get(f"{API}/about", headers=headers).json()
    assert about["sites"] == ["shop"]
    assert "blog" not in json.dumps(about)


@pytest.mark.parametrize("query", [
    "site=blog", "site=shop&site=blog", "site=blog&site=shop", "%73ite=blog", "s%69te=blog&site=shop", "site=%62log",
    "site=blog%00", "site[]=blog", "x=1;site=blog", "site=shop%26site=blog", "Site=blog", "site=blog#", "+site=blog",
    "site=blog&filters=[]", "site=%ff", "site", "site=&site=blog", "&&site=blog", "site==blog", "site=%2562log",
])  # fmt: skip
def test_item_18_no_spelling_of_the_query_widens_it(outside: Server, query: str) -> None:
    url = f"{outside.client.base_url}{API}/counts?from=2026-11-18&to=2026-11-20&by=all&interval=total&{query}"
    with httpx.Client(timeout=20) as client:
        answer = client.get(url, headers=bearer(outside.keys["shop"]))
    wanted = ask(outside, "admin", "counts", **RANGE, by="all", interval="total", site="shop").json()
    assert answer.status_code in (400, 403) or answer.json() == wanted


def test_live_of_a_key_of_one_site(outside: Server) -> None:
    with outside.client.stream("GET", f"{API}/live", headers=bearer(outside.keys["shop"])) as answer:
        assert answer.status_code == 200
    assert outside.client.get(
        f"{API}/live", params={"site": "blog"}, headers=bearer(outside.keys["shop"])
    ).status_code == 403  # fmt: skip


def test_the_scheme_is_bearer_and_nothing_else(outside: Server) -> None:
    key = outside.keys["reader"]
    for given, status in (
        (f"Bearer {key}", 200), (f"bearer {key}", 200), (f"Bearer  {key}", 200), (f"Basic {key}", 401), (key, 401),
        (f"Bearer {key}x", 401), (f"Bearer {key[:-1]}", 401), (f"Bearer {key},{key}", 401), ("Bearer", 401),
    ):  # fmt: skip
        assert outside.client.get(f"{API}/lag", headers={"authorization": given}).status_code == status, given
    twice = [("authorization", f"Bearer {key}")] * 2
    assert outside.client.get(f"{API}/lag", headers=twice).status_code == 401


def test_item_15_keys_are_not_taken_from_urls(outside: Server) -> None:
    key = outside.keys["admin"]
    for name in ("key", "api_key", "token", "access_token", "authorization", "bearer"):
        assert outside.client.get(f"{API}/lag", params={name: key}).status_code == 401
    cookies = {"cookie": f"authorization={key}; eventmill_session={key}; eventmill_share={key}"}
    assert outside.client.get(f"{API}/lag", headers=cookies).status_code == 401


def test_item_15_keys_are_hashed_at_rest_and_not_in_logs(outside: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for key in outside.keys.values():
            outside.client.get(f"{API}/counts", headers=bearer(key))
            outside.client.get(f"{API}/keys", headers=bearer(key))
    httpx_free = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpcore"))
    kept = b"".join(path.read_bytes() for path in outside.settings.data_dir.glob("*") if path.is_file())
    assert b"SQLite format 3" in kept
    listed = outside.client.get(f"{API}/keys", headers=bearer(outside.keys["admin"])).text
    for key in outside.keys.values():
        assert key not in httpx_free
        assert key.encode() not in kept
        assert key[12:] not in listed
        assert key[:9] in listed


def test_the_routes(outside: Server) -> None:
    headers = bearer(outside.keys["admin"])
    made = outside.client.post(f"{API}/keys", json={"name": "ci", "scope": "write", "site": "shop"}, headers=headers)
    assert made.status_code == 201
    row = made.json()
    assert set(row) == {"id", "name", "scope", "site", "prefix", "created", "key"}
    assert row["key"].startswith(row["prefix"])
    listed = outside.client.get(f"{API}/keys", headers=headers).json()["data"]
    assert {**row, "key": None} in [{**item, "key": None} for item in listed]
    assert outside.client.post(f"{API}/keys", json={"name": "ci"}, headers=headers).status_code == 409
    for wrong in ({"scope": "all"}, {"name": "a/b"}, {"name": "7"}, {"x": 1}, {"scope": "admin", "site": "a"}, []):
        answer = outside.client.post(f"{API}/keys", json=wrong, headers=headers)
        assert answer.status_code == 400, wrong
        assert answer.json()["detail"]
    assert outside.client.post(f"{API}/keys", content=b"{}", headers=headers).status_code == 415
    assert outside.client.delete(f"{API}/keys/ci", headers=headers).status_code == 204
    assert outside.client.delete(f"{API}/keys/ci", headers=headers).status_code == 404
    unnamed = outside.client.post(f"{API}/keys", json={}, headers=headers).json()
    assert unnamed["name"].startswith("read ")
    assert outside.client.delete(f"{API}/keys/{unnamed['id']}", headers=headers).status_code == 204


def test_a_change_of_another_process_is_in_force_within_a_second(outside: Server) -> None:
    import time

    other = open_database(outside.settings)
    key = add_key(other, "late", "read")[1]
    for wanted in (200, 401):
        began = time.monotonic()
        while outside.client.get(f"{API}/lag", headers=bearer(key)).status_code != wanted:
            assert time.monotonic() - began < 5
            time.sleep(0.02)
        remove_key(other, "late")
    other.close()


def test_on_loopback_reading_stays_keyless_with_keys(outside: Server, tmp_path: Path) -> None:
    with serving(tmp_path, store=outside.services.sources.store) as server:
        key = add_key(server.services.registry, "some", "admin")[1]
        assert server.client.get(f"{API}/lag").status_code == 200
        assert server.client.get(f"{API}/lag", headers=bearer("wrong")).status_code == 401
        assert server.client.get(f"{API}/lag", headers=bearer(key)).status_code == 200


def test_the_commands_of_this_machine_have_a_key_of_their_own(outside: Server, tmp_path: Path) -> None:
    from eventmill.registry.local import make_local_key, read_local_key

    assert read_local_key(tmp_path) == ""
    local = make_local_key(tmp_path)
    assert make_local_key(tmp_path) == local == read_local_key(tmp_path)
    assert (tmp_path / "run" / "local-key").stat().st_mode & 0o777 == 0o600
    store = outside.services.sources.store
    with serving(tmp_path, "0.0.0.0", store=store, local_key=local) as running:
        assert running.client.get(f"{API}/lag").status_code == 401
        assert running.client.get(f"{API}/keys", headers=bearer(local)).status_code == 200
    with serving(tmp_path / "b", "0.0.0.0", store=store) as running:
        assert running.client.get(f"{API}/lag", headers=bearer("el_x")).status_code == 401
