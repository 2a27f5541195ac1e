"""Share links: whoever has one may read the statistics of a site, or of all, until it is removed."""

import re

import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.base import Exists, Invalid, Share, checked_name, checked_site, now_text
from eventmill.registry.database import Database
from eventmill.registry.rows import deleted, rows
from eventmill.registry.tokens import new_token

KIND = "es"
_VIEW = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]{0,2000})?")
"""A path of this server: not `//host`, no backslash (browsers read it as a slash), nothing that ends a header."""


def list_shares(database: Database) -> list[Share]:
    """All of them, the oldest first."""
    return rows(database, tables.shares, Share)


def add_share(database: Database, name: str = "", site: str = "", view: str = "") -> tuple[Share, str]:
    """The share and its token, which nobody can be told again. `view` is the page that it opens, a path with query.

    Raises Invalid, Exists, RegistryError.
    """
    if view and not _VIEW.fullmatch(view):
        raise Invalid(f"{view[:80]!r} is no view: a path of the dashboard with its query, e.g. /flows?site=shop")
    token = new_token(KIND)
    fields = {
        "name": checked_name(name) if name else f"share {token.hash[:8]}", "site": checked_site(site), "view": view,
        "prefix": token.prefix, "created": now_text(database.clock()), "hash": token.hash,
    }  # fmt: skip
    try:
        with database.changing() as connection:
            table = tables.shares
            added = connection.execute(sa.insert(table).values(fields).returning(table.c.id)).scalar_one()
    except Exists as error:
        raise Exists(f"there is a share {fields['name']!r} already: remove it first, or take another name") from error
    return Share(id=added, **fields), token.text


def remove_share(database: Database, name_or_id: str) -> bool:
    """Removes it; whether there was one. Its links end within a second. Raises RegistryError."""
    return deleted(database, tables.shares, name_or_id)
