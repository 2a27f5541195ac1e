"""`keys`, `domains`, `sites` and `password` on a data directory; what a running server makes of it is tested there."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eventmill.app import open_registry
from eventmill.cli import app
from eventmill.registry.password import matches, password_hash
from eventmill.settings import DOOR_KEYS, load


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVENTMILL_CONFIG", raising=False)


def run(*words: str, code: int = 0, stdin: str | None = None) -> tuple[str, str]:
    """What the command printed: (stdout, stderr)."""
    done = CliRunner().invoke(app, words, input=stdin)
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


def test_a_key_is_printed_once_and_alone_on_stdout():
    out, err = run("keys", "add", "grafana", "--scope", "read", "--site", "shop")
    assert re.fullmatch(r"em_[\w-]{43}\n", out)
    assert "added read key grafana of site shop; keep it now" in err
    listed, _ = run("keys", "list")
    assert "grafana" in listed
    assert "shop" in listed
    assert out.strip() not in listed
    assert out[:9] in listed
    kept = b"".join(path.read_bytes() for path in Path("eventmill-data").iterdir())
    assert out.strip().encode() not in kept


def test_json():
    added = json.loads(run("keys", "add", "--scope", "write", "--json")[0])
    listed = json.loads(run("keys", "list", "--json")[0])
    assert listed == [{name: value for name, value in added.items() if name != "key"}]
    assert added["scope"] == "write"
    assert "hash" not in added
    assert json.loads(run("domains", "list", "--json")[0]) == []
    assert json.loads(run("sites", "list", "--json")[0]) == []


def test_the_door_learns_of_keys_that_may_send():
    for scope in ("read", "write", "admin"):
        run("keys", "add", scope, "--scope", scope)
    file = Path("eventmill-data") / DOOR_KEYS
    assert len(json.loads(file.read_bytes())["keys"]) == 2
    run("keys", "remove", "write")
    assert len(json.loads(file.read_bytes())["keys"]) == 1


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["keys", "add", "a", "--scope", "all"], "'all' is no scope: read, write, admin", 2),
        (["keys", "add", "a/b"], "is no name", 2),
        (["keys", "add", "a", "--scope", "admin", "--site", "s"], "an admin key is of all sites", 2),
        (["keys", "add", "taken"], "there is a key 'taken' already", 1),
        (["keys", "remove", "nope"], "there is no key nope; `eventmill keys list`", 1),
        (["domains", "add", "https://a.example"], "is no host", 2),
        (["domains", "add", "bücher.example"], "xn--", 2),
        (["domains", "remove", "nope.example"], "nope.example is not on the list", 1),
        (["sites", "add", "a/b"], "a site needs a name", 2),
        (["sites", "remove", "nope"], "there is no site nope", 1),
        (["password", "--stdin"], "a password has 10 to 1024 characters; this one has 5", 2),
        (["password"], "this is no terminal to ask on: use --stdin", 2),
    ],
)
def test_what_is_refused(words, message, code):
    run("keys", "add", "taken")
    assert message in run(*words, code=code, stdin="short\n")[1]


def test_domains():
    assert "pages of shop.example:8443 may use the API" in run("domains", "add", "Shop.Example:8443")[0]
    err = run("domains", "add", "*")[1]
    assert "warning" in err
    assert "eventmill domains remove '*'" in err
    assert "shop.example:8443" in run("domains", "list")[0]
    run("domains", "remove", "*")
    run("domains", "remove", "SHOP.example:8443")
    assert json.loads(run("domains", "list", "--json")[0]) == []


def test_sites():
    assert run("sites", "add", "shop", "--domain", "a.example", "--domain", "b.example")[0].startswith(
        "added site shop"
    )
    assert "a.example b.example" in run("sites", "list")[0]
    assert "removed site shop" in run("sites", "remove", "shop")[0]


def test_the_password():
    run("password", "--stdin", stdin="correct horse\r\nnot this line\n")
    database = open_registry(load(env={}))
    assert matches(password_hash(database), "correct horse")
    assert "removed the password" in run("password", "--remove")[0]
    assert password_hash(database) == ""
    assert "no password is set" in run("password", "--remove")[0]
    database.close()


def test_a_newer_database_is_named():
    from eventmill.registry import tables

    database = open_registry(load(env={}))
    with database.changing() as connection:
        connection.execute(tables.meta.update().where(tables.meta.c.name == "schema").values(value=7))
    database.close()
    assert "run the newer version" in run("keys", "list", code=1)[1]


def test_an_open_address_is_refused_with_the_mend():
    message = run("serve", "--web", "0.0.0.0:0", "--collect", "127.0.0.1:0", code=2)[1]
    assert "`eventmill password`" in message
    assert "eventmill keys add --scope read" in message
    assert not Path("eventmill-data/runtime.json").exists()
