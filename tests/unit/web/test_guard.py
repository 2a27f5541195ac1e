"""Who may ask: own names only, own pages only; every answer carries the headers."""

from pathlib import Path

import pytest

from eventmill.registry.keys import add_key, remove_key
from eventmill.registry.open import open_database
from eventmill.registry.password import set_password
from eventmill.settings import load
from eventmill.web.guard import ListenError, check_listen
from tests.unit.web.conftest import Server

API = "/api/v1/lag"


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1.evil.example", "localhost.evil.example", "[", "a@b"])
def test_another_host_is_refused(server: Server, host: str) -> None:
    for path in (API, "/", "/metrics", "/health"):
        answer = server.client.get(path, headers={"host": host})
        assert answer.status_code in (400, 403)
        if answer.status_code == 403:
            assert "web.allowed_hosts" in answer.json()["detail"]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:9999", "127.0.0.1", "[::1]:8090", "LOCALHOST", "stats.example"]
)
def test_own_names_pass(server: Server, host: str) -> None:
    assert server.client.get(API, headers={"host": host}).status_code == 200


@pytest.mark.parametrize("name", ["Origin", "Referer"])
@pytest.mark.parametrize("source", [
    "http://evil.example", "https://127.0.0.1.evil.example/x", "null", "http://127.0.0.1:1/", "http://evil.example@x/",
    "file:///etc", "javascript:1", "http://127.0.0.1:99999/", "//127.0.0.1", "http://localhost.evil.example",
    "http://[::1", "chrome-extension://abc",
])  # fmt: skip
def test_pages_of_others_are_refused(server: Server, name: str, source: str) -> None:
    answer = server.client.get(API, headers={name: source})
    assert answer.status_code == 401
    assert answer.json()["code"] == "40010"
    assert answer.json()["message"]
    assert "access-control-allow-origin" not in answer.headers


def test_own_pages_pass(server: Server) -> None:
    own = str(server.client.base_url).rstrip("/")
    for source in (own, f"{own}/page?x=1", own.replace("127.0.0.1", "localhost")):
        assert server.client.get(API, headers={"Origin": source, "Referer": source}).status_code == 200
    tunnel = {"host": "localhost:9000", "Origin": "http://localhost:9000"}
    assert server.client.get(API, headers=tunnel).status_code == 200
    assert server.client.get("/", headers={"Referer": "https://search.example/"}).status_code == 200


def test_security_headers_everywhere(server: Server) -> None:
    for path in ("/", API, "/nowhere", "/metrics"):
        headers = server.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers or headers["server"] == "uvicorn"
    assert server.client.get(API).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("listen", ["0.0.0.0:8090", "192.168.1.2:8090", "[::]:8090", ":8090", "example.com:80"])
def test_other_addresses_need_a_password_or_a_key(listen: str, tmp_path: Path) -> None:
    settings = load(flags={"web.listen": listen, "data": str(tmp_path)}, env={})
    registry = open_database(settings)
    with pytest.raises(ListenError, match=r"`eventmill password`.*keys add.*tunnel"):
        check_listen(settings, registry)
    add_key(registry, "sender", "write")
    with pytest.raises(ListenError):
        check_listen(settings, registry)
    add_key(registry, "reader", "read")
    check_listen(settings, registry)
    remove_key(registry, "reader")
    set_password(registry, "correct horse")
    check_listen(settings, registry)
    registry.close()


def test_loopback_starts() -> None:
    for listen in ("127.0.0.1:0", "localhost:1", "[::1]:8090"):
        check_listen(load(flags={"web.listen": listen}, env={}), None)
