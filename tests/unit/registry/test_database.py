"""The settings database itself: made on first use, private, refused where newer, one change at a time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.alerts import add_alert, find_alert, list_alerts, remove_alert, set_alert_state, update_alert
from eventmill.registry.base import Exists, Invalid, RegistryError
from eventmill.registry.database import Database
from eventmill.registry.goals import add_goal, find_goal, list_goals, remove_goal, update_goal
from eventmill.registry.open import open_database
from eventmill.registry.sites import add_site, list_sites, remove_site
from eventmill.settings import Settings, SettingsError, load


def test_the_file_is_the_owners_alone(database: Database, tmp_path: Path) -> None:
    assert (tmp_path / "settings.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_newer_schema_is_refused_and_left_alone(database: Database, tmp_path: Path) -> None:
    with database.changing() as connection:
        connection.execute(sa.update(tables.meta).where(tables.meta.c.name == "schema").values(value=99))
    database.close()
    before = (tmp_path / "settings.sqlite").read_bytes()
    with pytest.raises(RegistryError, match=r"schema 99.*run the newer version"):
        open_database(Settings(data=str(tmp_path)))
    assert (tmp_path / "settings.sqlite").read_bytes() == before


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(RegistryError, match=r"settings\.sqlite: file is not a database"):
        open_database(Settings(data=str(tmp_path)))


def test_several_first_starts_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from eventmill.registry.open import open_database; from eventmill.settings import Settings;"
        "from eventmill.registry.goals import add_goal;"
        "add_goal(open_database(Settings(data=sys.argv[1])), 'g' + sys.argv[2], '[]')"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(n)]) for n in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    opened = open_database(Settings(data=str(tmp_path)))
    assert {goal.name for goal in list_goals(opened)} == {"g0", "g1", "g2", "g3"}
    assert opened.revision() == 5
    opened.close()


def test_every_change_is_seen_by_other_openers(database: Database, tmp_path: Path) -> None:
    other = open_database(Settings(data=str(tmp_path)))
    seen = other.revision()
    called: list[int] = []
    database.after_change(lambda: called.append(1))
    add_goal(database, "g", "[]")
    assert other.revision() == seen + 1
    assert called == [1]
    with pytest.raises(Exists):
        add_goal(database, "g", "[]")
    assert (other.revision(), called) == (seen + 1, [1])
    other.close()


def test_changes_of_threads_wait_for_each_other(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: add_goal(database, f"g{n}", "[]"), range(40)))
    assert len({goal.id for goal in list_goals(database)}) == 40


def test_an_id_never_comes_back(database: Database) -> None:
    first = add_goal(database, "a", "[]")
    assert remove_goal(database, str(first.id))
    assert add_goal(database, "a", "[]").id > first.id


def test_goals(database: Database) -> None:
    goal = add_goal(database, "Sign-up", '[["is","page","/welcome"]]', "shop")
    assert list_goals(database) == [goal] == [find_goal(database, "Sign-up")] == [find_goal(database, str(goal.id))]
    import msgspec

    assert update_goal(database, msgspec.structs.replace(goal, filters="[]"))
    assert find_goal(database, "Sign-up").filters == "[]"  # type: ignore[union-attr]
    assert remove_goal(database, "Sign-up")
    assert not remove_goal(database, "Sign-up")
    assert not update_goal(database, goal)


def test_alerts(database: Database) -> None:
    import msgspec

    alert = add_alert(database, "silence", '{"kind":"silence"}', "https://hooks.example/x")
    assert alert.created == "2026-11-20T12:00:00Z"
    assert set_alert_state(database, alert.id, '{"firing":true}')
    assert find_alert(database, "silence") == msgspec.structs.replace(alert, state='{"firing":true}')
    assert update_alert(database, msgspec.structs.replace(alert, url="https://b.example/"))
    assert list_alerts(database)[0].url == "https://b.example/"
    assert remove_alert(database, "silence")
    assert not set_alert_state(database, alert.id, "{}")


def test_sites(database: Database) -> None:
    site = add_site(database, "shop", ["Shop.example", "www.shop.example"])
    assert list_sites(database) == [site]
    assert site.domains == ["shop.example", "www.shop.example"]
    with pytest.raises(Exists, match="there is a site 'shop' already"):
        add_site(database, "shop")
    for name, domains in (("", []), ("a/b", []), ("x" * 300, []), ("a\0", []), ("ok", ["*"]), ("ok", ["http://x"])):
        with pytest.raises(Invalid):
            add_site(database, name, domains)
    assert remove_site(database, "shop")
    assert not remove_site(database, "shop")


@pytest.mark.parametrize("name", ["", "12", "a/b", " a", "a\n", "x" * 65, "\0", "a\ud800", "<b>"])
def test_names_that_could_not_stand_in_a_path(database: Database, name: str) -> None:
    with pytest.raises(Invalid, match="is no name"):
        add_goal(database, name, "[]")


@pytest.mark.parametrize("needle", ["0", "99999999999999999999999", "9" * 19, "none", "\0", "", "１"])
def test_what_is_not_there_is_not_removed(database: Database, needle: str) -> None:
    add_goal(database, "a", "[]")
    assert not remove_goal(database, needle)


def test_the_option() -> None:
    assert load(env={}).settings_db == "sqlite:"
    url = "postgresql://u:secret@127.0.0.1:1/d"
    assert load(env={"EVENTMILL_SETTINGS_DB": url}).settings_db == url
    with pytest.raises(SettingsError, match="settings_db"):
        load(flags={"settings_db": "mysql://x"}, env={})


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(RegistryError) as raised:
        open_database(Settings(settings_db="postgresql://someone:secretword@127.0.0.1:1/d"))
    assert "secretword" not in str(raised.value)
    assert "someone:***@127.0.0.1:1" in str(raised.value)


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegistryError, match="settings_db"):
        open_database(Settings(data=str(tmp_path / "file" / "data")))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
