"""The sites that the dashboard offers: a name as events have it, and the hosts that it is served from."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from eventmill.registry import tables
from eventmill.registry.base import Exists, Invalid, Site, checked_site, now_text
from eventmill.registry.database import Database
from eventmill.registry.domains import EVERY, checked_domain
from eventmill.registry.rows import deleted

MOST_DOMAINS = 100


def list_sites(database: Database) -> list[Site]:
    """All of them, the oldest first."""
    table = tables.sites
    with database.reading() as connection:
        found = connection.execute(sa.select(table).order_by(table.c.created, table.c.name)).all()
    return [Site(row.name, msgspec.json.decode(row.domains, type=list[str]), row.created) for row in found]


def add_site(database: Database, name: str, domains: Sequence[str] = ()) -> Site:
    """Keeps a site. Raises Invalid, Exists, RegistryError."""
    if not checked_site(name) or "/" in name:
        raise Invalid("a site needs a name without a slash, as events have it in `site`, e.g. shop.example")
    hosts = [checked_domain(host) for host in domains]
    if EVERY in hosts or len(hosts) > MOST_DOMAINS:
        raise Invalid(f"the domains of a site are at most {MOST_DOMAINS} hosts, each by its name")
    site = Site(name, hosts, now_text(database.clock()))
    row = {"name": name, "domains": msgspec.json.encode(hosts).decode(), "created": site.created}
    try:
        with database.changing() as connection:
            connection.execute(sa.insert(tables.sites).values(row))
    except Exists as error:
        raise Exists(f"there is a site {name!r} already: remove it first") from error
    return site


def remove_site(database: Database, name: str) -> bool:
    """Removes it from the list; its events stay. Whether there was one. Raises RegistryError."""
    return deleted(database, tables.sites, name)
