"""`init`: a commented configuration, written from the options' own records so that it cannot drift."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
import typer

from eventmill.commands import toml
from eventmill.commands.common import errors, fail
from eventmill.settings import Product, Settings, is_tables, plain_type
from eventmill.topics import Field, Topic

_HEAD = """\
# The configuration of eventmill. Every option is here with its default.
# Each can also be set in the environment: EVENTMILL_ and its path, e.g. EVENTMILL_COLLECT_PROCESSES=4.
# Precedence: command-line flag, environment, this file, default. Sizes: 10MB, 512KiB. Durations: 15d, 12h, 200ms.
"""
_WIDTH = 108


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")] = Path("eventmill.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a configuration file in which every option is explained, with its default, as a comment.

    [dim]Example:[/dim]  eventmill init && $EDITOR eventmill.toml && eventmill serve
    """
    with errors():
        try:
            with file.open("w" if force else "x", encoding="utf-8") as target:
                target.write(config_text(commented=True))
        except FileExistsError:
            fail(f"{file} exists: edit it, name another file, or overwrite it with --force")
    typer.echo(f"wrote {file}: remove the # before an option to set it")


def config_text(*, commented: bool) -> str:
    """The configuration with every option; the options are comments too, or all set to their defaults."""
    mark = "#" if commented else ""
    lines = [_HEAD, *_options(Settings, mark)]
    for section in msgspec.structs.fields(Settings):
        kind = plain_type(section.type)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            lines += ["", *_comment(_doc(kind)), f"[{section.name}]", *_options(kind, mark)]
    lines += [
        "",
        *_comment(f"Products: {_doc(Product)[0].lower()}{_doc(Product)[1:]}"),
        f"{mark}[[products]]",
        *_options(Product, mark, {"name": "shop", "path": "/shop/"}),
        "",
        "# Topics: one table for each. The topics event, request and log exist without being declared.",
        f"{mark}[topics.order]",
        *_options(Topic, mark, {"aliases": ["/order"], "field_count": 3, "fields": None}),
        "",
        "# Checks of a topic's fields: one table for each field. A check is for the types that it names.",
    ]
    for name, of_type, check in _FIELDS:
        lines += [f"{mark}[topics.order.fields.{name}]", *_options(Field, mark, {**_UNSET, **of_type, **check})]
    return "\n".join(lines) + "\n"


# Options of a field that have no default: shown once each, at the first field whose type they are for.
_UNSET: dict[str, Any] = dict.fromkeys(
    ("min", "max", "min_length", "max_length", "pattern", "values", "type", "required")
)
_FIELDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("order_id", {"type": "string", "required": True}, {"min_length": 1, "max_length": 64, "pattern": "[a-z0-9-]+"}),
    ("amount", {"type": "number"}, {"min": 0, "max": 1_000_000}),
    ("currency", {"type": "enum"}, {"values": ["EUR", "USD", "CNY"]}),
]


def _options(struct: type[msgspec.Struct], mark: str, samples: dict[str, Any] | None = None) -> Iterator[str]:
    """The options of a struct that are no sections: help as a comment, then `name = default`.

    `samples` replaces defaults; None leaves an option out.
    """
    for option in msgspec.structs.fields(struct):
        kind = plain_type(option.type)
        if (isinstance(kind, type) and issubclass(kind, msgspec.Struct)) or get_origin(kind) is dict or is_tables(kind):
            continue
        default = default_of(option)
        shown = (samples or {}).get(option.name, default)
        if shown is None:
            continue
        yield from _comment(description(option.type))
        yield f"{mark}{option.name} = {toml.value(shown)}"


def default_of(option: msgspec.structs.FieldInfo) -> Any:
    """None where there is none."""
    if option.default is not msgspec.NODEFAULT:
        return option.default
    return option.default_factory() if option.default_factory is not msgspec.NODEFAULT else None


def description(annotation: Any) -> str:
    """An option's help, from its record. Raises LookupError where there is none."""
    for extra in get_args(annotation)[1:] if get_origin(annotation) is Annotated else ():
        if isinstance(extra, msgspec.Meta) and extra.description:
            return extra.description
    raise LookupError(f"{annotation} has no description")


def _doc(struct: type) -> str:
    return (struct.__doc__ or "").strip()


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")
