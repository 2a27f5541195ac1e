"""`query sessions|flows|funnel|retention|requests|visitors`: what visitors and machines do, in a terminal."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer

from eventmill.commands import tables
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, settings_from
from eventmill.commands.options import (
    BotOption,
    CompareOption,
    CsvOption,
    FromOption,
    KeyArgument,
    SiteOption,
    ToOption,
    TopicOption,
    TzOption,
    WhereOption,
    conditions,
)
from eventmill.commands.query import app, range_params
from eventmill.commands.source import Answers
from eventmill.event import KEY_PARTS, key_parts

KeyOption = Annotated[str, typer.Option("--key", metavar="KEY", help="Only below this prefix of the key.")]


@app.command()
def sessions(
    key: KeyArgument = "",
    first: FromOption = "",
    last: ToOption = "",
    interval: Annotated[str, typer.Option(help="day, hour or total.")] = "day",
    pages: Annotated[str, typer.Option(metavar="entry|exit", help="The pages they begin or end with, instead.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many pages.")] = 10,
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
) -> None:
    """Sessions: how many, how many of one page, how many pages, how long.

    [dim]Examples:[/dim]  eventmill query sessions --compare
              eventmill query sessions --pages exit --where 'device is mobile'
    """
    settings = settings_from(config, data)
    given = {"tz": tz, "topic": topic, "site": site, "bot": bot, "filters": conditions(where)}
    if pages:
        given |= {"kind": pages, "limit": str(limit)}
        with errors():
            answer = Answers(settings).ask("sessions/pages", range_params(settings, key, first, last, **given))
        columns: tuple[str, ...] = ("page", "sessions", "bounces", "share")
        _show(answer, columns, [(r["value"], r["sessions"], r["bounces"], r["share"]) for r in answer["data"]],
              as_json, as_csv, share=3)  # fmt: skip
        return
    given |= {"interval": interval, "compare": "previous" if compare else ""}
    with errors():
        answer = Answers(settings).ask("sessions", range_params(settings, key, first, last, **given))
    columns = ("time", "sessions", "bounces", "pages", "duration_s")
    rows = [tuple(row[name] for name in columns) for row in answer["data"]]
    if not as_json and not as_csv:
        totals = [(name, answer[name]) for name in ("total", "before") if answer.get(name)]
        rows += [(name, *(total[column] for column in columns[1:])) for name, total in totals]
    _show(answer, columns, rows, as_json, as_csv)
    if not as_json and not as_csv and answer["total"]["sessions"]:
        total = answer["total"]
        typer.echo(f"bounce rate {total['bounce_rate']:.1%}   pages per session {total['pages_per_session']:.2f}")


@app.command()
def flows(
    key: KeyArgument = "",
    first: FromOption = "",
    last: ToOption = "",
    steps: Annotated[int, typer.Option(min=2, max=8, help="Steps shown.")] = 4,
    start: Annotated[str, typer.Option(metavar="PAGE", help="Only from this page on.")] = "",
    end: Annotated[str, typer.Option(metavar="PAGE", help="Only up to this page.")] = "",
    by: Annotated[str, typer.Option(metavar="page|key", help="What a step is: a page view, or any event.")] = "page",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many links.")] = 40,
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
    """Navigation flows: from which page to which sessions go, and where they end.

    [dim]Examples:[/dim]  eventmill query flows --start / --steps 3
              eventmill query flows --end /checkout
    """
    settings = settings_from(config, data)
    given = {
        "steps": str(steps), "start": start, "end": end, "by": by, "limit": str(limit), "filters": conditions(where),
        "tz": tz, "topic": topic, "site": site, "bot": bot,
    }  # fmt: skip
    with errors():
        answer = Answers(settings).ask("flows", range_params(settings, key, first, last, **given))
    moves = [(row["step"], row["from"], row["to"], row["sessions"]) for row in answer["links"]]
    moves += [(row["step"], row["name"], "(end)", row["sessions"]) for row in answer["exits"]]
    moves.sort(key=lambda move: (move[0], -move[3], move[1:3]))
    whole = answer["sessions"] or 1
    _show(answer, ("step", "from", "to", "sessions", "share"), [(*move, move[3] / whole) for move in moves],
          as_json, as_csv, share=4)  # fmt: skip


@app.command()
def funnel(
    steps: Annotated[
        list[str], typer.Argument(metavar="STEP STEP…", help="A key such as h5.pv, or conditions joined by ' and '.")
    ],
    first: FromOption = "",
    last: ToOption = "",
    window: Annotated[str, typer.Option(metavar="TIME", help="From the first step to the last: 30m, 12h, 7d.")] = "1d",
    key: KeyOption = "",
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
    """Funnels: how many visitors do the first step, how many then the second, and so on.

    [dim]Examples:[/dim]  eventmill query funnel 'page is /' 'page starts with /item/' shop.buy
              eventmill query funnel h5.pv 'action is click and label is 85' --window 30m
    """
    settings = settings_from(config, data)
    made = [{"name": step, "filters": _step(step)} for step in steps]
    given = {
        "steps": msgspec.json.encode(made).decode(), "window": window, "filters": conditions(where), "tz": tz,
        "topic": topic, "site": site, "bot": bot,
    }  # fmt: skip
    with errors():
        answer = Answers(settings).ask("funnel", range_params(settings, key, first, last, **given))
    columns = ("step", "visitors", "drop", "step_share", "share")
    rows = [(r["name"], r["visitors"], r["drop"], r["step_share"], r["share"]) for r in answer["data"]]
    _show(answer, columns, rows, as_json, as_csv, share=4, shares=(3,))


@app.command()
def retention(
    key: KeyArgument = "",
    first: FromOption = "",
    last: ToOption = "",
    interval: Annotated[str, typer.Option(help="day, week or month.")] = "day",
    periods: Annotated[int, typer.Option(min=1, max=31, help="Periods shown of each cohort.")] = 8,
    again: Annotated[
        list[str] | None,
        typer.Option("--again", metavar="CONDITION", help="What counts as coming back, like --where.",
                     show_default="any event"),
    ] = None,
    where: WhereOption = None,
    tz: TzOption = "",
    topic: TopicOption = "",
    site: SiteOption = "",
    bot: BotOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:  # fmt: skip
    """Retention: of the visitors first seen in a day, week or month, how many come back in each later one.

    [dim]Example:[/dim]  eventmill query retention --interval week --from 2026-09-01 --again 'action is buy'
    """
    settings = settings_from(config, data)
    given = {
        "interval": interval, "periods": str(periods), "again": conditions(again), "filters": conditions(where),
        "tz": tz, "topic": topic, "site": site, "bot": bot,
    }  # fmt: skip
    with errors():
        answer = Answers(settings).ask("retention", range_params(settings, key, first, last, **given))
    width = max((len(row["returned"]) for row in answer["data"]), default=0)
    rows: list[tuple[Any, ...]] = []
    for row in answer["data"]:
        cells = row["returned"] if as_csv else [_percent(count, row["visitors"]) for count in row["returned"]]
        rows.append((row["cohort"], row["visitors"], *cells, *[""] * (width - len(cells))))
    columns = ("cohort", "visitors", *(f"+{number}" for number in range(width)))
    _show(answer, columns, rows, as_json, as_csv)


@app.command()
def requests(
    key: KeyArgument = "",
    first: FromOption = "",
    last: ToOption = "",
    by: Annotated[str, typer.Option(metavar="route|status|method", help="What is told apart.")] = "route",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 20,
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
    """Requests: how many, how fast (ms), how many failed, by route, status or method.

    [dim]Example:[/dim]  eventmill query requests --by status --where 'route starts with /api'
    """
    settings = settings_from(config, data)
    given = {"by": by, "limit": str(limit), "tz": tz, "topic": topic, "site": site, "bot": bot,
             "filters": conditions(where)}  # fmt: skip
    with errors():
        answer = Answers(settings).ask("requests", range_params(settings, key, first, last, **given))
    names = ("count", "rate", "errors", "p50", "p95", "p99", "bytes", "share")
    rows = [(row["value"], *(row[name] for name in names)) for row in answer["data"]]
    if not as_json and not as_csv:
        rows.append(("total", *(answer["total"][name] for name in names)))
    _show(answer, (by, *names), rows, as_json, as_csv, share=8)


@app.command()
def visitors(
    minutes: Annotated[int, typer.Option(min=1, max=60, help="The running minute and those before it.")] = 5,
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
    """Who is there now: visitors and views of the last minutes, and the pages they look at."""
    settings = settings_from(config, data)
    given = {"minutes": str(minutes), "tz": tz, "topic": topic, "site": site, "bot": bot, "filters": conditions(where)}
    with errors():
        answer = Answers(settings).ask("visitors", {name: value for name, value in given.items() if value})
    rows = [(row["time"], row["visitors"], row["views"]) for row in answer["data"]]
    _show(answer, ("time", "visitors", "views"), rows, as_json, as_csv)
    if not as_json and not as_csv:
        tables.show(("page", "visitors"), [(row["value"], row["visitors"]) for row in answer["pages"]], ("visitors",))
        typer.echo(f"{answer['visitors']:,} visitors, {answer['views']:,} views in {minutes} min")


def _step(text: str) -> Any:
    """The filters of a funnel's step: of a key all parts, else what the phrases say."""
    if " " not in text.strip():
        return [["is", name, part] for name, part in zip(KEY_PARTS, key_parts(text.strip()), strict=False)]
    return msgspec.json.decode(conditions(text.split(" and ")))


def _percent(count: int, of: int) -> str:
    return f"{count / of:.1%}" if of else "—"


def _show(
    answer: Any, columns: Sequence[str], rows: Sequence[Sequence[Any]], as_json: bool, as_csv: bool,
    *, share: int | None = None, shares: Sequence[int] = (),
) -> None:  # fmt: skip
    """`share` is the column that is drawn as a bar too; it and `shares` are shown as percent."""
    if tables.printed(answer, columns, rows, as_json, as_csv):
        return
    percents = {*shares, *([share] if share is not None else [])}
    shown = [[f"{cell:.1%}" if place in percents else cell for place, cell in enumerate(row)] for row in rows]
    shown = [["(none)" if cells[0] == "" else cells[0], *cells[1:]] for cells in shown]
    if share is not None:
        columns = (*columns, "")
        shown = [[*cells, tables.bar(row[share])] for cells, row in zip(shown, rows, strict=True)]
    texts = {place for row in rows for place, cell in enumerate(row) if isinstance(cell, str)} - percents
    left = {columns[place] for place in texts if place < 3 and not columns[place].startswith("+")}
    tables.show(columns, shown, [name for name in columns if name not in left and name])
