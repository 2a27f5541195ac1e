"""Rows of the table: one figure each, what it must reach and what to aim at; printed for people and as Markdown."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One figure. Without `must` it is shown for comparison; a `detail` is shown only where its part runs alone."""

    name: str
    figure: float
    unit: str
    must: float | None = None
    aim: float | None = None
    lower: bool = False  # the smaller, the better
    note: str = ""
    spoilt: str = ""  # why the figure does not count, e.g. requests that failed
    detail: bool = False

    @property
    def met(self) -> str:
        """`aim`, `yes`, `no`, or nothing where there is no target."""
        if self.spoilt:
            return "no"
        if self.must is None:
            return ""
        reaches = (lambda bound: self.figure <= bound) if self.lower else (lambda bound: self.figure >= bound)
        if self.aim is not None and reaches(self.aim):
            return "aim"
        return "yes" if reaches(self.must) else "no"

    def measured(self) -> str:
        extra = "; ".join(text for text in (self.note, self.spoilt) if text)
        return amount(self.figure, self.unit) + (f" ({extra})" if extra else "")

    def bound(self, value: float | None) -> str:
        return "" if value is None else ("≤ " if self.lower else "≥ ") + amount(value, self.unit)


@dataclass
class Part:
    """What one part of the bench gave, and how quiet the machine was meanwhile."""

    name: str
    seconds: float = 0.0
    load: float = 0.0  # load average over a minute when the part began
    others: float = 0.0  # share of all cores' time that processes outside the bench took
    rows: list[Row] = field(default_factory=list)
    failed: str = ""

    @property
    def noisy(self) -> bool:
        return self.others > 0.10

    @property
    def command(self) -> str:
        return f'make bench ARGS="--only {self.name}"'

    def quiet(self) -> str:
        """`load 0.1, others 2 %`, with `noisy` where the figures deserve no trust."""
        return f"load {self.load:.1f}, others {self.others:.0%}" + (" — noisy" if self.noisy else "")

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"noisy": self.noisy, "rows": [asdict(row) | {"met": row.met} for row in self.rows]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Part":
        given = {key: value for key, value in stored.items() if key != "noisy"}
        return cls(**given | {"rows": rows_from(stored["rows"])})


def rows_from(stored: list[dict[str, Any]]) -> list[Row]:
    return [Row(**{key: value for key, value in row.items() if key != "met"}) for row in stored]


def amount(value: float, unit: str) -> str:
    if unit == "×":
        return f"{value:.3f} ×" if value < 0.1 else f"{value:.2f} ×"
    digits = 0 if value >= 100 else 1
    return f"{value:,.{digits}f}{'' if unit.startswith('/') else ' '}{unit}"


_COLOURS = {"aim": "green", "yes": "green", "no": "red", "": ""}


def show(parts: list[Part], console: Console, *, details: bool = False) -> None:
    """The table for a terminal; a part's command stands at its first row."""
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for heading in ("what", "measured", "must reach", "aim", "met", "command"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"must reach", "aim", "met"})
    for part in parts:
        command, noise = part.command, f"\n[yellow]{part.quiet()}[/]" if part.noisy else ""
        if part.failed:
            table.add_row(part.name, f"[red]{part.failed}[/]", "", "", "no", command + noise)
            command = noise = ""
        for row in part.rows:
            if row.detail and not details:
                continue
            colour = _COLOURS[row.met]
            figure = f"[{colour}]{row.measured()}[/]" if colour else row.measured()
            table.add_row(row.name, figure, row.bound(row.must), row.bound(row.aim), row.met, command + noise)
            command = noise = ""
        table.add_section()
    console.print(table)


def markdown(parts: list[Part]) -> str:
    """The table of README."""
    lines = ["| what | measured | must reach | aim | command |", "|---|---|---|---|---|"]
    for part in parts:
        command = f"`{part.command}`" + (f" ({part.quiet()})" if part.noisy else "")
        if part.failed:
            lines.append(f"| {part.name} | failed: {part.failed} | | | {command} |")
            command = ""
        for row in part.rows:
            if row.detail:
                continue
            figure = row.measured()
            if row.met == "no":
                figure = f"**missed:** {figure}"
            cells = (row.name, figure, row.bound(row.must), row.bound(row.aim), command)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
            command = ""
    return "\n".join(lines)
