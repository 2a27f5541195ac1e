"""`goals`: list, add and remove goals, and report how many visitors reached them."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from eventmill.commands import tables
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.options import BotOption, CsvOption, FromOption, SiteOption, ToOption, TopicOption, TzOption
from eventmill.commands.query import range_params
from eventmill.commands.registry import opened
from eventmill.commands.source import Answers

if TYPE_CHECKING:
    from eventmill.registry.base import Goal

app = typer.Typer(
    help="Goals: what visitors are to do, and how many do it.", no_args_is_help=True, rich_markup_mode="rich"
)


@app.command("list")
def list_goals(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the goals.

    [dim]Example:[/dim]  eventmill goals list
    """
    from eventmill.registry import goals

    with errors(), opened(settings_from(config, data)) as database:
        found = goals.list_goals(database)
    if as_json:
        rows = [msgspec.structs.asdict(goal) | {"filters": msgspec.json.decode(goal.filters)} for goal in found]
        typer.echo(msgspec.json.encode(rows).decode())
    else:
        shown = [(goal.name, goal.site or "(all)", _words(goal), goal.created) for goal in found]
        tables.show(("goal", "site", "reached where", "since"), shown)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    where: Annotated[
        list[str],
        typer.Option("--where", metavar="CONDITION", help="FIELD is|is not|contains|starts with|in VALUE; repeat."),
    ],
    site: Annotated[str, typer.Option(metavar="SITE", help="Only of this site; default: all.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Add a goal: it is reached by an event on which all conditions hold, of the past too.

    [dim]Examples:[/dim]  eventmill goals add thanks --where 'page is /thanks'
              eventmill goals add bought --site shop --where 'key starts with shop.buy' --where 'device is mobile'
    """
    from eventmill.query.errors import RequestError
    from eventmill.query.filters import conditions_text, parse_phrase
    from eventmill.query.goals import checked_goal
    from eventmill.registry import goals

    with errors(), opened(settings_from(config, data)) as database:
        try:
            filters = checked_goal(conditions_text([parse_phrase(text) for text in where]))
        except RequestError as error:
            fail(str(error), 2)
        goal = goals.add_goal(database, name, filters, site)
    typer.echo(f"added goal {goal.name}: {_words(goal)}")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As listed.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Remove a goal; the events stay.

    [dim]Example:[/dim]  eventmill goals remove thanks
    """
    from eventmill.registry import goals

    with errors(), opened(settings_from(config, data)) as database:
        found = goals.remove_goal(database, name)
    if not found:
        fail(f"there is no goal {name}; `eventmill goals list` shows them")
    typer.echo(f"removed goal {name}")


@app.command()
def report(
    first: FromOption = "",
    last: ToOption = "",
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """How many visitors reached each goal, how often, and which share of all visitors they are.

    [dim]Example:[/dim]  eventmill goals report --from 2026-11-01 --site shop
    """
    settings = settings_from(config, data)
    given = {"tz": tz, "topic": topic, "site": site, "bot": bot}
    with errors():
        answer = Answers(settings).ask("goals/report", range_params(settings, "", first, last, **given))
    columns = ("goal", "visitors", "conversions", "of", "rate")
    rows = [(row["name"], row["visitors"], row["conversions"], row["of"], row["rate"]) for row in answer["data"]]
    if tables.printed(answer, columns, rows, as_json, as_csv):
        return
    lines = [tables.sparkline([day["conversions"] for day in row["series"]]) for row in answer["data"]]
    shown = [(*row[:4], f"{row[4]:.1%}", line) for row, line in zip(rows, lines, strict=True)]
    tables.show((*columns, "by day"), shown, columns[1:])
    if not rows:
        typer.echo("No goals. Add one: eventmill goals add thanks --where 'page is /thanks'")


def _words(goal: "Goal") -> str:
    from eventmill.query.filters import parse_conditions

    said = [f"{c.field} {c.operator.replace('_', ' ')} {','.join(c.values)}" for c in parse_conditions(goal.filters)]
    return " and ".join(said)
