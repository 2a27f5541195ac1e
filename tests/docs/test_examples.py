"""The example configurations are what they say, and cannot fall behind the options."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from eventmill.commands.init import config_text, description
from eventmill.settings import Product, Settings, load, option_names, plain_type
from eventmill.topics import Field, Topic

EXAMPLES = Path(__file__).parents[2] / "examples" / "config"
REGENERATE = (
    "regenerate it: python -c 'from eventmill.commands.init import config_text as t; "
    'print(t(commented=False), end="")\' > examples/config/full.toml'
)


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.toml")))
def test_every_example_loads(name, tmp_path):
    load(EXAMPLES / name, {"data": str(tmp_path)}, env={})


def test_full_is_what_init_writes():
    assert (EXAMPLES / "full.toml").read_text(encoding="utf-8") == config_text(commented=False), REGENERATE


def test_full_names_every_option_with_its_default(tmp_path):
    tree = tomllib.loads((EXAMPLES / "full.toml").read_text(encoding="utf-8"))
    topics = tree.pop("topics")
    assert set(tree.pop("products")[0]) == set(Product.__struct_fields__)
    assert sorted(_paths(tree)) == sorted(name for name in option_names() if name != "topics")
    assert msgspec.convert(tree, Settings) == Settings()
    assert set(topics["order"]) == set(Topic.__struct_fields__)
    named = {option for field in topics["order"]["fields"].values() for option in field}
    assert named == set(Field.__struct_fields__)


def _paths(tree, prefix=""):
    for name, value in tree.items():
        yield from _paths(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]


def test_the_commented_file_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("eventmill.toml").write_text(config_text(commented=True), encoding="utf-8")
    with_file = load(env={})
    Path("eventmill.toml").unlink()
    assert with_file == load(env={})


def test_removing_the_marks_gives_the_full_file():
    lines = config_text(commented=True).splitlines()
    bare = [line[1:] if line.startswith("#") and line[1:2] not in (" ", "") else line for line in lines]
    assert "\n".join(bare) + "\n" == config_text(commented=False)


@pytest.mark.parametrize("struct", [Settings, Topic, Field, Product])
def test_every_option_has_a_description(struct):
    for field in msgspec.structs.fields(struct):
        kind = plain_type(field.type)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            test_every_option_has_a_description(kind)
        elif struct is not Settings or field.name not in ("topics", "products"):
            text = description(field.type)
            assert text[0].isupper(), text
            assert text.endswith("."), text


def test_the_six_interfaces():
    settings = load(EXAMPLES / "interfaces.toml", env={})
    found = {name: topic for name, topic in settings.topics.items() if name.endswith("_pro")}
    assert {name: topic.field_count for name, topic in found.items()} == {
        "identity_pro": 7, "financial_pro": 4, "internet_pro": 5, "social_pro": 3, "trip_pro": 3,
        "communication_pro": 4,
    }  # fmt: skip
    for name, topic in found.items():
        assert topic.aliases == [f"/{name}"]
        assert (topic.group, topic.retention, topic.consumers, topic.start) == (name, "15d", 1, "earliest")
