"""`password`: sets or removes the dashboard's password."""

import sys
from typing import Annotated

import typer

from eventmill.commands.common import ConfigOption, DataOption, errors, fail, settings_from
from eventmill.commands.registry import opened


def password(
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input, without asking.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it; on loopback changes then need none.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Set the dashboard's password: ten characters or more. Whoever is signed in has to sign in again.

    [dim]Example:[/dim]  eventmill password
             eventmill password --stdin < password.txt
    """
    from eventmill.registry.password import checked_password, remove_password, set_password

    settings = settings_from(config, data)
    with errors():
        if remove:
            with opened(settings) as database:
                found = remove_password(database)
            typer.echo("removed the password" if found else "no password is set")
            return
        chosen = checked_password(_read(stdin))
        with opened(settings) as database:
            set_password(database, chosen)
    typer.echo("the password is set; a running server asks for it within a second")


def _read(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        fail("this is no terminal to ask on: use --stdin", 2)
    text: str = typer.prompt("New password (10 characters or more)", hide_input=True, confirmation_prompt=True)
    return text
