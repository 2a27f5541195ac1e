"""The hosts whose pages may use the API."""

import re

import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.base import Domain, Exists, Invalid, now_text
from eventmill.registry.database import Database
from eventmill.registry.rows import deleted, rows

EVERY = "*"
"""Stands for every page: the check is off."""
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}(?::|$))(?:{_LABEL}\.)*{_LABEL}(?::[0-9]{{1,5}})?")
_IPV6 = re.compile(r"\[[0-9a-f:.]{2,45}\](?::[0-9]{1,5})?")


def checked_domain(text: str) -> str:
    """`HOST`, `HOST:PORT` or `*` in lower case. Raises Invalid.

    Only ASCII: a name in other letters may look like another one, so it is given in the form that browsers send.
    """
    host = text.strip()
    if host == EVERY:
        return host
    if not host.isascii():
        raise Invalid(f"{host[:80]!r} has letters beyond ASCII: write it as browsers send it, xn--…")
    host = host.lower()
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not (_HOST.fullmatch(host) or _IPV6.fullmatch(host)) or (name and port.isdigit() and int(port) > 65535):
        raise Invalid(
            f"{text[:80]!r} is no host: write shop.example, shop.example:8443 for another port than 80 and 443, "
            "or * for every page; without https:// and without a path"
        )
    return host


def list_domains(database: Database) -> list[Domain]:
    """All of them, the oldest first."""
    return rows(database, tables.domains, Domain)


def add_domain(database: Database, host: str) -> Domain:
    """Lets the pages of a host use the API. Raises Invalid, Exists, RegistryError."""
    domain = Domain(checked_domain(host), now_text(database.clock()))
    try:
        with database.changing() as connection:
            connection.execute(sa.insert(tables.domains).values(host=domain.host, created=domain.created))
    except Exists as error:
        raise Exists(f"{domain.host} is allowed already") from error
    return domain


def remove_domain(database: Database, host: str) -> bool:
    """Removes it; whether there was one. Raises RegistryError."""
    return deleted(database, tables.domains, host.strip().lower())
