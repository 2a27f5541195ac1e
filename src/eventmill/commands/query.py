"""`query counts|series|top|ledger` and `ledger`: the statistics in a terminal."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer

from eventmill.commands import tables
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, settings_from
from eventmill.commands.options import (
    BotOption,
    CsvOption,
    FromOption,
    KeyArgument,
    SinceOption,
    SiteOption,
    ToOption,
    TopicOption,
    TzOption,
    UntilOption,
)
from eventmill.commands.source import Answers
from eventmill.event import KEY_PARTS, key_parts
from eventmill.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Statistics: the API's answers as a table, --json or --csv.")


def range_params(settings: Settings, key: str, first: str, last: str, **given: str) -> dict[str, str]:
    """The API's parameters: the last seven days of the zone unless said otherwise."""
    from zoneinfo import ZoneInfo

    try:
        zone = ZoneInfo(given.get("tz") or settings.timezone)
    except (KeyError, ValueError, OSError):
        zone = settings.zone  # the question itself says what is wrong with it
    last = last or datetime.now(zone).date().isoformat()
    if not first:
        try:
            first = (datetime.fromisoformat(last) - timedelta(days=6)).date().isoformat()
        except (ValueError, OverflowError):
            first = last
    parts = dict(zip(KEY_PARTS, key_parts(key), strict=False))
    return {name: value for name, value in {"from": first, "to": last, **parts, **given}.items() if value}


def _print_json(answer: Any) -> None:
    typer.echo(msgspec.json.encode(answer).decode())


@app.command()
def counts(
    key: KeyArgument = "",
    first: FromOption = "",
    last: ToOption = "",
    by: Annotated[str, typer.Option(help="category, action, label, value: one row per key of that depth; all.")] = "",
    interval: Annotated[str, typer.Option(help="day, hour or total.")] = "day",
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Views (pv) and visitors (uv) of keys.

    [dim]Examples:[/dim]  eventmill query counts h5.pv --by label
              eventmill query counts --by all --interval total --from 2026-11-01
    """
    settings = settings_from(config, data)
    given = {"by": by, "interval": interval, "tz": tz, "topic": topic, "site": site, "bot": bot}
    with errors():
        answer = Answers(settings).ask("counts", range_params(settings, key, first, last, **given))
    if as_json:
        _print_json(answer)
        return
    columns = ("date", "key", "pv", "uv")
    rows = [(r["eventDate"], r["eventKey"], r["eventData"]["pv"], r["eventData"]["uv"]) for r in answer["data"]]
    if as_csv:
        tables.write_csv(columns, rows)
        return
    most = max((row[2] for row in rows), default=0) or 1
    tables.show((*columns, ""), [(*row, tables.bar(row[2] / most)) for row in rows], ("pv", "uv"))
    if not rows:
        typer.echo("No events there. Send one: eventmill send demo hello")


@app.command()
def series(
    key: KeyArgument = "",
    first: FromOption = "",
    last: ToOption = "",
    interval: Annotated[str, typer.Option(help="minute, hour, day, week or month.")] = "day",
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Views and visitors over time, gaps as zeros, with a sparkline."""
    settings = settings_from(config, data)
    given = {"interval": interval, "tz": tz, "topic": topic, "site": site, "bot": bot}
    with errors():
        answer = Answers(settings).ask("series", range_params(settings, key, first, last, **given))
    if as_json:
        _print_json(answer)
        return
    columns = ("time", "pv", "uv")
    rows = [(point["time"], point["pv"], point["uv"]) for point in answer["data"]]
    if as_csv:
        tables.write_csv(columns, rows)
        return
    tables.console().print(tables.sparkline([row[1] for row in rows]))
    most = max((row[1] for row in rows), default=0) or 1
    tables.show((*columns, ""), [(*row, tables.bar(row[1] / most)) for row in rows], ("pv", "uv"))


@app.command()
def top(
    dimension: Annotated[str, typer.Argument(help="A field such as browser, url, label; or props.NAME.")],
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="Only below this prefix of the key.")] = "",
    first: FromOption = "",
    last: ToOption = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 10,
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """The most frequent values of a field, with their share of all views."""
    settings = settings_from(config, data)
    given = {"dimension": dimension, "limit": str(limit), "tz": tz, "topic": topic, "site": site, "bot": bot}
    with errors():
        answer = Answers(settings).ask("top", range_params(settings, key, first, last, **given))
    if as_json:
        _print_json(answer)
        return
    columns = (dimension, "pv", "uv", "share")
    rows = [(row["value"], row["pv"], row["uv"], row["share"]) for row in answer["data"]]
    if as_csv:
        tables.write_csv(columns, rows)
        return
    shown = [(value or "(none)", pv, uv, f"{share:.1%}", tables.bar(share)) for value, pv, uv, share in rows]
    tables.show((*columns, ""), shown, ("pv", "uv", "share"))


@app.command()
def ledger(
    topic: TopicOption = "",
    limit: Annotated[int, typer.Option(min=0, max=1_000_000, help="The newest minutes shown.")] = 20,
    first: SinceOption = "",
    last: UntilOption = "",
    tz: TzOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """received = stored + duplicate + rejected + queued, per topic and minute. Exits 1 when it does not balance."""
    settings = settings_from(config, data)
    params = {"topic": topic, "from": first, "to": last, "tz": tz}
    if not as_json:
        params["limit"] = str(limit)
    with errors():
        answer = Answers(settings).ask("ledger", {name: value for name, value in params.items() if value})
    columns = ("topic", "minute", "received", "stored", "duplicate", "rejected", "queued")
    rows = [tuple(row[name] for name in columns) for row in answer["data"]]
    if as_json:
        _print_json(answer)
    elif as_csv:
        tables.write_csv(columns, rows)
    else:
        total = answer["total"]
        tables.show(columns, [*rows, ("total", "", *(total[name] for name in columns[2:]))], columns[2:])
        sign = "✓ balanced" if answer["balanced"] else "✗ does not balance: see `eventmill doctor`"
        tables.console().print(f"received = stored + duplicate + rejected + queued   {sign}")
    if not answer["balanced"]:
        raise typer.Exit(1)
