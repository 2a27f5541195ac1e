"""Writes the reference pages that follow from the code: command line, configuration, metrics.

python -m scripts.docs            writes docs/reference/{cli,configuration,metrics}.md
python -m scripts.docs --check    exits 1 where one of them is stale (`make check` runs this)
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin

import msgspec
import polars as pl
import typer.main

from eventmill.cli import app
from eventmill.collect.counters import Counters
from eventmill.commands import toml
from eventmill.commands.init import default_of, description
from eventmill.query.ask import Sources
from eventmill.settings import Product, Settings, is_tables, plain_type
from eventmill.topics import Field, Topic
from eventmill.web import metrics
from eventmill.web.services import Services
from eventmill.work.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
_MARKUP = re.compile(r"\[/?(?:bold|dim)\]")
_GENERATED = "<!-- Written by `python -m scripts.docs` from the code: change it there. -->\n"


# -- the command line


def cli_page() -> str:
    """Every command with its arguments and options."""
    lines = [
        "# Command line", "", _GENERATED,
        "Exit codes: 0 done, 1 failed, 2 wrong use. Options stand after the command. What a command prints as text it",
        "prints as JSON with `--json`, where it has that option. Commands find a running server through the data",
        "directory; `query`, `ledger`, `trace`, `rejects list`, `rejects show` and `sql` work without one too.", "",
        "What an option sets can also be set in [the configuration](configuration.md) or the environment.", "",
    ]  # fmt: skip
    for path, command in _commands(typer.main.get_command(app), ()):
        lines += [f"## {' '.join(path)}", "", *_paragraphs(command.help or ""), *_parameters(command), ""]
    return _ended(lines)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in getattr(command, "commands", {}).items():
        if hasattr(child, "commands"):
            yield from _commands(child, (*path, name))
        else:
            yield (*path, name), child


def _paragraphs(text: str) -> list[str]:
    """Help as Markdown: examples become a block of code, names in bold become code."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        said = re.sub(r"\[bold\](.*?)\[/bold\]", r"`\1`", block)
        before, example, after = said.partition("[dim]Example")
        prose = " ".join(_MARKUP.sub("", before).replace("\f", "").split())
        if prose:
            found += [prose, ""]
        if example:
            prose, code = _example(after.partition("[/dim]")[2])
            found += [prose, ""] if prose else []
            found += ["```sh", *code, "```", ""]
    return found


def _example(text: str) -> tuple[str, list[str]]:
    """(prose before the code, lines of code); a line that does not begin with the program goes on from the last."""
    prose, code = [], []
    for line in text.splitlines():
        shown = _MARKUP.sub("", line).strip()
        if shown.startswith("eventmill"):
            code.append(shown)
        elif code and shown:
            code[-1] += " \\"
            code.append(f"  {shown}")
        elif shown:
            prose.append(shown)
    return " ".join(prose), code


def _parameters(command: Any) -> list[str]:
    rows = []
    for param in command.params:
        if param.name == "help":
            continue
        is_option = param.param_type_name == "option"
        name = ", ".join(f"`{opt}`" for opt in param.opts) if is_option else f"`{_metavar(param)}`"
        value = f" `{_metavar(param)}`" if is_option and not param.is_flag else ""
        rows.append((name + value, _MARKUP.sub("", param.help or ""), _default(param)))
    if not rows:
        return []
    return [*_table(("argument or option", "meaning", "default"), rows), ""]


def _metavar(param: Any) -> str:
    if param.metavar:
        return str(param.metavar)
    if param.param_type_name == "argument":
        return str(param.name).upper()
    return {int: "N", float: "N"}.get(param.type_descriptor.annotation, "TEXT")


def _default(param: Any) -> str:
    if isinstance(param.show_default, str):
        return param.show_default
    if param.required:
        return "needed"
    if param.default in (None, "", False) or not param.show_default:
        return ""
    return f"`{param.default}`"


# -- the configuration


def configuration_page() -> str:
    """Every option with its type, default and name in the environment."""
    lines = [
        "# Configuration", "", _GENERATED,
        "One TOML file: `--config FILE`, else `EVENTMILL_CONFIG`, else `./eventmill.toml` where it exists. `eventmill",
        "init` writes one in which every option is explained. An option that does not exist is refused at the start.",
        "",
        "Precedence: command-line flag, environment, file, default. In the environment an option is `EVENTMILL_` and",
        "its path, lists parted by commas. `queue = \"…\"` and `store = \"…\"` are short for their `url`; where the",
        "table has more options, write `[queue]` and `url = \"…\"`.",
        "",
        "Sizes: `10MB`, `512KiB`, `1000` (bytes). Durations: `15d`, `12h`, `90s`, `200ms`, `90` (seconds).",
        "",
        "Complete examples, read by the tests: [minimal](../../examples/config/minimal.toml),",
        "[full](../../examples/config/full.toml), [six interfaces](../../examples/config/interfaces.toml).",
        "",
        "## Top level", "", *_options(Settings, "", env=True), "",
    ]  # fmt: skip
    for section in msgspec.structs.fields(Settings):
        kind = plain_type(section.type)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            lines += [f"## [{section.name}]", "", _doc(kind), ""]
            lines += [*_options(kind, f"{section.name}.", env=True), ""]
    lines += ["## [[products]]", "", _doc(Product), "", *_options(Product, "", env=False), ""]
    lines += [
        "## [topics.NAME]", "",
        f"{_doc(Topic)} The topics `event`, `request` and `log` exist without being declared. Names: a-z, 0-9, `_`",
        "and `-`, at most 63 characters. `eventmill topics add` declares a topic without the file; what the file says",
        "of a topic wins.", "",
        *_options(Topic, "", env=False), "",
        "## [topics.NAME.fields.FIELD]", "",
        f"{_doc(Field)} `FIELD` is a field of the event or a name in `props`. A check that cannot apply to the type is",
        "refused at the start.", "",
        *_options(Field, "", env=False), "",
    ]  # fmt: skip
    return _ended(lines)


def _options(struct: type[msgspec.Struct], prefix: str, *, env: bool) -> list[str]:
    rows = []
    for option in msgspec.structs.fields(struct):
        kind = plain_type(option.type)
        if (isinstance(kind, type) and issubclass(kind, msgspec.Struct)) or is_tables(kind):
            continue
        if get_origin(kind) is dict:
            if struct is Topic:
                rows.append((f"`{option.name}`", "tables", "", description(option.type)))
            continue
        default = default_of(option)
        shown = "" if default is None else f"`{toml.value(default)}`"
        row = [f"`{option.name}`", _kind(kind), shown, description(option.type)]
        if env:
            path = f"{prefix}{option.name}".removesuffix(".url")
            row.append(f"`EVENTMILL_{path.upper().replace('.', '_')}`")
        rows.append(tuple(row))
    head = ("option", "type", "default", "meaning", *(["environment"] if env else []))
    return _table(head, rows)


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) is list:
        return "list"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if kind in names:
        return names[kind]
    plain = [part for part in get_args(kind) if part is not type(None)]
    return _kind(plain[0]) if plain else "any"


def _doc(struct: type) -> str:
    return " ".join((struct.__doc__ or "").split())


# -- metrics

_COLLECTOR = {
    "pid": "Process id.",
    "started_ms": "When the process started, in ms since the epoch.",
    "connections": "Connections taken.",
    "connections_open": "Connections open now.",
    "connections_refused": "Connections refused: too many, or the process was ending.",
    "replies_2xx": "Requests answered 2xx.",
    "replies_4xx": "Requests answered 4xx.",
    "replies_5xx": "Requests answered 5xx: 503 where nothing could be made durable.",
    "events": "Events made durable, malformed bodies included (one each).",
    "malformed": "Bodies that held no event.",
    "malformed_unkept": "Those of them that were not kept, because their address had sent too many in that minute.",
    "bytes": "Bytes of the durable events, as the queue holds them.",
    "commits": "Group commits: each is one fsync for all events that waited.",
    "commit_seconds": "Seconds spent in them. Divided by the commits: what a client waits for the disk.",
    "commit_failures": "Group commits that failed: every request in them got 503.",
    "held_bytes": "Bytes in memory that wait for the disk now; the bound is `collect.queue_memory`.",
}
_WORKER = {
    "worker_events_total": "Events taken from the queue.",
    "worker_stored_total": "Events stored: without duplicates, rejects and redeliveries.",
    "worker_batches_total": "Batches committed.",
    "worker_rejected_total": "Events rejected, by [reason](events.md#reject-reasons).",
    "worker_step_seconds_total": "Seconds spent in each step of the pipeline.",
    "lag_events": "Durable events that are not stored yet.",
    "lag_seconds": "Age of the oldest of them.",
}


def metrics_page() -> str:
    """Every metric with its kind, labels and meaning. Raises LookupError where one is not described here."""
    described = {f"collector_{name}": text for name, text in _COLLECTOR.items()} | _WORKER
    rows = []
    for name, kind, labels in rendered():
        base = name.removeprefix("eventmill_")
        text = described.get(base) or described.get(base.removesuffix("_total"))
        if text is None:
            raise LookupError(f"{name} is not described in scripts/docs.py")
        rows.append((f"`{name}`", kind, " ".join(f"`{label}`" for label in labels), text))
    known = {row[0].strip("`").removeprefix("eventmill_") for row in rows}
    for base in described:
        if not {base, f"{base}_total"} & known:
            raise LookupError(f"eventmill_{base} is described in scripts/docs.py and not measured")
    lines = [
        "# Metrics", "", _GENERATED,
        "`GET /metrics` on the API's port answers all of them in Prometheus' text format, for every process of the",
        "server. Names and labels are few and fixed: nothing that a client sends becomes a label. What cannot be read",
        "is left out, never zero. [What to watch](../how-to/watch.md) says which of them deserve an alarm.", "",
        *_table(("metric", "kind", "labels", "meaning"), rows), "",
    ]  # fmt: skip
    return _ended(lines)


def rendered() -> list[tuple[str, str, list[str]]]:
    """(name, kind, labels) of each metric, from a page that the server's own code rendered."""
    progress = Progress("store")
    with progress.time("decode"):
        pass
    progress.done(1, 0, pl.DataFrame({"reason": ["invalid_time"], "len": [1]}), 1)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir()
        Counters(name="collector-0").publish(run / "collector-0.json")
        queue: Any = SimpleNamespace(lag=lambda _groups: [])
        sources = Sources(queue, queue, "UTC", dict)
        page = metrics.render(Services(sources, Settings(data=folder), gauges=progress.metrics))
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE))
    samples = dict(re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", page, re.MULTILINE))
    return [(name, kinds[name], re.findall(r"(\w+)=", labels)) for name, labels in samples.items()]


# -- pages


def _table(head: tuple[str, ...], rows: list[Any]) -> list[str]:
    def line(cells: Any) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    return [line(head), line("---" for _ in head), *map(line, rows)]


def _ended(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


PAGES = {"cli.md": cli_page, "configuration.md": configuration_page, "metrics.md": metrics_page}


def main(words: list[str]) -> int:
    """Exit 0: written, or nothing stale."""
    stale = []
    for name, make in PAGES.items():
        path, text = REFERENCE / name, make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT))
        if "--check" not in words:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if "--check" not in words:
        print(*(f"wrote {path}" for path in stale) if stale else ["nothing changed"], sep="\n")
        return 0
    print(*(f"{path}: stale; run python -m scripts.docs" for path in stale) if stale else ["generated pages: current"])
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
