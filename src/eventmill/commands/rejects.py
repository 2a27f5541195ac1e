"""`rejects list|show|replay`: what was refused, why, and sending it again."""

import base64
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from eventmill.commands import tables
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.inspect import show_fields
from eventmill.commands.options import CsvOption, ReasonOption, SinceOption, TopicOption, UntilOption
from eventmill.commands.source import Answers
from eventmill.query.rejects import ReplayRequest

app = typer.Typer(no_args_is_help=True, help="Refused events: typed reasons, the original bytes, mend and replay.")


@app.command("list")
def list_(
    topic: TopicOption = "",
    reason: ReasonOption = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    first: SinceOption = "",
    last: UntilOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """The newest rejects."""
    settings = settings_from(config, data)
    params = {"topic": topic, "reason": reason, "limit": str(limit), "from": first, "to": last}
    with errors():
        answer = Answers(settings).ask("rejects", {name: value for name, value in params.items() if value})
    columns = ("id", "received", "topic", "reason", "detail", "bytes")
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    if as_csv:
        tables.write_csv(columns, [[row[name] for name in columns] for row in answer["data"]])
        return
    cut = [[*(row[name] for name in columns[:-1]), row["bytes"][:80]] for row in answer["data"]]
    tables.show(columns, cut)
    if not cut:
        typer.echo("No rejects.")


@app.command()
def show(
    receipt: Annotated[str, typer.Argument(metavar="ID", help="The reject's id, as listed.")],
    raw: Annotated[bool, typer.Option("--raw", help="Only the original bytes, exactly.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """One reject, whole."""
    settings = settings_from(config, data)
    with errors():
        found = Answers(settings).reject(receipt)
    if found is None:
        fail(f"no reject {receipt!r}: `eventmill rejects list` shows them")
    content = base64.b64decode(found.pop("bytes_base64", ""))
    if raw:
        sys.stdout.buffer.write(content)
    elif as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        show_fields(found)


@app.command()
def replay(
    receipts: Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Rejects to send again.")] = None,
    topic: TopicOption = "",
    reason: ReasonOption = "",
    mended: Annotated[Path | None, typer.Option("--mended", metavar="FILE", help="Send this instead (one ID).")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send rejects again, as they came or mended. They go in as new events with new receipts.

    [dim]Examples:[/dim]  eventmill rejects replay --topic order --reason missing_field
              eventmill rejects replay 0197…#0 --mended event.json
    """
    settings = settings_from(config, data)
    if not receipts and not topic and not reason:
        fail("say which: an ID, --topic or --reason", 2)
    with errors():
        text = mended.read_text(encoding="utf-8") if mended else None
        request = ReplayRequest(receipts or [], topic or None, reason or None, text)
        answer = Answers(settings).replay(request)
    typer.echo(json.dumps(answer) if as_json else f"{answer['replayed']} sent again")
