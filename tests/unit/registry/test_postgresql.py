"""The settings database on a real PostgreSQL: the same rows, ids, refusals and revisions as in the file."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.alerts import add_alert, list_alerts, set_alert_state
from eventmill.registry.base import Exists, RegistryError
from eventmill.registry.database import Database
from eventmill.registry.domains import add_domain, list_domains, remove_domain
from eventmill.registry.goals import add_goal, list_goals, remove_goal
from eventmill.registry.keys import add_key, list_keys, remove_key
from eventmill.registry.open import open_database
from eventmill.registry.password import matches, password_hash, set_password
from eventmill.registry.sessions import begin_session, end_sessions, open_sessions
from eventmill.registry.shares import add_share, list_shares
from eventmill.registry.sites import add_site, list_sites
from eventmill.settings import Settings
from scripts.services import PostgreSQL, Program


@pytest.fixture(scope="module")
def url(service: Callable[[str], Program]) -> Iterator[str]:
    server = service("postgresql")
    assert isinstance(server, PostgreSQL)
    with server.start() as running:
        yield running.url


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    tables.metadata.drop_all(engine)
    engine.dispose()
    opened = open_database(Settings(data=str(tmp_path), settings_db=url))
    yield opened
    opened.close()


def test_every_kind_of_row(database: Database) -> None:
    key, text = add_key(database, "k", "write", "shop")
    assert list_keys(database) == [key]
    assert text not in str(list_keys(database))
    assert add_domain(database, "a.example") in list_domains(database)
    assert [add_site(database, "shop", ["a.example"])] == list_sites(database)
    assert [add_share(database, "s")[0]] == list_shares(database)
    assert [add_goal(database, "g", "[]")] == list_goals(database)
    alert = add_alert(database, "a", "{}", "https://x.example/")
    assert set_alert_state(database, alert.id, '{"a":1}')
    assert list_alerts(database)[0].state == '{"a":1}'
    set_password(database, "correct horse")
    assert matches(password_hash(database), "correct horse")
    token = begin_session(database)
    assert len(open_sessions(database)) == 1
    end_sessions(database, [token])
    assert open_sessions(database) == {}
    assert remove_key(database, str(key.id))
    assert not remove_key(database, "9" * 19)
    assert not remove_domain(database, "\0")


def test_names_are_unique_and_the_revision_counts_changes(database: Database, url: str) -> None:
    other = open_database(Settings(settings_db=url))
    seen = other.revision()
    add_goal(database, "g", "[]")
    with pytest.raises(Exists, match="there is a goal 'g' already"):
        add_goal(other, "g", "[]")
    assert other.revision() == seen + 1
    other.close()


def test_several_first_starts_and_changes_at_once(database: Database, url: str) -> None:
    tables.metadata.drop_all(database._engine)
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: open_database(Settings(settings_db=url)), range(6)))
        list(pool.map(lambda n: add_goal(opened[n % 6], f"g{n}", "[]"), range(30)))
    goals = list_goals(database)
    assert len({goal.id for goal in goals}) == 30
    assert database.revision() == 31
    assert remove_goal(database, str(goals[-1].id))
    assert add_goal(database, "last", "[]").id > goals[-1].id
    for each in opened:
        each.close()


def test_a_newer_schema_is_refused(database: Database, url: str) -> None:
    with database.changing() as connection:
        connection.execute(sa.update(tables.meta).where(tables.meta.c.name == "schema").values(value=99))
    with pytest.raises(RegistryError, match="run the newer version"):
        open_database(Settings(settings_db=url))


def test_a_wrong_password_is_not_in_the_message(url: str) -> None:
    wrong = sa.make_url(url).set(password="wrongsecret").render_as_string(hide_password=False)
    with pytest.raises(RegistryError, match="settings_db postgresql") as raised:
        open_database(Settings(settings_db=wrong))
    assert "wrongsecret" not in str(raised.value)
