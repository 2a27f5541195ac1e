"""Statements that are too long to stand in code: files of `sql/`, by name.

`{name:Type}` are bound parameters. `$name` is a place for SQL that a module of this package makes: conditions of a
filter, the expression of a dimension. No value ever goes there.
"""

from functools import cache
from importlib import resources
from string import Template


@cache
def _file(name: str) -> Template:
    text = resources.files("eventmill.query").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return Template("\n".join(lines))


def statement(name: str, /, **parts: str) -> str:
    """The statement with its places filled; all of them must be."""
    return _file(name).substitute(parts)
