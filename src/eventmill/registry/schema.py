"""Makes the tables on first use, and refuses a database of a newer version."""

import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.base import RegistryError
from eventmill.registry.tables import SCHEMA

_LOCK = 0x65766D6C
"""PostgreSQL's advisory lock: two first starts at once make the tables one after the other."""


def migrate(connection: sa.Connection) -> None:
    """Brings the database to `SCHEMA`, within the caller's transaction. Raises RegistryError where it is newer."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if not sa.inspect(connection).has_table(tables.meta.name):
        tables.metadata.create_all(connection)
        connection.execute(
            sa.insert(tables.meta), [{"name": "schema", "value": SCHEMA}, {"name": "revision", "value": 1}]
        )
        return
    found = connection.scalar(sa.select(tables.meta.c.value).where(tables.meta.c.name == "schema"))
    if found is None or found > SCHEMA:
        raise RegistryError(
            f"the settings database has schema {found}, this version of eventmill knows {SCHEMA}: "
            "run the newer version, or name another settings_db"
        )
