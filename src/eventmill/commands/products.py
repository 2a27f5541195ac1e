"""`query products`: the views of each product by day."""

from typing import Annotated

import typer

from eventmill.commands import tables
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, settings_from
from eventmill.commands.options import (
    BotOption,
    CsvOption,
    FromOption,
    SiteOption,
    ToOption,
    TopicOption,
    TzOption,
    WhereOption,
    conditions,
)
from eventmill.commands.query import app, range_params
from eventmill.commands.source import Answers


@app.command()
def products(
    first: FromOption = "",
    last: ToOption = "",
    interval: Annotated[str, typer.Option(help="day, week, month or total.")] = "day",
    where: WhereOption = None,
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Views and visitors of each product of the configuration.

    [dim]Example:[/dim]  eventmill query products --interval week
    """
    settings = settings_from(config, data)
    given = {"interval": interval, "tz": tz, "topic": topic, "site": site, "bot": bot, "filters": conditions(where)}
    with errors():
        answer = Answers(settings).ask("products", range_params(settings, "", first, last, **given))
    columns = ("time", "product", "pv", "uv")
    rows = [(row["time"], row["product"], row["pv"], row["uv"]) for row in answer["data"]]
    if tables.printed(answer, columns, rows, as_json, as_csv):
        return
    most = max((row[2] for row in rows), default=0) or 1
    shown = [(time, name or "(none)", pv, uv, tables.bar(pv / most)) for time, name, pv, uv in rows]
    tables.show((*columns, ""), shown, ("pv", "uv"))
    if not rows:
        typer.echo("No events there. Products are the [[products]] of the configuration")
