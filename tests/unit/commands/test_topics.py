"""`topics`: kept in the data directory, refused where the next start would refuse."""

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eventmill.commands.topics import app
from eventmill.settings import load
from eventmill.topics import Field, Topic


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVENTMILL_CONFIG", raising=False)


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code, done.output
    return done.output


def test_what_is_added_is_in_force():
    said = run(
        "add", "order", "--alias", "/order", "--extra", "reject", "--retention", "2d",
        "--field", "order_id:string,required,max_length=64", "--field", "amount:number,min=0",
        "--field", "currency:enum,values=EUR|USD", "--field", "code:string,pattern=[a-z]{1,3},x",
    )  # fmt: skip
    assert "added topic order: POST /t/order POST /order" in said
    assert load(env={}).topics["order"] == Topic(
        aliases=["/order"],
        extra="reject",
        retention="2d",
        fields={
            "order_id": Field(type="string", required=True, max_length=64),
            "amount": Field(type="number", min=0),
            "currency": Field(type="enum", values=["EUR", "USD"]),
            "code": Field(type="string", pattern="[a-z]{1,3},x"),
        },
    )


def test_adding_again_replaces():
    run("add", "order", "--field-count", "3")
    assert "replaced topic order" in run("add", "order", "--field-count", "4")
    assert load(env={}).topics["order"].field_count == 4


def test_the_file_holds_only_what_differs_from_the_defaults():
    run("add", "visit")
    assert tomllib.loads(Path("eventmill-data/topics.toml").read_text())["topics"] == {"visit": {}}
    assert not Path("eventmill-data/topics.new").exists()


def test_names_and_values_with_quotes_survive():
    run("add", "a", "--field", 'say "hi":string,pattern="\\d+"')
    assert load(env={}).topics["a"].fields == {'say "hi"': Field(pattern='"\\d+"')}


def test_removed():
    run("add", "order")
    run("remove", "order")
    assert "order" not in load(env={}).topics


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["add", "Bad Name"], "a name has a-z"),
        (["add", "x", "--retention", "long"], "topics.x.retention: 'long' is no duration"),
        (["add", "x", "--alias", "x"], "must be a path that starts with /"),
        (["add", "x", "--alias", "/e"], "a path of eventmill's own"),
        (["add", "x", "--alias", "/taken"], "/taken already belongs to topic first"),
        (["add", "x", "--extra", "no"], "extra"),
        (["add", "x", "--field", "a:numbr"], "the options are type, required, min"),
        (["add", "x", "--field", "a:number,minimum=1"], "unknown field `minimum`"),
        (["add", "x", "--field", ":number"], "write NAME:TYPE"),
        (["add", "x", "--field", "a:number,min"], "'min' needs a value"),
        (["add", "x", "--field", "a:enum"], "an enum needs values"),
    ],
)
def test_what_is_refused_leaves_the_file_alone(words, message):
    run("add", "first", "--alias", "/taken")
    before = Path("eventmill-data/topics.toml").read_text()
    assert message in run(*words, code=2)
    assert Path("eventmill-data/topics.toml").read_text() == before


def test_a_topic_of_the_file_is_named_with_its_place():
    Path("eventmill.toml").write_text("[topics.order]\n")
    assert "declared in eventmill.toml: remove [topics.order] there" in run("remove", "order", code=1)
    assert "declared in eventmill.toml: change it there" in run("add", "order", code=2)


def test_removing_what_is_not_there():
    assert "there is no topic nope" in run("remove", "nope", code=1)
    assert "is always there" in run("remove", "event", code=1)
    assert not Path("eventmill-data").exists()


def test_list():
    run("add", "order", "--alias", "/order", "--field-count", "2")
    assert "2 fields" in run("list")
    assert '"name":"order","paths":["/t/order","/order"]' in run("list", "--json")
