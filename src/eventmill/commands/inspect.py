"""`live`, `trace` and `sql`: single events, and one's own questions."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from eventmill.commands import tables
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.options import BotOption, CsvOption, KeyArgument, SiteOption, TopicOption
from eventmill.commands.source import Answers
from eventmill.event import KEY_PARTS, key_parts
from eventmill.query.sql import MAX_ROWS, SqlRequest


def live(
    key: KeyArgument = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Events as they are stored, until Ctrl-C."""
    settings = settings_from(config, data)
    parts = dict(zip(KEY_PARTS, key_parts(key), strict=False))
    with errors():
        for text in Answers(settings).stream({**parts, "topic": topic, "site": site, "bot": bot}):
            if as_json:
                typer.echo(text)
                continue
            event = json.loads(text)
            at = datetime.fromisoformat(event["received"]).astimezone(settings.zone)
            about = " ".join(event.get(name, "") for name in ("site", "url", "browser", "device") if event.get(name))
            typer.echo(tables.clean(f"{at:%H:%M:%S}  {event['topic']:<10} {event['key']:<32} {about}"))


def trace(
    needle: Annotated[str, typer.Argument(metavar="ID", help="The event's id, or its receipt.")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where one event is: stored, queued (shard, position), duplicate of, or rejected and why."""
    settings = settings_from(config, data)
    with errors():
        found = Answers(settings).trace(needle)
    if found is None:
        fail(f"no event has the id or receipt {needle!r}")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    event = found.pop("event", None) or {}
    show_fields(found)
    if event:
        typer.echo("")
        show_fields(event)


def show_fields(fields: dict[str, Any]) -> None:
    """Name and value, one a line."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        typer.echo(f"{name:<{width}}  {tables.clean(value)}")


def sql(
    statement: Annotated[str, typer.Argument(metavar="SELECT…", help="One statement that reads.")],
    limit: Annotated[int, typer.Option(min=1, max=MAX_ROWS, help="The most rows.")] = 10_000,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Ask the store in its own language: read-only, limited in time and memory, no table functions.

    [dim]Tables:[/dim] events, rejects, ledger, daily.  [dim]Example:[/dim]  eventmill sql "select count() from events"
    """
    settings = settings_from(config, data)
    with errors():
        answer = Answers(settings).sql(SqlRequest(statement, limit))
    columns, rows = answer["columns"], answer["data"]
    if as_json:
        typer.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False))
    elif as_csv:
        tables.write_csv(columns, rows)
    else:
        first = rows[0] if rows else []
        numbers = [n for n, value in zip(columns, first, strict=False) if isinstance(value, int | float)]
        tables.show(columns, rows, numbers)
    if answer["more"]:
        typer.echo(f"… more than {limit} rows: see --limit", err=True)
