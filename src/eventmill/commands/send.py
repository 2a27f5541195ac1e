"""`send`: one event from the command line, or a file of them."""

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer

from eventmill import runtime
from eventmill.commands import ndjson
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.delivery import Collector, DeliveryError, Refused
from eventmill.commands.fieldspec import plain_or_json
from eventmill.event import FIELDS
from eventmill.settings import Settings, address

_SHOWN_REFUSALS = 5
_Part = Annotated[str | None, typer.Argument(show_default=False)]


class Sent(msgspec.Struct):
    """What became of a file: events accepted, lines refused with the reason, requests sent again."""

    accepted: int = 0
    refused: int = 0
    retries: int = 0
    refusals: list[str] = []


def send(
    category: Annotated[str | None, typer.Argument(help="The first part of the key.", show_default=False)] = None,
    action: _Part = None,
    label: _Part = None,
    value: _Part = None,
    user: Annotated[str | None, typer.Option(help="The visitor.")] = None,
    session: Annotated[str | None, typer.Option(help="The visit.")] = None,
    site: Annotated[str | None, typer.Option(help="The site.")] = None,
    page: Annotated[str | None, typer.Option(metavar="URL", help="The page: the event's `url`.")] = None,
    referrer: Annotated[str | None, typer.Option(metavar="URL", help="Where the visitor came from.")] = None,
    time: Annotated[str | None, typer.Option(help="When it happened, RFC 3339 or epoch; default now.")] = None,
    event_id: Annotated[str | None, typer.Option("--id", help="The event's id: sent twice, counted once.")] = None,
    prop: Annotated[list[str] | None, typer.Option(metavar="K=V", help="Any other field; repeat for more.")] = None,
    topic: Annotated[str | None, typer.Option(help="The topic; default `event`.")] = None,
    file: Annotated[str | None, typer.Option(metavar="FILE", help="NDJSON, one event a line; - is stdin.")] = None,
    url: Annotated[str | None, typer.Option(help="The collector.", show_default="the local one")] = None,
    patience: Annotated[float, typer.Option(metavar="SECONDS", help="How long to try again.", min=0)] = 60.0,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send one event, or a file of events. Done means durable: what was accepted survives a power cut.

    A file may be sent again after a failure: the same bytes are counted once. Its malformed lines are kept as
    rejects (see [bold]eventmill rejects list[/bold]) and end the command with 1 after all others were sent.

    [dim]Examples:[/dim]  eventmill send h5 pv 85 41 --user ann --prop price=9.9
               eventmill send --file events.ndjson --topic order
    """
    event = {
        "category": category, "action": action, "label": label, "value": value, "user": user, "session": session,
        "site": site, "url": page, "referrer": referrer, "time": time, "id": event_id, **_props(prop or []),
    }  # fmt: skip
    given = {name: content for name, content in event.items() if content is not None}
    if file is not None and given:
        fail(f"--file carries whole events; leave out {', '.join(given)}", 2)
    if file is None and not given:
        fail("nothing to send; write: eventmill send CATEGORY [ACTION [LABEL [VALUE]]], or --file FILE", 2)
    settings = settings_from(config, data)
    with errors():
        try:
            with Collector(url or local_collector(settings), patience_s=patience) as collector:
                if file is None:
                    _one(collector, given, topic, as_json)
                else:
                    _file(collector, file, topic, as_json)
        except Refused as error:
            fail(_mend(error, topic))
        except DeliveryError as error:
            fail(f"{error}; is it running? `eventmill serve` starts one, --url names another")


def local_collector(settings: Settings) -> str:
    """The address of the server on this data directory, else of the one that the settings describe."""
    found = runtime.find(settings.data_dir)
    if found and found.collect:
        return found.collector_url
    host, port = address(settings.collect.listen[0])
    shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104
    return f"http://{shown}:{port}"


def _props(pairs: list[str]) -> dict[str, Any]:
    found = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            fail(f"--prop {pair!r}: write NAME=VALUE", 2)
        if name in FIELDS and name not in ("ip", "user_agent", "language", "screen", "duration_ms", "bytes"):
            fail(f"--prop {name}: this field has an argument or option of its own; see --help", 2)
        found[name] = plain_or_json(text)
    return found


def _one(collector: Collector, event: dict[str, Any], topic: str | None, as_json: bool) -> None:
    accepted = collector.post(msgspec.json.encode(event), str(uuid.uuid4()), topic=topic, kind="application/json")
    typer.echo(msgspec.json.encode({"accepted": accepted}).decode() if as_json else f"accepted {accepted}")


def _file(collector: Collector, name: str, topic: str | None, as_json: bool) -> None:
    path = None if name == "-" else Path(name)
    sent = Sent()
    key, size = ndjson.fingerprint(path)
    try:
        with sys.stdin.buffer if path is None else path.open("rb") as source, _progress(size, name) as advance:
            _send_all(collector, source, size, key, topic, sent, advance)
    except DeliveryError as error:
        if isinstance(error, Refused):
            raise
        again = "" if path is None else "; run the same command again: nothing is counted twice"
        raise DeliveryError(f"{error} after {sent.accepted:,} accepted events{again}") from error
    sent.retries = collector.retries
    if as_json:
        typer.echo(msgspec.json.encode(sent).decode())
    else:
        typer.echo(f"accepted {sent.accepted:,}, refused {sent.refused:,}, requests sent again {sent.retries:,}")
        for text in sent.refusals:
            typer.echo(f"  {name} {text}", err=True)
        if sent.refused > len(sent.refusals):
            typer.echo(f"  and {sent.refused - len(sent.refusals):,} more: eventmill rejects list", err=True)
    if sent.refused:
        sys.exit(1)


def _send_all(
    collector: Collector,
    source: BinaryIO,
    size: int | None,
    key: str,
    topic: str | None,
    sent: Sent,
    advance: Callable[[int, int], None],
) -> None:
    for batch in ndjson.batches(source, size):
        waiting = [batch]
        while waiting:
            part = waiting.pop()
            try:
                sent.accepted += collector.post(part.body, f"{key}-{part.offset}", topic=topic)
            except Refused as error:
                if error.status not in (400, 413):
                    raise
                if len(part.lines) > 1:
                    # A batch is taken whole or not at all: look for the line that is at fault.
                    waiting.extend(reversed(ndjson.halves(part)))
                    continue
                sent.refused += 1
                if len(sent.refusals) < _SHOWN_REFUSALS:
                    sent.refusals.append(f"line {part.line}: {error.reason}")
        advance(batch.end, sent.accepted)


@contextmanager
def _progress(size: int | None, name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, only on a terminal; call it with bytes read and events accepted so far."""
    if not sys.stderr.isatty():
        yield lambda _read, _accepted: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(),
        TextColumn("{task.fields[accepted]:,} events"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=size, accepted=0)
        yield lambda read, accepted: bar.update(task, completed=read, accepted=accepted)


def _mend(error: Refused, topic: str | None) -> str:
    if error.status == 404 and topic:
        return f"topic {topic} is not declared: `eventmill topics add {topic}` adds it"
    if error.status == 413:
        return f"{error}: the event is larger than collect.max_body"
    return str(error)
