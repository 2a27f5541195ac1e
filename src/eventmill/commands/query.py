"""`query counts|series|top|summary|ledger` and `ledger`: the statistics in a terminal."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from eventmill.commands import tables
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, settings_from
from eventmill.commands.options import (
    BotOption,
    CompareOption,
    CsvOption,
    FromOption,
    KeyArgument,
    NdjsonOption,
    SinceOption,
    SiteOption,
    ToOption,
    TopicOption,
    TzOption,
    UntilOption,
    WhereOption,
    conditions,
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


@app.command()
def counts(
    key: KeyArgument = "",
    first: FromOption = "",
    last: ToOption = "",
    by: Annotated[str, typer.Option(help="category, action, label, value: one row per key of that depth; all.")] = "",
    interval: Annotated[str, typer.Option(help="day, hour or total.")] = "day",
    where: WhereOption = None,
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    as_ndjson: NdjsonOption = False,
) -> None:
    """Views (pv) and visitors (uv) of keys.

    [dim]Examples:[/dim]  eventmill query counts h5.pv --by label
              eventmill query counts --by all --interval total --where 'browser is Chrome'
    """
    settings = settings_from(config, data)
    given = {"by": by, "interval": interval, "tz": tz, "topic": topic, "site": site, "bot": bot}
    given["filters"] = conditions(where)
    with errors():
        answer = Answers(settings).ask("counts", range_params(settings, key, first, last, **given))
    columns = ("date", "key", "pv", "uv")
    rows = [(r["eventDate"], r["eventKey"], r["eventData"]["pv"], r["eventData"]["uv"]) for r in answer["data"]]
    if tables.printed(answer, columns, rows, as_json, as_csv, as_ndjson):
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
    compare: CompareOption = False,
    where: WhereOption = None,
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    as_ndjson: NdjsonOption = False,
) -> None:
    """Views and visitors over time, gaps as zeros, with a sparkline.

    [dim]Example:[/dim]  eventmill query series --compare --where 'country in DE,AT,CH'
    """
    settings = settings_from(config, data)
    given = {"interval": interval, "tz": tz, "topic": topic, "site": site, "bot": bot, **_more(where, compare)}
    with errors():
        answer = Answers(settings).ask("series", range_params(settings, key, first, last, **given))
    columns: tuple[str, ...] = ("time", "pv", "uv")
    rows: list[tuple[Any, ...]] = [(point["time"], point["pv"], point["uv"]) for point in answer["data"]]
    if compare:
        # Side by side by place: the third day and the third day before.
        columns = (*columns, "pv before", "uv before")
        before = [(point["pv"], point["uv"]) for point in answer["before"]]
        missing = [("", "")] * (len(rows) - len(before))
        rows = [(*row, *then) for row, then in zip(rows, [*before, *missing], strict=False)]
    if tables.printed(answer, columns, rows, as_json, as_csv, as_ndjson):
        return
    tables.console().print(tables.sparkline([row[1] for row in rows]))
    most = max((row[1] for row in rows), default=0) or 1
    tables.show((*columns, ""), [(*row, tables.bar(row[1] / most)) for row in rows], columns[1:])


@app.command()
def top(
    dimension: Annotated[str, typer.Argument(help="A field such as browser, page, channel; or props.NAME.")],
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="Only below this prefix of the key.")] = "",
    first: FromOption = "",
    last: ToOption = "",
    search: Annotated[str, typer.Option(help="Only values that have this text in them.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 10,
    offset: Annotated[int, typer.Option(min=0, max=10_000_000, help="How many are left out before.")] = 0,
    compare: CompareOption = False,
    where: WhereOption = None,
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    as_ndjson: NdjsonOption = False,
) -> None:
    """The most frequent values of a field, with their share of all views.

    [dim]Examples:[/dim]  eventmill query top page --where 'channel is search' --compare
              eventmill query top props.plan --key h5.pv
    """
    settings = settings_from(config, data)
    given = {"dimension": dimension, "limit": str(limit), "offset": str(offset), "search": search}
    given |= {"tz": tz, "topic": topic, "site": site, "bot": bot, **_more(where, compare)}
    with errors():
        answer = Answers(settings).ask("top", range_params(settings, key, first, last, **given))
    columns: tuple[str, ...] = (dimension, "pv", "uv", "share")
    rows: list[tuple[Any, ...]] = [(row["value"], row["pv"], row["uv"], row["share"]) for row in answer["data"]]
    if compare:
        columns = (*columns, "pv before", "uv before")
        then = [(row["before"]["pv"], row["before"]["uv"]) for row in answer["data"]]
        rows = [(*row, *before) for row, before in zip(rows, then, strict=True)]
    if tables.printed(answer, columns, rows, as_json, as_csv, as_ndjson):
        return
    shown = [(row[0] or "(none)", row[1], row[2], f"{row[3]:.1%}", *row[4:], tables.bar(row[3])) for row in rows]
    tables.show((*columns, ""), shown, columns[1:])
    values = answer["total"].get("values", 0)
    if offset + len(rows) < values:
        typer.echo(f"{len(rows)} of {values:,}: --limit and --offset show more, --search fewer")


@app.command()
def summary(
    key: KeyArgument = "",
    first: FromOption = "",
    last: ToOption = "",
    compare: CompareOption = False,
    where: WhereOption = None,
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    as_ndjson: NdjsonOption = False,
) -> None:
    """Visitors, views, visits, bounce rate, duration and events of a period.

    [dim]Example:[/dim]  eventmill query summary --compare
    """
    settings = settings_from(config, data)
    given = {"tz": tz, "topic": topic, "site": site, "bot": bot, **_more(where, compare)}
    with errors():
        answer = Answers(settings).ask("summary", range_params(settings, key, first, last, **given))
    periods = [answer["data"], *([answer["before"]] if compare else [])]
    columns = ("", "now", *(["before"] if compare else []))
    rows = [(name, *(period[name] for period in periods)) for name in answer["data"]]
    if not tables.printed(answer, columns, rows, as_json, as_csv, as_ndjson):
        tables.show(columns, [(row[0], *(_figure(row[0], value) for value in row[1:])) for row in rows], columns[1:])


def _figure(name: str, value: float | None) -> Any:
    if name == "bounce_rate" and value is not None:
        return f"{value:.1%}"
    return "—" if value is None else value


def _more(where: list[str] | None, compare: bool) -> dict[str, str]:
    return {"filters": conditions(where), "compare": "previous" if compare else ""}


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
    if not tables.printed(answer, columns, rows, as_json, as_csv):
        total = answer["total"]
        tables.show(columns, [*rows, ("total", "", *(total[name] for name in columns[2:]))], columns[2:])
        sign = "✓ balanced" if answer["balanced"] else "✗ does not balance: see `eventmill doctor`"
        tables.console().print(f"received = stored + duplicate + rejected + queued   {sign}")
    if not answer["balanced"]:
        raise typer.Exit(1)
