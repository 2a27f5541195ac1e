"""What all kinds of rows share: listed in the order they were added, removed by name or id."""

from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from eventmill.registry.database import Database

T = TypeVar("T", bound=msgspec.Struct)
_LARGEST = 2**63 - 1


def rows(database: Database, table: sa.Table, kind: type[T]) -> list[T]:
    """Every row. Raises RegistryError."""
    order = table.c.id if "id" in table.c else table.c.created
    with database.reading() as connection:
        found = connection.execute(sa.select(table).order_by(order, *table.primary_key.columns)).mappings()
        return [kind(**row) for row in found]


def one(database: Database, table: sa.Table, kind: type[T], name_or_id: str) -> T | None:
    """The row of that name or id. Raises RegistryError."""
    with database.reading() as connection:
        row = connection.execute(sa.select(table).where(named(table, name_or_id))).mappings().first()
        return kind(**row) if row is not None else None


def deleted(database: Database, table: sa.Table, name_or_id: str) -> bool:
    """Removes it; whether there was one. Raises RegistryError."""
    with database.changing() as connection:
        return connection.execute(sa.delete(table).where(named(table, name_or_id))).rowcount > 0


def updated(database: Database, table: sa.Table, row_id: int, **values: Any) -> bool:
    """Sets columns of the row; whether it is still there. Raises Exists, RegistryError."""
    with database.changing() as connection:
        return connection.execute(sa.update(table).where(table.c.id == row_id).values(values)).rowcount > 0


def named(table: sa.Table, name_or_id: str) -> sa.ColumnElement[bool]:
    """A name is never digits alone, so that a number is an id."""
    if "\0" in name_or_id:
        return sa.false()  # PostgreSQL knows no such text
    if "id" in table.c and name_or_id.isascii() and name_or_id.isdigit():
        number = int(name_or_id) if len(name_or_id) < 20 else -1
        return table.c.id == (number if number <= _LARGEST else -1)
    return next(iter(table.c[name] for name in ("name", "host") if name in table.c)) == name_or_id
