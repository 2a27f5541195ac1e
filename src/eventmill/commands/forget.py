"""`forget`: erases the events of one person, wherever they are."""

import time
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.source import Answers
from eventmill.settings import Settings

_POLL_S = 0.5
_STATES = {
    "counted": "would be forgotten",
    "done": "forgotten",
    "waiting": "forgotten in the store; the queue follows",
    "running": "being forgotten",
    "failed": "not forgotten yet",
}


def forget(
    user: Annotated[str, typer.Option("--user", metavar="USER", help="As sent, or a visitor's hash as shown.")] = "",
    identity: Annotated[str, typer.Option("--id", metavar="ID", help="Events with this client id.")] = "",
    session: Annotated[str, typer.Option("--session", metavar="SESSION", help="Events of this session.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be erased.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase the events of one person: store, rejects, caches, and the queue's files. It cannot be undone.

    [dim]Examples:[/dim]  eventmill forget --user u-4711 --dry-run
              eventmill forget --user u-4711
    """
    given = {"user": user, "id": identity, "session": session}
    named = {name: value for name, value in given.items() if value}
    if len(named) != 1:
        fail("say whom to forget: one of --user, --id, --session", 2)
    settings = settings_from(config, data)
    with errors():
        answer = _ask(settings, {**named, "dry_run": dry_run})
    if as_json:
        typer.echo(msgspec.json.encode(answer).decode())
    else:
        _say(answer)
    if answer["state"] == "failed":
        fail(answer["error"])


def _ask(settings: Settings, request: dict[str, Any]) -> dict[str, Any]:
    """Of the running server, else of the data itself. Shows how far it is on a terminal."""
    answers = Answers(settings)
    if not answers.served:
        return _alone(settings, request)
    answer: dict[str, Any] = answers.post("forget", request)
    shown = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True, disable=not Console(stderr=True).is_terminal,
    )  # fmt: skip
    with shown:
        task = shown.add_task("erasing", total=1.0)
        while answer["state"] == "running":
            shown.update(task, completed=answer["progress"])
            time.sleep(_POLL_S)
            found = [row for row in answers.get("forget")["data"] if row["id"] == answer["id"]]
            if not found:
                break
            (answer,) = found
    return answer


def _alone(settings: Settings, request: dict[str, Any]) -> dict[str, Any]:
    from eventmill.app import open_forgetting
    from eventmill.forget import ForgetError, ForgetRequest

    with open_forgetting(settings) as forgetting:
        try:
            found = forgetting.submit(msgspec.convert(request, ForgetRequest), float(1 << 20))
        except ForgetError as error:
            fail(str(error), 2)
    answer: dict[str, Any] = msgspec.to_builtins(found)
    return answer


def _say(answer: dict[str, Any]) -> None:
    typer.echo(
        f"{_STATES[answer['state']]}: {answer['events']:,} events, {answer['rejects']:,} rejects, "
        f"{answer['queued']:,} in the queue's files"
    )
    if answer["state"] == "waiting":
        typer.echo(
            f"{answer['files']} queue file(s) are still being written: what they hold of it is not stored any more, "
            "and is overwritten when they end (with the next events)"
        )
