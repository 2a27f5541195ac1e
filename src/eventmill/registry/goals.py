"""Goals. What their filters mean is the query layer's to check."""

import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.base import Exists, Goal, checked_name, checked_site, now_text
from eventmill.registry.database import Database
from eventmill.registry.rows import deleted, one, rows, updated


def list_goals(database: Database) -> list[Goal]:
    """All goals, the oldest first."""
    return rows(database, tables.goals, Goal)


def find_goal(database: Database, name_or_id: str) -> Goal | None:
    """The goal, or None."""
    return one(database, tables.goals, Goal, name_or_id)


def add_goal(database: Database, name: str, filters: str, site: str = "") -> Goal:
    """Keeps a goal; `filters` is JSON text. Raises Invalid, Exists, RegistryError."""
    fields = {
        "name": checked_name(name), "site": checked_site(site), "filters": filters,
        "created": now_text(database.clock()),
    }  # fmt: skip
    try:
        with database.changing() as connection:
            added = connection.execute(sa.insert(tables.goals).values(fields).returning(tables.goals.c.id)).scalar_one()
    except Exists as error:
        raise Exists(f"there is a goal {name!r} already: remove it first, or take another name") from error
    return Goal(id=added, **fields)


def update_goal(database: Database, goal: Goal) -> bool:
    """Writes name, site and filters of the goal with this id; whether it is still there. Raises as `add_goal`."""
    return updated(
        database, tables.goals, goal.id, name=checked_name(goal.name), site=checked_site(goal.site),
        filters=goal.filters,
    )  # fmt: skip


def remove_goal(database: Database, name_or_id: str) -> bool:
    """Removes it; whether there was one. Raises RegistryError."""
    return deleted(database, tables.goals, name_or_id)
