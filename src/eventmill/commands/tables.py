"""Answers in a terminal: right-aligned figures, share bars, sparklines, CSV that a spreadsheet does not run."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eventmill.query.export import table

_BARS = " ▁▂▃▄▅▆▇█"


def console() -> Console:
    """Writes to stdout; as wide as it needs where that is no terminal, so that nothing is folded in a pipe."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=10_000)


def figure(value: int | float | None) -> str:
    """12,345; a dash is no data."""
    if value is None:
        return "—"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def bar(share: float, width: int = 16) -> str:
    """A share from 0 to 1 as a bar with eighths."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    return "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")


def sparkline(values: Sequence[int]) -> str:
    """One character a value, at most 80: more are added together."""
    if not values:
        return ""
    step = -(-len(values) // 80)
    sums = [sum(values[at : at + step]) for at in range(0, len(values), step)]
    top = max(sums) or 1
    return "".join(_BARS[-(-value * 8 // top)] for value in sums)


def show(columns: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Iterable[str] = ()) -> None:
    """A table; `numbers` are the columns that stand to the right."""
    right = {*numbers}
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        shown.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        # Text, not markup: a key may hold brackets.
        shown.add_row(*(Text(figure(value) if isinstance(value, int | float) else clean(value)) for value in row))
    console().print(shown)


def clean(value: Any) -> str:
    """Without control characters: what a client sent must not steer the terminal."""
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def write_json(answer: Any) -> None:
    """The API's answer, on one line."""
    typer.echo(msgspec.json.encode(answer).decode())


def printed(
    answer: Any, columns: Sequence[str], rows: Sequence[Sequence[Any]], as_json: bool, as_csv: bool,
    as_ndjson: bool = False,
) -> bool:  # fmt: skip
    """Prints for a program, where one asked; False where a person did."""
    if as_json:
        write_json(answer)
    elif as_ndjson:
        data = answer["data"] if isinstance(answer["data"], list) else [answer["data"]]
        for row in data:
            write_json(row)
    elif as_csv:
        write_csv(columns, rows)
    return as_json or as_csv or as_ndjson


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """RFC 4180 on stdout. Text that a spreadsheet would take for a formula gets a quote before it."""
    sys.stdout.write(table(columns, rows))
