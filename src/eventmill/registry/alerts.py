"""Alerts. What they watch and how they stand is JSON text, whose meaning is the alerts' own."""

import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.base import Alert, Exists, checked_name, now_text
from eventmill.registry.database import Database
from eventmill.registry.rows import deleted, one, rows, updated


def list_alerts(database: Database) -> list[Alert]:
    """All alerts, the oldest first."""
    return rows(database, tables.alerts, Alert)


def find_alert(database: Database, name_or_id: str) -> Alert | None:
    """The alert, or None."""
    return one(database, tables.alerts, Alert, name_or_id)


def add_alert(database: Database, name: str, spec: str, url: str, state: str = "{}") -> Alert:
    """Keeps an alert; `spec` and `state` are JSON text. Raises Invalid, Exists, RegistryError."""
    fields = {
        "name": checked_name(name), "spec": spec, "url": url, "state": state, "created": now_text(database.clock()),
    }  # fmt: skip
    table = tables.alerts
    try:
        with database.changing() as connection:
            added = connection.execute(sa.insert(table).values(fields).returning(table.c.id)).scalar_one()
    except Exists as error:
        raise Exists(f"there is an alert {name!r} already: remove it first, or take another name") from error
    return Alert(id=added, **fields)


def update_alert(database: Database, alert: Alert) -> bool:
    """Writes all but the id and the time of creation; whether it is still there. Raises as `add_alert`."""
    return updated(
        database, tables.alerts, alert.id, name=checked_name(alert.name), spec=alert.spec, url=alert.url,
        state=alert.state,
    )  # fmt: skip


def set_alert_state(database: Database, alert_id: int, state: str) -> bool:
    """Writes the state alone, so that a change of the rest meanwhile is not undone. Raises RegistryError."""
    return updated(database, tables.alerts, alert_id, state=state)


def remove_alert(database: Database, name_or_id: str) -> bool:
    """Removes it; whether there was one. Raises RegistryError."""
    return deleted(database, tables.alerts, name_or_id)
