"""What pages name exists: commands, options, settings, reasons, links; and the generated pages are current."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from eventmill.cli import app
from eventmill.event import TEXT_FIELDS
from eventmill.settings import load, option_names
from scripts import docs
from scripts.check_tree import check_links
from tests.docs.pages import LANGUAGES, ROOT, blocks, inline, invocations, name, pages

PAGES = pages()
_SETTING = re.compile(r"(?:queue|store|collect|web|work)\.[a-z_]+")
_OF_TOPICS = {"data", "timezone"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_have_a_language_with_a_meaning(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_and_options_exist(page: Path) -> None:
    for words in invocations(page):
        command: Any = typer.main.get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        shown = f"{name(page)}: eventmill {command.name} {' '.join(words)}"
        assert not hasattr(command, "commands") or not words or words[0].startswith("-"), shown
        known = {option for param in command.params for option in param.opts} | {"--help", "-h", "--version"}
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= known, shown


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_settings_exist(page: Path) -> None:
    known = {*option_names()}
    for text in inline(page):
        if _SETTING.fullmatch(text):
            assert text in known, f"{name(page)}: {text}"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "toml")], ids=name)
def test_configurations_load(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "toml"):
        file = tmp_path / "eventmill.toml"
        file.write_text(block.text, encoding="utf-8")
        load(file, {"data": str(tmp_path)}, env={})


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_resolve(page: Path) -> None:
    assert list(check_links(page, page.read_text(encoding="utf-8"))) == []


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    text = index.read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert page == index or f"]({page.relative_to(index.parent)})" in text, name(page)


def test_generated_pages_are_current() -> None:
    assert docs.main(["--check"]) == 0


def test_every_reject_reason_is_in_the_table() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    made = set(re.findall(r'Malformed\(\s*"(\w+)"', source))
    made |= {f"invalid_{field}" for field in re.findall(r'_Invalid\("(\w+)"\)', source)}
    made |= set(re.findall(r'^REASON = "(\w+)"', source, re.MULTILINE))
    made |= set(re.findall(r'reject(?:_matching)?\([^\n]*"(\w+_\w+)"', source))
    made |= set(re.findall(r'return "(\w+)", f?["\w]', (ROOT / "src/eventmill/work/checks.py").read_text()))
    page = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
    table = page.partition("## Reject reasons")[2]
    told = {
        reason for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for reason in re.findall(r"`(\w+)`", row)
    }
    assert made == {reason for reason in told if not reason.endswith("_")}


def test_every_field_is_in_the_table() -> None:
    page = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
    table = page.partition("## Fields")[2].partition("## Key")[0]
    for field in (*TEXT_FIELDS, "duration_ms", "bytes", "props"):
        assert f"`{field}`" in table, field
