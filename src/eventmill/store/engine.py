"""Opens the embedded engine: one process per directory, small when idle, never in the way of ingest."""

import ctypes
import fcntl
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error, ProgrammingError

from eventmill.store.base import StoreError, StoreUnavailable

MARK_CACHE = 64 << 20
INGEST_RESERVE = 1 << 30

# Caches are sized for one machine's statistics rather than for a database server, one merge runs at a time so
# that it takes one of two cores, and the sum of all memory has an end.
_CONFIG = """<clickhouse>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{marks}</mark_cache_size>
  <index_mark_cache_size>{marks}</index_mark_cache_size>
  <primary_index_cache_size>{marks}</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <query_cache><max_size_in_bytes>0</max_size_in_bytes></query_cache>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>2</background_schedule_pool_size>
  <background_common_pool_size>1</background_common_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <user_files_path>{files}/</user_files_path>
</clickhouse>
"""


def machine_memory() -> int:
    """Bytes that this process may hope for: the machine's, or its control group's."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total


def query_memory(wanted: int, readers: int) -> int:
    """What one query may take, so that all readers together leave `INGEST_RESERVE` to the inserts."""
    room = int(machine_memory() * 0.8) - INGEST_RESERVE
    return max(min(wanted, room // readers), 64 << 20)


class DirectoryLock:
    """Holds `<dir>.lock` while the engine is open: chdb allows one process per directory."""

    def __init__(self, directory: Path, wait_s: float) -> None:
        """Waits up to `wait_s` for the process that holds it. Raises `StoreUnavailable` with its name."""
        self.path = directory.with_name(directory.name + ".lock")
        self._file: TextIO = self.path.open("a+", encoding="ascii")
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= deadline:
                    holder = self._holder()
                    self._file.close()
                    raise StoreUnavailable(
                        f"the store {directory} is open in another process ({holder}): "
                        "stop it, or ask it through its API"
                    ) from None
                time.sleep(0.02)
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def _holder(self) -> str:
        self._file.seek(0)
        pid = self._file.read().strip() or "?"
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        except OSError:
            words = []
        command = b" ".join(words).decode(errors="replace")
        return f"pid {pid}: {command[:120]}" if command else f"pid {pid}"

    def release(self) -> None:
        self._file.close()


class Engine:
    """The embedded engine on one directory; gives handles to it."""

    def __init__(self, directory: Path, memory: int, wait_s: float) -> None:
        """`memory` is the end of all memory of the engine, in bytes."""
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = DirectoryLock(directory, wait_s)
            self._config = directory.with_name(directory.name + ".xml")
            text = _CONFIG.format(memory=memory, marks=MARK_CACHE, files=directory / "user_files")
            self._config.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StoreUnavailable(f"{directory}: {error.strerror or error}") from error

    def client(self, database: str | None, settings: dict[str, Any]) -> Client:
        """A handle of its own: calls on it wait for each other, calls on several run side by side."""
        get_client = _import_without_pyarrow()
        try:
            client: Client = get_client(
                interface="chdb",
                path=str(self.directory),
                database=database,
                settings=settings,
                chdb_options={"config-file": str(self._config)},
            )
        except (Error, RuntimeError) as error:
            if isinstance(error, ProgrammingError) and "config-file" not in str(error):
                raise StoreUnavailable(str(error)) from error
            raise StoreError(str(error)) from error
        return client

    def close(self) -> None:
        self._lock.release()


def _import_without_pyarrow() -> Any:
    """chdb imports pyarrow where it finds it: 40 MB and 0.5 s for functions that eventmill never calls."""
    hidden = "pyarrow" not in sys.modules and "chdb" not in sys.modules
    if hidden:
        sys.modules["pyarrow"] = None  # type: ignore[assignment]
    try:
        import chdb  # noqa: F401
    finally:
        if hidden:
            del sys.modules["pyarrow"]
    from clickhouse_connect import get_client

    return get_client


_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+\s+(\S+)")
_DONTNEED = 4


def trim() -> int:
    """Gives back the pages of the engine's library that only its start needed; returns their bytes.

    The loader and the static initialisers touch 170 MB of a 550 MB library. Its read-only mappings that hold
    no page of their own are dropped; what is needed again comes back from the page cache.
    """
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        text = Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    freed = 0
    for block in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", text):
        found = _MAPPING.match(block)
        if not found or "_chdb" not in found[4] or found[3] not in ("r-xp", "r--p"):
            continue
        own = re.search(r"^Anonymous:\s+(\d+)", block, re.MULTILINE)
        resident = re.search(r"^Rss:\s+(\d+)", block, re.MULTILINE)
        if own is None or own[1] != "0" or resident is None:
            continue  # pages changed by relocation would be lost
        start, end = int(found[1], 16), int(found[2], 16)
        if libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONTNEED) == 0:
            freed += int(resident[1]) * 1024
    return freed
