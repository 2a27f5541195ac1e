"""`topics`: list, add and remove topics."""

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.fieldspec import parse_field
from eventmill.commands.managed import changing
from eventmill.event import DEFAULT_TOPICS
from eventmill.settings import MANAGED, Settings, SettingsError, check, managed_topics, read_file
from eventmill.topics import Topic, TopicError, with_defaults

app = typer.Typer(
    help="List, add and remove topics: what may be sent into each, and how long the queue keeps it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The topic: a-z, 0-9, _ and -.")]


@app.command("list")
def list_topics(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the topics, their paths and checks, and where each is declared.

    [dim]Example:[/dim]  eventmill topics list --json
    """
    settings = settings_from(config, data)
    rows = [_row(settings, config, name, topic) for name, topic in settings.topics.items()]
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
        return
    table = Table("topic", "paths", "checks", "retention", "group", "declared in", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row["name"], " ".join(row["paths"]), _checks(settings.topics[row["name"]]), row["retention"],
            row["group"], row["declared"],
        )  # fmt: skip
    Console().print(table)


@app.command()
def add(
    name: NameArgument,
    alias: Annotated[
        list[str] | None, typer.Option(metavar="/PATH", help="A path that takes POSTs into it; repeat for more.")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="CHECK", help="A field's check, e.g. 'amount:number,required,min=0'; repeat for more."),
    ] = None,
    field_count: Annotated[int | None, typer.Option(metavar="N", help="Exactly so many fields must be sent.")] = None,
    extra: Annotated[str, typer.Option(metavar="allow|reject", help="Fields that no check names.")] = "allow",
    retention: Annotated[str, typer.Option(metavar="TIME", help="How long the queue keeps what was read.")] = "15d",
    group: Annotated[str, typer.Option(metavar="NAME", help="The consumer group that stores it.")] = "store",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Add a topic, or replace one that was added. A running server takes it up within a second.

    [dim]Example:[/dim]  eventmill topics add order --alias /order --extra reject
             --field 'order_id:string,required,max_length=64' --field 'amount:number,min=0'
             --field 'currency:enum,values=EUR|USD'
    """
    settings = settings_from(config, data)
    if declared := _in_file(config, name):
        fail(f"topic {name} is declared in {declared}: change it there", 2)
    with errors():
        try:
            fields = dict(parse_field(text) for text in field or ())
            options = {
                "aliases": list(alias or ()), "fields": fields, "field_count": field_count,
                "extra": extra, "retention": retention, "group": group,
            }  # fmt: skip
            given = {option: item for option, item in options.items() if item is not None}
            topic = msgspec.convert(given, Topic, strict=True)
            with changing(settings.data_dir) as topics:
                known = topics.pop(name, None)
                topics[name] = topic
                _try(settings, config, topics)
        except (msgspec.ValidationError, TopicError, SettingsError) as error:
            fail(str(error), 2)
    paths = " ".join(f"POST {path}" for path in (f"/t/{name}", *topic.aliases))
    typer.echo(f"{'replaced' if known else 'added'} topic {name}: {paths}")


@app.command()
def remove(name: NameArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Remove a topic that was added. What was sent into it stays in the store.

    [dim]Example:[/dim]  eventmill topics remove order
    """
    settings = settings_from(config, data)
    with errors():
        found = name in managed_topics(settings.data_dir)
        if found:
            with changing(settings.data_dir) as topics:
                topics.pop(name, None)
        declared = _in_file(config, name)
    if found and not declared:
        typer.echo(f"removed topic {name}; what was stored of it stays")
    elif declared:
        fail(f"topic {name} is declared in {declared}: remove [topics.{name}] there")
    elif name in DEFAULT_TOPICS:
        fail(f"topic {name} is always there; its options can be set under [topics.{name}] in eventmill.toml")
    else:
        fail(f"there is no topic {name}; `eventmill topics list` shows them")


def _in_file(config: Path | None, name: str) -> Path | None:
    """The configuration file that declares the topic."""
    path, tree = read_file(config, os.environ)
    return path if name in tree.get("topics", {}) else None


def _try(settings: Settings, config: Path | None, managed: dict[str, Topic]) -> None:
    """Refuses what the next start would refuse: a path that is taken, a retention that is no duration."""
    _, tree = read_file(config, os.environ)
    declared = {name: settings.topics[name] for name in tree.get("topics", {})}
    check(msgspec.structs.replace(settings, topics=with_defaults({**managed, **declared})))


def _row(settings: Settings, config: Path | None, name: str, topic: Topic) -> dict[str, Any]:
    where = _in_file(config, name)
    default = name in DEFAULT_TOPICS and topic == Topic()
    return {
        "name": name,
        "paths": [f"/t/{name}", *topic.aliases],
        "declared": "default" if default else str(where or Path(settings.data) / MANAGED),
        **msgspec.structs.asdict(topic),
    }


def _checks(topic: Topic) -> str:
    found = [] if topic.field_count is None else [f"{topic.field_count} fields"]
    found += [f"{name}:{check.type}{' required' if check.required else ''}" for name, check in topic.fields.items()]
    return ", ".join(found + ["no others"] * (topic.extra == "reject"))
