"""`sites`: list, add and remove the sites that the dashboard offers."""

from typing import Annotated

import msgspec
import typer

from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.registry import opened
from eventmill.commands.tables import show
from eventmill.registry.base import shown

app = typer.Typer(
    help="List, add and remove the sites that the dashboard offers before their first event.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command("list")
def list_sites(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the sites that were added. Events of other sites are stored and shown too.

    [dim]Example:[/dim]  eventmill sites list --json
    """
    from eventmill.registry import sites

    with errors(), opened(settings_from(config, data)) as database:
        rows = [shown(site) for site in sites.list_sites(database)]
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
    else:
        show(("site", "domains", "since"), [(row["name"], " ".join(row["domains"]), row["created"]) for row in rows])


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="SITE", help="As events name it.")],
    domain: Annotated[
        list[str] | None, typer.Option("--domain", metavar="HOST", help="A host of it; repeat for more.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Add a site to the dashboard's list.

    [dim]Example:[/dim]  eventmill sites add shop --domain shop.example --domain www.shop.example
    """
    from eventmill.registry import sites

    with errors(), opened(settings_from(config, data)) as database:
        site = sites.add_site(database, name, domain or ())
    typer.echo(f"added site {site.name}{': ' if site.domains else ''}{' '.join(site.domains)}")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="SITE", help="As listed.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Take a site off the list; its events stay.

    [dim]Example:[/dim]  eventmill sites remove shop
    """
    from eventmill.registry import sites

    with errors(), opened(settings_from(config, data)) as database:
        found = sites.remove_site(database, name)
    if not found:
        fail(f"there is no site {name}; `eventmill sites list` shows them")
    typer.echo(f"removed site {name}")
