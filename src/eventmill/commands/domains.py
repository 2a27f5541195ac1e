"""`domains`: list, add and remove the hosts whose pages may use the API."""

from typing import Annotated

import msgspec
import typer

from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.registry import opened
from eventmill.commands.tables import show
from eventmill.registry.base import shown

app = typer.Typer(
    help="List, add and remove domains: hosts whose pages may ask the API from a browser.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command("list")
def list_domains(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the domains.

    [dim]Example:[/dim]  eventmill domains list --json
    """
    from eventmill.registry import domains

    with errors(), opened(settings_from(config, data)) as database:
        rows = [shown(domain) for domain in domains.list_domains(database)]
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
    else:
        show(("host", "since"), [(row["host"], row["created"]) for row in rows])


@app.command()
def add(
    host: Annotated[str, typer.Argument(metavar="HOST", help="shop.example, shop.example:8443, or '*' for all.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Let the pages of a host ask the API. A running server does within a second.

    Exactly this host: neither its subdomains nor, unless given, a port other than 80 and 443. What a page may
    read is decided by the key that it sends; the list alone opens nothing to other machines.

    [dim]Example:[/dim]  eventmill domains add intranet.example
    """
    from eventmill.registry import domains

    with errors(), opened(settings_from(config, data)) as database:
        domain = domains.add_domain(database, host)
    typer.echo(f"pages of {domain.host} may use the API")
    if domain.host == domains.EVERY:
        typer.echo(
            "eventmill: warning: any page that is open in a browser on this network may now read the statistics; "
            "for production name the hosts, and run: eventmill domains remove '*'",
            err=True,
        )


@app.command()
def remove(
    host: Annotated[str, typer.Argument(metavar="HOST", help="As listed.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Take a host off the list. A running server refuses its pages within a second.

    [dim]Example:[/dim]  eventmill domains remove intranet.example
    """
    from eventmill.registry import domains

    with errors(), opened(settings_from(config, data)) as database:
        found = domains.remove_domain(database, host)
    if not found:
        fail(f"{host} is not on the list; `eventmill domains list` shows it")
    typer.echo(f"removed {host}")
