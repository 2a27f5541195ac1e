"""Opens the settings database that the settings name. Only `app.py` imports this."""

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from eventmill.clock import Clock, system_clock
from eventmill.registry.base import RegistryError
from eventmill.registry.database import WRITING, Database
from eventmill.registry.schema import migrate
from eventmill.settings import Settings

FILE = "settings.sqlite"
_WAIT_S = 10
"""How long a change waits for another process's."""


def open_database(settings: Settings, clock: Clock = system_clock) -> Database:
    """The database, its tables made where they were not. Raises RegistryError."""
    url = settings.settings_db
    if url == "sqlite:":
        engine = _sqlite(settings.data_dir / FILE)
    elif url.startswith("postgresql://"):
        engine = _postgresql(url)
    else:
        raise RegistryError(f"settings_db: {url!r} is not known; write sqlite: or postgresql://USER:PASSWORD@HOST/DB")
    database = Database(engine, clock)
    with database.preparing() as connection:
        migrate(connection)
    return database


def _sqlite(path: Path) -> sa.Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made here, so that nobody but the owner can ever read it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise RegistryError(f"settings_db {path}: {error.strerror}") from error
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _WAIT_S, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where `begun` says, not where the driver guesses
        # The rollback journal, not WAL: the system's SQLite may be one with the WAL-reset fault (before 3.51.3),
        # and a few small changes a day need no better. EXTRA also syncs the directory: a change survives a power cut.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA trusted_schema = OFF")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get(WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgresql(url: str) -> sa.Engine:
    try:
        return sa.create_engine(
            sa.make_url(url).set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,  # the server may have been restarted
            pool_size=4,
            connect_args={"connect_timeout": _WAIT_S},
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise RegistryError(
            "settings_db = postgresql://… needs the extra: pip install 'eventmill[postgresql]'"
        ) from error
    except (sa.exc.ArgumentError, ValueError) as error:
        raise RegistryError("settings_db: write postgresql://USER:PASSWORD@HOST:PORT/DB") from error
