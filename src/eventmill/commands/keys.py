"""`keys`: list, add and remove API keys."""

from typing import Annotated

import msgspec
import typer

from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.registry import opened
from eventmill.commands.tables import show
from eventmill.registry.base import shown

app = typer.Typer(
    help="List, add and remove API keys: who may send, read or change settings from elsewhere.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
ScopeOption = Annotated[
    str,
    typer.Option(
        "--scope", metavar="read|write|admin", help="read statistics, send (write) events, or everything (admin)."
    ),
]
KeySiteOption = Annotated[
    str,
    typer.Option(
        "--site",
        help="A read key sees only this site; the events of a write key are of it where they name none.",
        show_default="all sites",
    ),
]


@app.command("list")
def list_keys(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the keys by their beginning; their text is kept nowhere.

    [dim]Example:[/dim]  eventmill keys list --json
    """
    from eventmill.registry import keys

    with errors(), opened(settings_from(config, data)) as database:
        rows = [shown(key) for key in keys.list_keys(database)]
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
        return
    columns = ("id", "name", "scope", "site", "prefix", "created")
    show(columns, [[str(row[column]) for column in columns] for row in rows])


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="What the key is for.")] = "",
    scope: ScopeOption = "read",
    site: KeySiteOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a key and print it: this once, since only its hash is kept. A running server knows it within a second.

    It goes into a header: [bold]Authorization: Bearer KEY[/bold], never into an address.

    [dim]Example:[/dim]  eventmill keys add grafana --scope read --site shop
    """
    from eventmill.registry import keys

    with errors(), opened(settings_from(config, data)) as database:
        key, text = keys.add_key(database, name, scope, site)
    if as_json:
        typer.echo(msgspec.json.encode(shown(key, key=text)).decode())
        return
    typer.echo(text)
    of = f" of site {key.site}" if key.site else ""
    typer.echo(f"added {key.scope} key {key.name}{of}; keep it now, it is not shown again", err=True)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="The key's name or id, as listed.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Remove a key. A running server refuses it within a second.

    [dim]Example:[/dim]  eventmill keys remove grafana
    """
    from eventmill.registry import keys

    with errors(), opened(settings_from(config, data)) as database:
        found = keys.remove_key(database, name)
    if not found:
        fail(f"there is no key {name}; `eventmill keys list` shows them")
    typer.echo(f"removed key {name}")
