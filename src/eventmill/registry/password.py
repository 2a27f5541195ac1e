"""The dashboard's password: one, kept as an argon2id hash (RFC 9106, the second recommended choice: 64 MiB)."""

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from eventmill.registry import tables
from eventmill.registry.base import Invalid
from eventmill.registry.database import Database

SHORTEST, LONGEST = 10, 1024
_NAME = "password"
_hasher = PasswordHasher()


def checked_password(password: str) -> str:
    """Raises Invalid where it is too short, or so long that hashing it would be an attack."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(f"a password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}")
    if "\0" in password or not _is_text(password):
        raise Invalid("this password is no text in UTF-8")
    return password


def set_password(database: Database, password: str) -> None:
    """Sets it and ends every session. Raises Invalid, RegistryError."""
    hashed = _hasher.hash(checked_password(password))
    with database.changing() as connection:
        connection.execute(sa.delete(tables.secrets).where(tables.secrets.c.name == _NAME))
        connection.execute(sa.insert(tables.secrets).values(name=_NAME, value=hashed))
        connection.execute(sa.delete(tables.sessions))


def remove_password(database: Database) -> bool:
    """Removes it and ends every session; whether there was one. Raises RegistryError."""
    with database.changing() as connection:
        connection.execute(sa.delete(tables.sessions))
        return connection.execute(sa.delete(tables.secrets).where(tables.secrets.c.name == _NAME)).rowcount > 0


def password_hash(database: Database) -> str:
    """The argon2 hash; empty where no password is set. Raises RegistryError."""
    with database.reading() as connection:
        found = connection.scalar(sa.select(tables.secrets.c.value).where(tables.secrets.c.name == _NAME))
    return found or ""


def matches(hashed: str, password: str) -> bool:
    """Whether it is the password. Takes tens of milliseconds and 64 MiB: call it in a thread, few at a time."""
    try:
        return len(password) <= LONGEST and _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _is_text(password: str) -> bool:
    try:
        password.encode()
    except UnicodeEncodeError:
        return False
    return True
