"""Access as a whole: a server that others reach, its commands, keys at both ports, and no secret where none belongs."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.acceptance.server import PROGRAM, Server, until

PASSWORD = "correct horse battery"


@dataclass
class Outside(Server):
    """Listens where `web.listen` counts as reachable by others, and yet only this machine reaches it."""

    def command(self) -> list[str]:
        return [word.replace(f"127.0.0.1:{self.web_port}", f"127.0.0.2:{self.web_port}") for word in super().command()]

    @property
    def url(self) -> str:
        return f"http://127.0.0.2:{self.web_port}"


def run(data: Path, *words: str, stdin: str = "", code: int = 0) -> str:
    done = subprocess.run(
        [PROGRAM, *words, "--data", str(data)], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.strip() or done.stderr.strip()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    server = Outside(tmp_path_factory.mktemp("access") / "data")
    refused = subprocess.run(server.command(), capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert "`eventmill password`" in refused.stderr
    run(server.data, "password", "--stdin", stdin=PASSWORD + "\n")
    with server:
        yield server


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_the_commands_reach_it_and_nobody_else_does(outside: Outside) -> None:
    assert httpx.get(f"{outside.url}/api/v1/lag").status_code == 401
    assert "is signed in" not in run(outside.data, "query", "counts", "--json")
    assert '"balanced":true' in run(outside.data, "ledger", "--json").replace(" ", "")
    assert httpx.get(f"{outside.url}/").status_code == 200


def test_a_sign_in_outlives_a_restart(outside: Outside) -> None:
    with httpx.Client(base_url=outside.url, timeout=20) as browser:
        assert browser.post("/api/v1/session", json={"password": "wrong password"}).status_code == 401
        assert browser.post("/api/v1/session", json={"password": PASSWORD}).json()["role"] == "admin"
        made = browser.post("/api/v1/keys", json={"name": "fromthepage", "scope": "read"})
        assert made.status_code == 201
        outside.restart()
        assert browser.get("/api/v1/keys").json()["data"][0]["name"] == "fromthepage"
        assert browser.delete("/api/v1/keys/fromthepage").status_code == 204
        assert browser.delete("/api/v1/session").status_code == 204
        assert browser.get("/api/v1/keys").status_code == 401


def test_keys_of_the_command_line_at_both_ports(outside: Outside) -> None:
    write = run(outside.data, "keys", "add", "sender", "--scope", "write", "--site", "shop")
    read = run(outside.data, "keys", "add", "shop", "--scope", "read", "--site", "shop")
    other = run(outside.data, "keys", "add", "blog", "--scope", "read", "--site", "blog")
    body = '{"category":"h5","action":"pv","user":"u1"}'
    given = {"Content-Type": "application/json", **bearer(write)}
    until(lambda: outside.send("/e", body, given).status == 200, "the key at the door", why=outside.said)
    assert outside.send("/e", body, {**given, **bearer(read)}).status == 401
    assert outside.send("/e", body, {"Content-Type": "application/json"}).status == 200

    def views(key: str) -> int:
        answer = httpx.get(f"{outside.url}/api/v1/top", params={**days(), "dimension": "site"}, headers=bearer(key))
        assert answer.status_code == 200, answer.text
        assert {item["value"] for item in answer.json()["data"]} <= {"shop"}
        return int(answer.json()["total"]["pv"])

    until(lambda: views(read) == 1, "the event of the key's site", why=outside.said)
    assert views(other) == 0
    assert httpx.get(f"{outside.url}/api/v1/lag", headers=bearer(write)).status_code == 403
    for name in ("sender", "shop"):
        run(outside.data, "keys", "remove", name)
    until(lambda: outside.send("/e", body, given).status == 401, "the key's end at the door", why=outside.said)

    def refused() -> bool:
        asked = httpx.get(f"{outside.url}/api/v1/top", params={**days(), "dimension": "site"}, headers=bearer(read))
        return asked.status_code == 401

    until(refused, "the key's end at the API", why=outside.said)


def days() -> dict[str, str]:
    import datetime

    today = datetime.datetime.now(datetime.UTC).date()
    return {"from": str(today - datetime.timedelta(days=1)), "to": str(today + datetime.timedelta(days=1))}


def test_item_15_no_secret_is_in_any_file_but_the_owners_key(outside: Outside) -> None:
    write = run(outside.data, "keys", "add", "kept", "--scope", "write")
    given = {"Content-Type": "application/json", **bearer(write)}
    until(lambda: outside.send("/e", '{"category":"h5"}', given).status == 200, "the key at the door")
    with httpx.Client(base_url=outside.url, timeout=20) as browser:
        browser.post("/api/v1/session", json={"password": PASSWORD})
        session = browser.cookies["eventmill_session"]
        share = browser.post("/api/v1/shares", json={"name": "s"}).json()["key"]
        assert browser.get(f"/share/{share}").status_code == 303
    secrets = [secret.encode() for secret in (write, session, share, PASSWORD)]
    files = [path for path in outside.data.rglob("*") if path.is_file()]
    assert any(path.name == "settings.sqlite" for path in files)
    for path in files:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret in content], path
    assert not [secret for secret in secrets if secret in outside.said().encode()]
    local = outside.data / "run" / "local-key"
    assert re.fullmatch(r"el_[\w-]{43}", local.read_text())
    for private in (local, outside.data / "settings.sqlite", outside.data / "door-keys.json"):
        assert private.stat().st_mode & 0o077 == 0, private
