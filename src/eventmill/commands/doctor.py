"""`doctor`: is this machine fit to keep what it acknowledges?"""

import sys
from collections.abc import Callable, Iterable

import msgspec
import typer
from rich.markup import escape

from eventmill.commands.checks import disk, machine, ports, server, versions
from eventmill.commands.checks.finding import Finding
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, settings_from
from eventmill.commands.tables import console
from eventmill.settings import Settings

CHECKS: tuple[Callable[[Settings], Iterable[Finding]], ...] = (
    versions.check, disk.check, server.check, ports.check, machine.check,
)  # fmt: skip
"""In the order in which they are shown: what others depend on comes first."""

_MARKS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}


def doctor(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Check this machine: disk (fsync time, space), server, queue, ports, clock, limits, versions.

    Every line that is not ok names its mend. Ends with 1 where something fails; a warning is no failure.

    [dim]Example:[/dim]  eventmill doctor --data /var/lib/eventmill
    """
    settings = settings_from(config, data)
    findings = [finding for check in CHECKS for finding in check(settings)]
    if as_json:
        typer.echo(msgspec.json.encode(findings).decode())
    else:
        out = console()
        for found in findings:
            mend = f"\n      → {escape(found.mend)}" if found.mend else ""
            out.print(f"{_MARKS[found.level]}  {found.check:<14}  {escape(found.text)}{mend}", soft_wrap=True)
    if any(found.level == "fail" for found in findings):
        sys.exit(1)
