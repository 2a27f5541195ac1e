"""Versions: forward once, never back; one zone for the life of a store; a refused store keeps its bytes."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from eventmill.store import migrate
from eventmill.store.base import StoreError
from eventmill.store.clickhouse import ClickHouseStore

Opened = Callable[..., ClickHouseStore]


def bytes_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "store.lock":
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def test_a_new_store_has_the_newest_version_and_opens_again(opened: Opened, data_dir: Path) -> None:
    store = opened(zone="Asia/Shanghai")
    newest = str(max(migrate.schema()))
    expected = [("timezone", "Asia/Shanghai"), ("version", newest)]
    assert store.query("SELECT name, value FROM meta FINAL ORDER BY name") == expected
    mark = msgspec.json.decode((data_dir / "store.json").read_bytes(), type=migrate.Mark)
    assert mark == migrate.Mark(int(newest), "Asia/Shanghai")
    assert opened(zone="Asia/Shanghai").query("SELECT count() FROM meta FINAL") == [(2,)]


def test_a_newer_store_is_refused_with_its_bytes_untouched(opened: Opened, data_dir: Path) -> None:
    opened().close()
    migrate.write_file(data_dir / "store.json", migrate.Mark(99, "UTC"))
    before = bytes_of(data_dir)
    with pytest.raises(StoreError, match=r"schema version 99.*install that version again"):
        opened()
    assert bytes_of(data_dir) == before


def test_the_table_decides_where_the_file_is_missing(opened: Opened, data_dir: Path) -> None:
    store = opened()
    store.command("INSERT INTO meta SELECT 'version', '99', now64(3, 'UTC') + INTERVAL 1 SECOND")
    store.close()
    (data_dir / "store.json").unlink()
    with pytest.raises(StoreError, match="schema version 99"):
        opened()


def test_another_zone_is_refused_and_the_mend_named(opened: Opened) -> None:
    opened(zone="UTC").close()
    with pytest.raises(StoreError, match="set timezone = 'UTC'"):
        opened(zone="Asia/Shanghai")


def test_files_go_in_order_from_where_the_store_is(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened()
    files = migrate.schema()
    newest = max(files)
    more = {newest + 2: "CREATE TABLE two AS one;", newest + 1: "-- first\nCREATE TABLE one (a Int8) ENGINE = Memory"}
    monkeypatch.setattr(migrate, "schema", lambda: dict(sorted({**files, **more}.items())))
    assert migrate.migrate(store, "UTC").version == newest + 2
    assert store.query("SELECT count() FROM two") == [(0,)]
    assert migrate.migrate(store, "UTC").version == newest + 2


def test_a_crash_between_a_file_and_its_version_is_mended(opened: Opened) -> None:
    store = opened()
    store.command("ALTER TABLE meta DELETE WHERE name = 'version' SETTINGS mutations_sync = 1")
    assert migrate.migrate(store, "UTC").version == max(migrate.schema())


def test_a_zone_is_checked_before_it_stands_in_a_statement(opened: Opened) -> None:
    with pytest.raises((StoreError, KeyError, ValueError)):
        migrate.migrate(opened(), "UTC'); DROP TABLE events --")
