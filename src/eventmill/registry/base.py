"""What the settings database holds, as rows, and what can go wrong with it. Knows no SQL.

Times are text, RFC 3339 in UTC. Secrets (keys, share tokens, session tokens) appear as hashes here; their text is
returned once, by the function that makes them.
"""

import re
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
_NAME = re.compile(r"[^\W_](?:[\w .@+-]*[\w)])?")
NAME_LENGTH = 64
SITE_LENGTH = 255


class RegistryError(Exception):
    """The settings database cannot be read or written; the message names the mend."""


class Invalid(Exception):
    """What is to be kept is wrong; the message says what would be right."""


class Exists(Exception):
    """There is one of this name already."""


class Key(msgspec.Struct, frozen=True):
    """An API key. `site` empty: of all sites. `prefix` is its beginning, to know it by; `hash` tells nothing of it."""

    id: int
    name: str
    scope: Scope
    site: str
    prefix: str
    created: str
    hash: str


class Domain(msgspec.Struct, frozen=True):
    """A host whose pages may use the API: `HOST` (the usual ports), `HOST:PORT`, or `*` for every page."""

    host: str
    created: str


class Site(msgspec.Struct, frozen=True):
    """A site under its name in events, and the hosts that it is served from."""

    name: str
    domains: list[str]
    created: str


class Share(msgspec.Struct, frozen=True):
    """A link that lets its bearer read. `site` empty: all sites; `view` the page that it opens, empty: the first."""

    id: int
    name: str
    site: str
    view: str
    prefix: str
    created: str
    hash: str


class Goal(msgspec.Struct, frozen=True):
    """A goal: `filters` as the API takes them, JSON text. `site` empty: all sites."""

    id: int
    name: str
    site: str
    filters: str
    created: str


class Alert(msgspec.Struct, frozen=True):
    """An alert: `spec` (what is watched) and `state` (of its last evaluation) are JSON text."""

    id: int
    name: str
    spec: str
    url: str
    state: str
    created: str


def now_text(now_ms: int) -> str:
    """Milliseconds since the epoch as RFC 3339, to the second."""
    return datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def checked_name(name: str) -> str:
    """A name that can stand in a path and is no number, so that `name-or-id` is one of both. Raises Invalid."""
    if len(name) > NAME_LENGTH or not _NAME.fullmatch(name) or name.isdigit():
        raise Invalid(
            f"{name[:80]!r} is no name: up to {NAME_LENGTH} letters, digits, spaces and . _ - + @, beginning with a "
            "letter or digit, and not digits alone"
        )
    return name


def checked_site(site: str) -> str:
    """A site as events name it; empty is all sites. Raises Invalid."""
    if len(site.encode("utf-8", "surrogatepass")) > SITE_LENGTH or not (site.isprintable()):
        raise Invalid(f"{site[:80]!r} is no site: up to {SITE_LENGTH} bytes of printable text")
    return site


def shown(row: msgspec.Struct, **more: Any) -> dict[str, Any]:
    """A row as answers show it: without the hash of a secret."""
    fields = msgspec.structs.asdict(row)
    fields.pop("hash", None)
    return {**fields, **more}
