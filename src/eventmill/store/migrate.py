"""Schema versions: forward on start, never backwards, one time zone for the life of a store."""

import os
import re
from importlib import resources
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec

from eventmill.store.base import Store, StoreError

_FILE = re.compile(r"(\d{3})_\w+\.sql")
_META = """CREATE TABLE IF NOT EXISTS meta (name String, value String, at DateTime64(3, 'UTC'))
ENGINE = ReplacingMergeTree(at) ORDER BY name SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"""


class Mark(msgspec.Struct):
    """What a store is, readable without opening it: a newer store is refused with its bytes untouched."""

    version: int
    timezone: str


def schema() -> dict[int, str]:
    """The schema files by version, in order."""
    found = {}
    for file in resources.files("eventmill.store").joinpath("schema").iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            found[int(match[1])] = file.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


def statements(sql: str) -> list[str]:
    """The statements of a schema file; lines of comment are left out."""
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def check(mark: Mark, zone: str, newest: int) -> None:
    """Raises `StoreError` where this program must not open a store with this mark."""
    if mark.version > newest:
        raise StoreError(
            f"the store has schema version {mark.version}, this eventmill knows {newest}: "
            "it was opened by a newer eventmill; install that version again"
        )
    if mark.timezone != zone:
        raise StoreError(
            f"the store cuts days in {mark.timezone}, the configuration says timezone = {zone!r}: "
            f"set timezone = {mark.timezone!r} (a request may name another with tz=), or use a new store"
        )


def directory(url: str, data: Path) -> Path:
    """Where an embedded store is: `chdb:` under the data directory, `chdb://DIR` there."""
    named = url.removeprefix("chdb:").removeprefix("//")
    return (Path(unquote(named)) if named else data / "store").absolute()


def mark_file(at: Path) -> Path:
    """The file beside an embedded store that says what it is."""
    return at.with_name(at.name + ".json")


def check_file(path: Path, zone: str) -> None:
    """The same from the file beside the data, before the engine touches anything."""
    try:
        mark = msgspec.json.decode(path.read_bytes(), type=Mark)
    except FileNotFoundError:
        return
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"{path}: {error}") from error
    check(mark, zone, max(schema()))


def write_file(path: Path, mark: Mark) -> None:
    """Replaces the file whole and durably: a crash or a power cut leaves the old one or the new one."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(mark))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def migrate(store: Store, zone: str) -> Mark:
    """Brings the schema to the newest version and returns what the store is now. Raises `StoreError`.

    Each file's statements can run twice (IF NOT EXISTS), so a crash between a file and its version is mended
    by the next start. The zone is written before the first table, which is made for it.
    """
    ZoneInfo(zone)  # it stands in the statements as text
    store.command(_META)
    known = {str(name): str(value) for name, value in store.query("SELECT name, value FROM meta FINAL")}
    files = schema()
    mark = Mark(version=int(known.get("version", "0")), timezone=known.get("timezone", zone))
    check(mark, zone, max(files))
    if "timezone" not in known:
        _put(store, "timezone", zone)
    for version, sql in files.items():
        if version > mark.version:
            for statement in statements(sql):
                store.command(statement.replace("{zone}", zone))
            _put(store, "version", str(version))
            mark.version = version
    return mark


def _put(store: Store, name: str, value: str) -> None:
    params = {"name": name, "value": value}
    store.command("INSERT INTO meta SELECT {name:String}, {value:String}, now64(3, 'UTC')", params)
