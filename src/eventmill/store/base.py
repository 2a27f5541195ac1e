"""The store's contract: durable inserts of columns, queries with bound parameters."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # a command that only talks to a server must not wait for the column library
    import polars as pl


class StoreError(Exception):
    """The store refused; the message says why."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or has no room now: the same call may succeed later."""


class QueryRefused(StoreError):
    """A query went over its limit of time or memory, or asked for what is not allowed."""


class Store(Protocol):
    """Four verbs and a number. Every implementation speaks ClickHouse's dialect."""

    @property
    def revision(self) -> int | None:
        """Another number after each change of what queries find, caches (`closed_…`) left out; None where other
        processes may change it too."""

    def insert(self, table: str, frame: "pl.DataFrame") -> None:
        """Returns only after the rows survive a power cut. Rows of one month of `received` go in whole or not
        at all. Raises `StoreError` (the rows are at fault) or `StoreUnavailable` (try again)."""

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """Rows of a read-only query, limited in time and memory. Parameters are written `{name:Type}`.
        Safe from several threads at once. Raises `QueryRefused` or `StoreError`."""

    def frame(self, sql: str, params: Mapping[str, Any] | None = None) -> "pl.DataFrame":
        """The same as columns."""

    def command(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """A change of schema or a delete, complete on return. Only for eventmill's own statements."""

    def close(self) -> None:
        """Releases the directory or the connections."""
