"""A reader's own statement: read-only, limited in time, memory and rows, inside the store."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from eventmill.query.model import RequestError
from eventmill.query.source import Store

MAX_ROWS = 100_000


class SqlRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`limit` is the most rows of the answer."""

    query: str
    limit: int = 10_000


class SqlAnswer(msgspec.Struct):
    """Rows in the order of `columns`; `more` says that `limit` cut them."""

    columns: list[str]
    data: list[list[Any]]
    more: bool


def sql(store: Store, request: SqlRequest) -> SqlAnswer:
    """The answer. Raises `RequestError`, `QueryRefused` (limits, or more than reading) or `StoreError`."""
    if not 0 < request.limit <= MAX_ROWS:
        raise RequestError(f"limit is a number from 1 to {MAX_ROWS}")
    text = request.query.strip().removesuffix(";").rstrip()
    if not text:
        raise RequestError("the query is empty")
    if text.lstrip("( \n").lower().startswith(("select", "with")):
        # The line break ends a comment that the statement may end with.
        text = f"SELECT * FROM ({text}\n) LIMIT {request.limit + 1}"  # noqa: S608 - the reader's own statement
    frame = store.frame(text)
    rows = [[_plain(value) for value in row] for row in frame.head(request.limit).iter_rows()]
    return SqlAnswer(frame.columns, rows, frame.height > request.limit)


def _plain(value: Any) -> Any:
    """What JSON can hold without loss: 64-bit numbers stay numbers, the rest that is no JSON becomes text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date | Decimal | UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value
