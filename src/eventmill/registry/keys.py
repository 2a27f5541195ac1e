"""API keys."""

import msgspec
import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.base import SCOPES, Exists, Invalid, Key, checked_name, checked_site, now_text
from eventmill.registry.database import Database
from eventmill.registry.rows import deleted, rows
from eventmill.registry.tokens import new_token

KIND = "em"


def list_keys(database: Database) -> list[Key]:
    """All keys, the oldest first."""
    return rows(database, tables.keys, Key)


def add_key(database: Database, name: str = "", scope: str = "read", site: str = "") -> tuple[Key, str]:
    """The key and its text, which nobody can be told again. Without a name it is named after its scope and prefix.

    Raises Invalid, Exists, RegistryError.
    """
    if scope not in SCOPES:
        raise Invalid(f"{scope[:80]!r} is no scope: {', '.join(SCOPES)}")
    if scope == "admin" and site:
        raise Invalid("an admin key is of all sites: leave out the site, or make it a read or write key")
    token = new_token(KIND)
    name = checked_name(name) if name else f"{scope} {token.hash[:8]}"
    fields = {
        "name": name, "scope": scope, "site": checked_site(site), "prefix": token.prefix,
        "created": now_text(database.clock()), "hash": token.hash,
    }  # fmt: skip
    try:
        with database.changing() as connection:
            added = connection.execute(sa.insert(tables.keys).values(fields).returning(tables.keys.c.id)).scalar_one()
    except Exists as error:
        raise Exists(f"there is a key {name!r} already: remove it first, or take another name") from error
    return msgspec.convert({"id": added, **fields}, Key), token.text


def remove_key(database: Database, name_or_id: str) -> bool:
    """Removes a key; whether there was one. It is refused within a second. Raises RegistryError."""
    return deleted(database, tables.keys, name_or_id)
