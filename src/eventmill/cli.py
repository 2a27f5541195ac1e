"""The command line: what a person types. Each command is a file under `commands/`."""

import sys
from importlib import import_module

import typer

from eventmill import __version__

app = typer.Typer(
    name="eventmill",
    help="Collect events, keep every one, count each exactly once.\n\n"
    "Start with [bold]eventmill serve[/bold], send with [bold]eventmill send h5 pv 85 41[/bold], "
    "look with [bold]eventmill query counts --category h5[/bold].",
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"eventmill {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Collect events, keep every one, count each exactly once."""


_COMMANDS = {
    "Run": [("serve", "serve"), ("serve", "collect"), ("serve", "work"), ("serve", "web"), ("init", "init")],
    "Send and look": [
        ("send", "send"),
        ("inspect", "live"),
        ("inspect", "trace"),
        ("query", "ledger"),
        ("inspect", "sql"),
    ],
    "Look after": [("password", "password"), ("forget", "forget"), ("doctor", "doctor"), ("bench", "bench")],
}
_GROUPS = {
    "Send and look": [("query", "query"), ("rejects", "rejects"), ("goals", "goals"), ("alerts", "alerts")],
    "Look after": [("topics", "topics"), ("keys", "keys"), ("domains", "domains"), ("sites", "sites")],
}


def _mount() -> None:
    import_module("eventmill.commands.behaviour")  # more commands of the group `query`
    import_module("eventmill.commands.products")
    for panel, commands in _COMMANDS.items():
        for module, name in commands:
            function = getattr(import_module(f"eventmill.commands.{module}"), name)
            app.command(name, rich_help_panel=panel)(function)
    for panel, groups in _GROUPS.items():
        for module, name in groups:
            group = import_module(f"eventmill.commands.{module}").app
            app.add_typer(group, name=name, rich_help_panel=panel)


_mount()


def main() -> None:
    """The `eventmill` program. Exit 0 done, 1 failed, 2 wrong use."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
