"""The store on ClickHouse, embedded (`chdb:`) or a server (`clickhouse://`): one dialect, one client."""

import io
import itertools
import os
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import polars as pl
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error, OperationalError

from eventmill.settings import Settings, size
from eventmill.store import guard, migrate
from eventmill.store.base import QueryRefused, StoreError, StoreUnavailable
from eventmill.store.engine import INGEST_RESERVE, Engine, query_memory, trim

DATABASE = "eventmill"
READERS = 3
_CACHES = "closed_"

_REFUSED = {158, 159, 160, 164, 191, 241, 307, 344, 394, 396, 446, 452, 497}
"""Limits of time, rows and memory, read-only mode, missing rights."""
_UNAVAILABLE = {
    3, 74, 75, 76, 96, 159, 198, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 279, 319, 425, 476, 499,
    999, 1000, 1001,
}  # fmt: skip
"""For inserts: disk, memory, network, too many parts: nothing that the rows are at fault for."""

# One insert is one block, so that the rows of one month become one part: all of them or none.
_WRITE = {
    "async_insert": 0,
    "fsync_metadata": 1,
    "min_insert_block_size_rows": 1 << 40,
    "min_insert_block_size_bytes": 0,
    "max_insert_block_size": 1 << 40,
    "max_memory_usage": 0,
    "mutations_sync": 1,
}
_READ = {
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_low_cardinality_as_dictionary": 0,
    "output_format_arrow_compression_method": "none",
    # A query that does not fit in its memory ends; it does not fill the disk that the queue needs.
    "max_bytes_before_external_group_by": 0,
    "max_bytes_ratio_before_external_group_by": 0,
    "max_bytes_before_external_sort": 0,
    "max_bytes_ratio_before_external_sort": 0,
}


class ClickHouseStore:
    """Store of `store.base`. One handle inserts, one commands (no long command makes an insert wait), `READERS`
    handles read; each is used by one thread at a time."""

    def __init__(
        self,
        url: str,
        *,
        data: Path,
        zone: str,
        query_seconds: float = 30.0,
        query_bytes: int = 2_000_000_000,
        wait_s: float = 10.0,
        read_settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Opens, brings the schema up to date. `read_settings` go to every query beside the store's own.

        Raises `StoreUnavailable` (in use by another process, server away) or `StoreError`.
        """
        memory = query_memory(query_bytes, READERS)
        self._read_settings = {
            **_READ,
            "max_execution_time": query_seconds,
            "max_memory_usage": memory,
            **(read_settings or {}),
            "readonly": 1,  # last: nothing can be set after it
        }
        self._engine: Engine | None = None
        self._parts = urlsplit(url)
        self._database = DATABASE
        self._mark_file: Path | None = None
        if self._parts.scheme == "chdb":
            directory = migrate.directory(url, data)
            self._mark_file = migrate.mark_file(directory)
            migrate.check_file(self._mark_file, zone)
            self._engine = Engine(directory, READERS * memory + INGEST_RESERVE, wait_s)
        elif self._parts.scheme == "clickhouse":
            self._database = self._parts.path.strip("/") or DATABASE
        else:
            raise StoreError(f"store {url!r}: write chdb:, chdb://DIR or clickhouse://user:pass@host:port/db")
        self._readers: queue.LifoQueue[Client | None] = queue.LifoQueue()
        for _ in range(READERS):
            self._readers.put(None)
        self._write_lock, self._command_lock = threading.Lock(), threading.Lock()
        self._changes = itertools.count(1)
        self._revision = 0
        self._writer: Client | None = None
        self._commander: Client | None = None
        self._table_functions: frozenset[str] = frozenset()
        try:
            self._start(zone)
        except BaseException:
            self.close()
            raise

    def _start(self, zone: str) -> None:
        first = self._connect(None, {})
        with _errors("open"):
            first.command(f"CREATE DATABASE IF NOT EXISTS `{self._database}`")
            known = first.query("SELECT lower(name) FROM system.table_functions").result_rows
            first.close()
        self._table_functions = frozenset(str(row[0]) for row in known)
        self._writer = self._connect(self._database, dict(_WRITE))
        mark = migrate.migrate(self, zone)
        if self._mark_file is not None:
            migrate.write_file(self._mark_file, mark)
        trim()

    def _connect(self, database: str | None, settings: dict[str, Any]) -> Client:
        if self._engine is not None:
            return self._engine.client(database, settings)
        from clickhouse_connect import get_client  # the embedded engine imports it in its own way

        parts = self._parts
        with _errors("open"):
            client: Client = get_client(
                host=parts.hostname or "localhost",
                port=parts.port or 8123,
                username=unquote(parts.username or "default"),
                password=unquote(parts.password or ""),
                database=database or "default",
                settings=settings,
            )
        return client

    @property
    def revision(self) -> int | None:
        return None if self._engine is None else self._revision

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        try:
            self._insert(table, frame)
        finally:
            if not table.startswith(_CACHES):
                self._revision = next(self._changes)

    def _insert(self, table: str, frame: pl.DataFrame) -> None:
        columns = ", ".join(f"`{name}`" for name in frame.columns)
        with self._write_lock, _errors("insert"):
            if self._engine is None:
                block = io.BytesIO()
                _write(frame, block)
                self._write_client().raw_insert(f"`{table}`", list(frame.columns), block.getvalue(), fmt="ArrowStream")
                return
            # A file that only exists in memory: no copy on the disk, nothing left behind by a crash.
            descriptor = os.memfd_create("eventmill-insert")
            with os.fdopen(descriptor, "wb") as block_file:
                _write(frame, block_file)
                block_file.flush()
                source = f"FROM INFILE '/proc/self/fd/{descriptor}' FORMAT ArrowStream"
                self._write_client().command(f"INSERT INTO `{table}` ({columns}) {source}")

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        checked = guard.check(sql, self._table_functions)
        with self._reader() as client, _errors("query"):
            rows: Sequence[Sequence[Any]] = client.query(checked, parameters=dict(params or {})).result_rows
            return rows

    def frame(self, sql: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
        checked = guard.check(sql, self._table_functions)
        with self._reader() as client, _errors("query"):
            block = client.raw_query(checked, parameters=dict(params or {}), fmt="ArrowStream")
        return pl.read_ipc_stream(io.BytesIO(block))

    def command(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        try:
            with self._command_lock, _errors("command"):
                self._write_client()  # says so where the store is closed
                if self._commander is None:
                    self._commander = self._connect(self._database, dict(_WRITE))
                self._commander.command(sql, parameters=dict(params or {}))
        finally:
            if not sql.startswith(f"INSERT INTO {_CACHES}"):
                self._revision = next(self._changes)

    def close(self) -> None:
        while not self._readers.empty():
            reader = self._readers.get()
            if reader is not None:
                reader.close()
        with self._write_lock, self._command_lock:
            for client in (self._writer, self._commander):
                if client is not None:
                    client.close()
            self._writer = self._commander = None
        if self._engine is not None:
            self._engine.close()

    def _write_client(self) -> Client:
        if self._writer is None:
            raise StoreError("the store is closed")
        return self._writer

    @contextmanager
    def _reader(self) -> Iterator[Client]:
        """A read handle of this thread's own; opened when first needed."""
        if self._writer is None:
            raise StoreError("the store is closed")
        client = self._readers.get()
        try:
            if client is None:
                client = self._connect(self._database, dict(self._read_settings))
            yield client
        except BaseException:
            # What is left of a failed answer comes with the next one of the same handle (measured, chdb 26.9).
            if client is not None:
                client.close()
            client = None
            raise
        finally:
            self._readers.put(client)


def open_store(settings: Settings, wait_s: float = 10.0) -> ClickHouseStore:
    """The store that the configuration names. Raises `StoreUnavailable` or `StoreError`."""
    return ClickHouseStore(
        settings.store.url,
        data=settings.data_dir,
        zone=settings.timezone,
        query_seconds=settings.web.query_seconds,
        query_bytes=size(settings.web.query_memory),
        wait_s=wait_s,
    )


def _write(frame: pl.DataFrame, target: Any) -> None:
    frame.rechunk().write_ipc_stream(target, compression="uncompressed", compat_level=pl.CompatLevel.oldest())


@contextmanager
def _errors(what: str) -> Iterator[None]:
    """The library's errors as the contract's."""
    try:
        yield
    except Error as error:
        code = getattr(error, "code", None)
        text = f"{what}: {_first_line(str(error))}"
        if what == "query":
            raise (QueryRefused if code in _REFUSED else StoreError)(text) from error
        if "Too many partitions for single INSERT" in text:  # shares its code with too many parts
            raise StoreError(text) from error
        if code in _UNAVAILABLE or (code is None and isinstance(error, OperationalError)):
            raise StoreUnavailable(text) from error
        raise StoreError(text) from error
    except (OSError, MemoryError) as error:
        raise StoreUnavailable(f"{what}: {error}") from error


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].removesuffix(".")[:500] if text.strip() else "no message"
