"""What all commands share: the common options, errors that name the mend, exit codes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from eventmill.queue.base import QueueError
from eventmill.registry.base import Exists, Invalid, RegistryError
from eventmill.settings import Settings, SettingsError, load
from eventmill.store.base import StoreError

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration file.", show_default="./eventmill.toml if present"),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Data directory.", show_default="./eventmill-data")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def fail(message: str, code: int = 1) -> NoReturn:
    """Says what is wrong and ends: 1 failed, 2 wrong use."""
    typer.echo(f"eventmill: {message}", err=True)
    sys.exit(code)


def settings_from(config: Path | None, data: Path | None, **flags: Any) -> Settings:
    """The settings in force; flags are option paths with `__` for the dot. A wrong setting is a wrong use."""
    given = {name.replace("__", "."): value for name, value in flags.items()}
    try:
        return load(config, {"data": str(data) if data else None, **given})
    except SettingsError as error:
        fail(str(error), 2)


@contextmanager
def errors() -> Iterator[None]:
    """Turns what can go wrong in use into one line on stderr."""
    try:
        yield
    except Invalid as error:
        fail(str(error), 2)
    except (QueueError, StoreError, SettingsError, RegistryError, Exists, OSError) as error:
        fail(str(error))
