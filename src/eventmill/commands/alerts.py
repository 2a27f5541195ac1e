"""`alerts`: list, add, remove and try the alerts that the server evaluates."""

from typing import Annotated, Any

import msgspec
import typer

from eventmill.commands import tables
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.options import SiteOption, TopicOption
from eventmill.commands.registry import opened
from eventmill.commands.source import Answers

app = typer.Typer(
    help="Alerts: a webhook is told when a statistic goes astray.", no_args_is_help=True, rich_markup_mode="rich"
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As listed.")]


@app.command("list")
def list_alerts(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the alerts; where a server runs, with how they stand and what became of the last notices.

    [dim]Example:[/dim]  eventmill alerts list
    """
    settings = settings_from(config, data)
    answers = Answers(settings)
    sent: list[dict[str, Any]] = []
    with errors():
        if answers.served:
            found = answers.get("alerts")["data"]
            sent = answers.get("alerts/deliveries")["data"]
        else:
            found = _kept(settings)
    if as_json:
        typer.echo(msgspec.json.encode({"data": found, "deliveries": sent}).decode())
        return
    columns = ("alert", "state", "value", "condition", "since")
    tables.show(columns, [(r["name"], r["state"], r["value"], r["condition"], r["since"]) for r in found])
    for row in found:
        if row["error"]:
            typer.echo(f"{row['name']}: {row['error']}")
    if sent:
        typer.echo("")
        names = ("at", "alert", "event", "host", "state", "attempts", "error")
        tables.show(names, [tuple(row[name] for name in names) for row in sent])


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    url: Annotated[str, typer.Option("--url", metavar="URL", help="The webhook that is told, https:// or http://.")],
    kind: Annotated[str, typer.Option("--kind", help="threshold, change, silence or pipeline.")] = "threshold",
    statistic: Annotated[
        str,
        typer.Option(
            help="pv, uv, rejected, requests, errors, error_rate, p95_ms; lag_events, lag_seconds, unbalanced."
        ),
    ] = "pv",
    topic: TopicOption = "",
    site: SiteOption = "",
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="CONDITION", help="FIELD is|is not|contains|starts with|in VALUE; repeat."),
    ] = None,
    window: Annotated[str, typer.Option(help="How far back it looks, e.g. 10m, 1h.")] = "1h",
    above: Annotated[float | None, typer.Option(help="Fires above this number.")] = None,
    below: Annotated[float | None, typer.Option(help="Fires below this number.")] = None,
    percent: Annotated[float | None, typer.Option(help="Fires at this change from a week before.")] = None,
    direction: Annotated[str, typer.Option(help="up, down or both: which changes count.")] = "both",
    least: Annotated[float, typer.Option(help="A week before with less is not compared.")] = 10.0,
    repeat: Annotated[str, typer.Option(help="Told again after this time while it lasts; 0 never.")] = "6h",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Add an alert. The server evaluates it every half minute, and tells when it begins and when it is over.

    [dim]Examples:[/dim]  eventmill alerts add 'no orders' --kind silence --topic order --window 10m --url https://…
              eventmill alerts add 'few views' --kind change --percent 50 --direction down --url https://…
              eventmill alerts add 'errors' --statistic error_rate --above 0.02 --window 5m --url https://…
              eventmill alerts add 'late' --kind pipeline --statistic lag_seconds --above 60 --url https://…
    """
    from eventmill.alerts.address import Refused, checked_url
    from eventmill.alerts.loop import spec_text
    from eventmill.alerts.model import Spec, words
    from eventmill.query.errors import RequestError
    from eventmill.query.filters import conditions_text, parse_phrase
    from eventmill.registry import alerts

    settings = settings_from(config, data)
    with errors(), opened(settings) as database:
        try:
            filters = conditions_text([parse_phrase(text) for text in where or ()])
            spec = Spec(
                kind=kind, statistic=statistic, topic=topic, site=site, window=window, above=above, below=below,
                percent=percent, direction=direction, least=least, repeat=repeat,
                filters=msgspec.json.decode(filters) if filters else [],
            )  # fmt: skip
            kept = spec_text(spec)
            alert = alerts.add_alert(
                database, name, kept, checked_url(url, allow_private=settings.alerts.allow_private)
            )
        except (RequestError, Refused) as error:
            fail(str(error), 2)
    typer.echo(f"added alert {alert.name}: {words(spec)}")


@app.command()
def remove(name: NameArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Remove an alert.

    [dim]Example:[/dim]  eventmill alerts remove 'no orders'
    """
    from eventmill.registry import alerts

    with errors(), opened(settings_from(config, data)) as database:
        found = alerts.remove_alert(database, name)
    if not found:
        fail(f"there is no alert {name}; `eventmill alerts list` shows them")
    typer.echo(f"removed alert {name}")


@app.command("test")
def try_(name: NameArgument, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Send a test notice to an alert's webhook, once, and say what it answered.

    [dim]Example:[/dim]  eventmill alerts test 'no orders'
    """
    from urllib.parse import quote

    settings = settings_from(config, data)
    answers = Answers(settings)
    if not answers.served:
        fail(f"no server runs on {settings.data_dir}: start it with `eventmill serve`, it sends the notices")
    with errors():
        outcome = answers.post(f"alerts/{quote(name, safe='')}/test", {})
    if as_json:
        typer.echo(msgspec.json.encode(outcome).decode())
    elif outcome["delivered"]:
        typer.echo(f"delivered: the webhook answered {outcome['status']}")
    if not outcome["delivered"]:
        fail(outcome["error"])


def _kept(settings: Any) -> list[dict[str, Any]]:
    from eventmill.alerts.loop import spec_of
    from eventmill.alerts.model import words
    from eventmill.query.errors import RequestError
    from eventmill.registry import alerts

    rows = []
    with opened(settings) as database:
        for alert in alerts.list_alerts(database):
            row = {"name": alert.name, "state": "no server runs", "value": None, "since": None, "error": ""}
            try:
                rows.append({**row, "condition": words(spec_of(alert))})
            except RequestError as error:
                rows.append({**row, "condition": "", "error": str(error)})
    return rows
