"""Sessions of the dashboard: random tokens in a cookie, their hashes here, each with an end."""

from collections.abc import Sequence

import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.base import now_text
from eventmill.registry.database import Database
from eventmill.registry.tokens import hash_of, new_token

LIFE_S = 7 * 86_400
"""A session ends so long after the sign-in, used or not."""
KIND = "ev"
_MOST = 1000
"""Sessions kept; the oldest ends where one more begins."""


def begin_session(database: Database) -> str:
    """A new session's token; what is over leaves the table. Raises RegistryError."""
    token, now, table = new_token(KIND), database.clock(), tables.sessions
    with database.changing() as connection:
        kept = sa.select(table.c.hash).order_by(table.c.expires_ms.desc()).limit(_MOST - 1)
        connection.execute(sa.delete(table).where((table.c.expires_ms <= now) | table.c.hash.not_in(kept)))
        row = {"hash": token.hash, "created": now_text(now), "expires_ms": now + LIFE_S * 1000}
        connection.execute(sa.insert(table).values(row))
    return token.text


def end_sessions(database: Database, tokens: Sequence[str]) -> None:
    """Ends the sessions with these tokens. Raises RegistryError."""
    hashes = [hash_of(token) for token in tokens]
    if hashes:
        with database.changing() as connection:
            connection.execute(sa.delete(tables.sessions).where(tables.sessions.c.hash.in_(hashes)))


def open_sessions(database: Database) -> dict[str, int]:
    """Hash and end (ms since the epoch) of each. Raises RegistryError."""
    with database.reading() as connection:
        found = connection.execute(sa.select(tables.sessions.c.hash, tables.sessions.c.expires_ms)).all()
    return {row.hash: row.expires_ms for row in found if row.expires_ms > database.clock()}
