"""The door takes what comes without a key, refuses a wrong one, and a key's site is that of its events."""

import json
import time
from pathlib import Path

import pytest

from eventmill.registry.door import publish_keys
from eventmill.registry.keys import add_key, remove_key
from eventmill.registry.open import open_database
from eventmill.settings import DOOR_KEYS, Settings
from tests.unit.collect.harness import Running, get, post, running


def bearer(key: str, scheme: str = "Bearer") -> bytes:
    return f"Authorization: {scheme} {key}\r\n".encode()


class Keyed:
    """A running collector and the settings database of the same data directory."""

    def __init__(self, data: Path, door: Running) -> None:
        self.door, self.data = door, data
        self.database = open_database(Settings(data=str(data)))
        self.database.after_change(lambda: publish_keys(self.database, data))

    def add(self, scope: str, site: str = "") -> str:
        key = add_key(self.database, "", scope, site)[1]
        self.door.collector.keys.reload()
        return key


@pytest.fixture
def keyed(tmp_path: Path):
    with running(tmp_path / "data") as door:
        made = Keyed(tmp_path / "data", door)
        yield made
        made.database.close()


def test_a_write_key_gives_its_site_to_events_that_name_none(keyed: Keyed) -> None:
    key, door = keyed.add("write", "shop"), keyed.door
    body = b'[{"category":"a"},{"category":"b","site":"other"},{"category":"c","url":"https://www.example/x"}]'
    assert door.post("/e", body, bearer(key)).json == {"accepted": 3}
    assert door.get("/event.gif?category=d", bearer(key, "bearer")).status == 200
    assert door.post("/t/order", b"category=e", bearer(key)).status == 200
    found = {line["category"]: line.get("site") for line in door.queue.lines}
    assert found == {"a": "shop", "b": "other", "c": "shop", "d": "shop", "e": "shop"}


def test_a_visitor_of_the_keys_site_is_that_of_the_site(keyed: Keyed) -> None:
    key, door = keyed.add("write", "shop"), keyed.door
    door.post("/e", b'{"category":"a"}', bearer(key))
    door.post("/e", b'{"category":"a","site":"shop"}')
    door.post("/e", b'{"category":"a"}')
    with_key, named, without = (line["_v"] for line in door.queue.lines)
    assert with_key == named != without


def test_a_wrong_key_is_401_and_nothing_is_kept(keyed: Keyed) -> None:
    door = keyed.door
    wrong = [keyed.add("read"), "em_" + "x" * 43, "", "a b", "\u00e9", "x" * 4000]
    for key in wrong:
        for request in (
            get("/event.png?category=a", bearer(key)),
            post("/e", b'{"category":"a"}', bearer(key)),
            post("/e", b"no json", bearer(key)),
            post("/financial_pro", b"a=1", bearer(key)),
        ):
            reply = door.ask(request)
            assert reply.status == 401, key
            assert reply.headers["www-authenticate"] == "Bearer"
            assert "eventmill keys add --scope write" in reply.json["error"]
            assert not key or key not in reply.body.decode("latin-1")
    assert door.queue.lines == []


def test_without_a_key_and_with_other_schemes_all_is_as_it_was(keyed: Keyed) -> None:
    keyed.add("write", "shop")
    for headers in (b"", b"Authorization: Basic dTpw\r\n", b"Authorization: Bearerx y\r\n"):
        assert keyed.door.post("/e", b'{"category":"a"}', headers).status == 200
    assert [line.get("site") for line in keyed.door.queue.lines] == [None] * 3
    assert keyed.door.get("/health", bearer("wrong")).status == 200


def test_an_admin_key_sends_too(keyed: Keyed) -> None:
    assert keyed.door.post("/e", b'{"category":"a"}', bearer(keyed.add("admin"))).status == 200


def test_two_keys_in_one_request_are_no_key(keyed: Keyed) -> None:
    key = keyed.add("write")
    assert keyed.door.post("/e", b'{"category":"a"}', bearer(key) * 2).status == 401


def test_a_removed_key_is_refused_within_a_second_on_a_connection_that_knows_it(keyed: Keyed) -> None:
    """The head of a request that came before is recognised by its bytes; its key is looked at each time."""
    key = keyed.add("write")
    with keyed.door.connect() as client:
        for _ in range(3):
            client.send(post("/e", b'{"category":"a"}', bearer(key)))
            assert client.reply().status == 200
        assert remove_key(keyed.database, "1")
        asked = time.monotonic()
        while True:
            client.send(post("/e", b'{"category":"a"}', bearer(key)))
            if client.reply().status == 401:
                break
            assert time.monotonic() - asked < 5
            time.sleep(0.02)


def test_the_file_holds_no_key(keyed: Keyed) -> None:
    key = keyed.add("write", "shop")
    file = keyed.data / DOOR_KEYS
    assert key not in file.read_text()
    assert list(json.loads(file.read_bytes())["keys"].values()) == ["shop"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_leaves_the_keys_in_force(keyed: Keyed) -> None:
    key = keyed.add("write")
    for content in (b"", b"{", b'{"keys":[1]}'):
        (keyed.data / DOOR_KEYS).write_bytes(content)
        keyed.door.collector.keys.reload()
        assert keyed.door.post("/e", b'{"category":"a"}', bearer(key)).status == 200
    (keyed.data / DOOR_KEYS).unlink()
    keyed.door.collector.keys.reload()
    assert keyed.door.post("/e", b'{"category":"a"}', bearer(key)).status == 401


def test_keys_of_another_machine_reach_the_file(keyed: Keyed, tmp_path: Path) -> None:
    """What the file says is compared with the database when it is opened, as a server does at its start."""
    add_key(keyed.database, "", "write", "far")
    (keyed.data / DOOR_KEYS).unlink()
    publish_keys(keyed.database, keyed.data)
    assert "far" in (keyed.data / DOOR_KEYS).read_text()
    assert not (keyed.data / DOOR_KEYS).with_suffix(".new").exists()
