"""Answers as files: the rows of `data` as CSV that a spreadsheet does not run, or as NDJSON."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect

from eventmill.query.errors import RequestError

FORMATS = {"json": "application/json", "csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
"""Names of formats, and their media types."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def parse_format(params: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The format, `json` by default, and the other parameters. Raises `RequestError`."""
    rest = dict(params)
    name = rest.pop("format", "") or "json"
    if name not in FORMATS:
        raise RequestError(f"unknown format {name!r}; one of {', '.join(FORMATS)}")
    return name, rest


def has_rows(answer: type) -> bool:
    """Whether answers of this type have `data`, so that they can be files."""
    return "data" in answer.__struct_fields__  # type: ignore[attr-defined]


def export(answer: Any, name: str) -> bytes:
    """The answer in this format. Raises `RequestError` where it has no rows and the format needs them."""
    if name == "json":
        return msgspec.json.encode(answer)
    if not has_rows(type(answer)):
        raise RequestError(f"format={name} is for answers with rows in `data`; this one is JSON only")
    rows = answer.data if isinstance(answer.data, list) else [answer.data]
    if name == "ndjson":
        return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    flat = [dict(_flat(msgspec.to_builtins(row))) for row in rows]
    columns = [*dict.fromkeys(column for row in flat for column in row)] or [*_columns(type(answer))]
    return table(columns, ([row.get(column) for column in columns] for row in flat)).encode()


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV (RFC 4180) with a head. Text that a spreadsheet would take for a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_cell(column) for column in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value):
        return "'" + value
    return value


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names of columns with their values: what is nested is named by its path, `eventData.pv`, `returned.0`."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
            yield from ((f"{prefix}{name}.{place}", each) for place, each in enumerate(value))
        else:
            yield prefix + name, msgspec.json.encode(value).decode() if isinstance(value, list) else value


def _columns(answer: type) -> Iterator[str]:
    """Columns of an answer without rows, by its type."""
    described = inspect.type_info(answer)
    assert isinstance(described, inspect.StructType)
    data = next(field.type for field in described.fields if field.name == "data")
    yield from _names(data.item_type if isinstance(data, inspect.ListType) else data)


def _names(kind: inspect.Type, prefix: str = "") -> Iterator[str]:
    for field in kind.fields if isinstance(kind, inspect.StructType) else ():
        if isinstance(field.type, inspect.StructType):
            yield from _names(field.type, f"{prefix}{field.encode_name}.")
        elif not isinstance(field.type, inspect.ListType) and (field.required or field.default is not None):
            yield prefix + field.encode_name
