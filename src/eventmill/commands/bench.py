"""`bench`: what this machine can do."""

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import typer
from rich.table import Table

from eventmill.commands.checks.disk import existing, filesystem, fsync_times
from eventmill.commands.common import ConfigOption, DataOption, JsonOption, errors, fail, settings_from
from eventmill.commands.measure import ask, ingest, nginx
from eventmill.commands.measure.figure import Figure, quantile
from eventmill.commands.measure.load import LoadError
from eventmill.commands.serving import ServeError, serving
from eventmill.commands.tables import console

_SECONDS = 3
_FSYNCS = 200


def bench(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Measure this machine: door, batch, query, against the limits of its disk and of nginx where present.

    Takes about half a minute, with a server of its own in a temporary directory beside the data directory, which
    is removed afterwards. Stop other load first. [dim]CPU/unit[/dim] is the processor time of the server's
    processes for each request or event: the figure to compare between machines.

    [dim]Example:[/dim]  eventmill bench --data /var/lib/eventmill
    """
    settings = settings_from(config, data)
    beside = existing(settings.data_dir.parent)
    with errors(), tempfile.TemporaryDirectory(prefix="eventmill-bench-", dir=beside) as folder:
        try:
            figures = list(_measured(Path(folder), settings.collect.processes, _status()))
        except (ServeError, LoadError, TimeoutError) as error:
            fail(str(error))
    if as_json:
        typer.echo(msgspec.json.encode(figures).decode())
        return
    table = Table("", "value", "unit", "CPU/unit", "", box=None, pad_edge=False, title_justify="left")
    table.columns[1].justify = table.columns[3].justify = "right"
    for figure in figures:
        value = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:.2f}"
        cpu = "" if figure.cpu_us is None else f"{figure.cpu_us:.1f} µs"
        table.add_row(figure.name, value, figure.unit, cpu, figure.note)
    console().print(table)


def _measured(folder: Path, collectors: int, status: Callable[[str], None]) -> Iterator[Figure]:
    status("disk")
    times = fsync_times(folder, _FSYNCS)
    median = statistics.median(times)
    note = f"p99 {quantile(times, 0.99):.2f} ms, {filesystem(folder)}"
    yield Figure("disk: fsync of 4 KB", median, "ms median", None, note)
    yield Figure("disk: writes, one fsync each", 1000 / median, "writes/s", None, "the limit without group commit")
    status("nginx")
    limit = nginx.measure(folder / "nginx", ingest.PIXEL, _SECONDS)
    if limit is not None:
        yield limit
    status("server")
    with serving(folder / "data", ["--collectors", str(collectors)]) as served:
        status("door")
        door = ingest.door(served.runtime, _SECONDS)
        yield msgspec.structs.replace(door, note=_compared(door, limit, 1000 / median))
        ask.Api(served.runtime.web).wait_stored()
        status("batch")
        yield from ingest.batches(served.runtime, _SECONDS)
        status("query")
        yield from ask.queries(served.runtime.web)
    status("")


def _compared(door: Figure, limit: Figure | None, fsyncs: float) -> str:
    parts = [f"{door.value / fsyncs:.1f} × one fsync each"]
    if limit is not None and limit.cpu_us and door.cpu_us:
        parts.append(f"{limit.cpu_us / door.cpu_us:.2f} × nginx by CPU, {door.value / limit.value:.2f} × by requests/s")
    return ", ".join([*parts, door.note])


def _status() -> Callable[[str], None]:
    """What is being measured, on stderr, only on a terminal."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda what: print(f"\r\x1b[K{what and f'measuring: {what} …'}", end="", file=sys.stderr, flush=True)
