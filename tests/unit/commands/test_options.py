"""An option means the same in every command that asks: nobody has to read its help twice."""

from collections import defaultdict
from typing import Any

import pytest
import typer.main

from eventmill.cli import app

ASKING = ("query", "rejects", "live", "trace", "sql", "ledger")


def options(command: Any) -> list[Any]:
    """All options of a command and of those below it."""
    below = [option for child in getattr(command, "commands", {}).values() for option in options(child)]
    return [*(param for param in command.params if param.param_type_name == "option"), *below]


@pytest.fixture(scope="module")
def by_name() -> dict[str, list[Any]]:
    found = defaultdict(list)
    root: Any = typer.main.get_command(app)
    for name in ASKING:
        for option in options(root.commands[name]):
            found[option.opts[0]].append(option)
    return found


@pytest.mark.parametrize(
    "name", ["--config", "--data", "--json", "--csv", "--tz", "--topic", "--site", "--bot", "--reason"]
)
def test_shared_options_say_the_same(by_name: dict[str, list[Any]], name: str) -> None:
    assert len(by_name[name]) > 1
    assert len({(option.help, option.metavar, str(option.default)) for option in by_name[name]}) == 1


@pytest.mark.parametrize(
    ("name", "defaults"),
    [("--from", {"6 days before --to", "all that there is"}), ("--to", {"today", "all that there is"})],
)
def test_a_period_is_the_last_week_or_all(by_name: dict[str, list[Any]], name: str, defaults: set[str]) -> None:
    assert {option.show_default for option in by_name[name]} == defaults
