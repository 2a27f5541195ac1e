"""What each caller may ask. Closed by default: a route that is not named here is the admin's."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from eventmill.query.ask import QUESTIONS
from eventmill.web.about import About
from eventmill.web.auth import Caller
from eventmill.web.problems import Problem

API = "/api/v1/"
_OPEN = frozenset({"session", "openapi.json"})
"""Routes for everybody: who they are, and what could be asked."""
_OPERATION = frozenset({"ledger", "lag", "pipeline", "rejects"})
"""Of the whole pipeline, not of a site."""
_READ_ROUTES = frozenset({"about", "live", "goals", "sites"})
_READ_FOLDERS = ("events/", "rejects/")
_NOT_SHARED = frozenset({"rejects", "live"})
_PRIVATE = frozenset({"user", "session", "ip", "id"})
"""Dimensions that tell one person from another: not for those who have no more than a link."""
_SAFE = ("GET", "HEAD", "OPTIONS")


def route_of(path: str) -> str | None:
    """The route below /api/v1/, `metrics` for /metrics; None for what holds no data."""
    if path.startswith("/api/"):
        return path.removeprefix(API)
    return "metrics" if path == "/metrics" else None


def changes(method: str, route: str) -> bool:
    """Whether a request may change anything. `sql` only reads, by POST because statements are long."""
    return method not in _SAFE and route != "sql"


def refusal(caller: Caller, method: str, route: str, *, password: bool) -> Problem | None:
    """Why this caller may not ask this route at all, None where it may. `password`: there is one."""
    if route in _OPEN:
        return None
    if caller.role == "unknown":
        return Problem(401, "Key not known", "this key is not known here, or was removed: `eventmill keys list`")
    if caller.role == "":
        return Problem(
            401, "Sign in", "sign in, or send a key: Authorization: Bearer …; `eventmill keys add` makes one"
        )
    if changes(method, route):
        return _may_change(caller, password)
    if caller.role in ("admin", "local") or _may_read(caller, route):
        return None
    what = f" of site {caller.site!r}" if caller.site else ""
    said = {
        "write": "a write key sends events to the collector, and reads nothing",
        "read": f"this key reads statistics{what}, not {route}",
        "share": f"this link shows statistics{what}, not {route}",
    }
    return Problem(403, "Not allowed", said[caller.role])


def narrowed(caller: Caller, route: str, query: bytes) -> bytes | Problem:
    """The query string that the caller's question becomes: of its site, whatever it asked for."""
    if caller.role not in ("read", "share") or route in _OPEN:
        return query
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace")
    if caller.role == "share" and any(_names_private(*pair) for pair in pairs):
        return Problem(403, "Not allowed", f"a shared link tells no persons apart: no {', '.join(sorted(_PRIVATE))}")
    if not caller.site or not _has_site(route):
        return query
    asked = {value for name, value in pairs if name == "site"}
    if asked - {"", caller.site}:
        return Problem(403, "Not allowed", f"this is for site {caller.site!r} only")
    # Written anew, so that whatever reads it next reads the same as we did.
    return urlencode([*(pair for pair in pairs if pair[0] != "site"), ("site", caller.site)]).encode()


def narrowed_about(caller: Caller, answer: About) -> About:
    """What a caller of one site, or with a link, is told of this server."""
    if caller.role not in ("read", "share") or (caller.role == "read" and not caller.site):
        return answer
    sites = [site for site in answer.sites if caller.site in ("", site)]
    return msgspec.structs.replace(
        answer,
        sites=sites,
        collect=[],
        topics=[],
        products=[],
        **({"first": None, "last": None} if caller.site else {}),
    )


def _may_change(caller: Caller, password: bool) -> Problem | None:
    if caller.role == "admin" or (caller.role == "local" and not password):
        return None
    if caller.role == "local":
        return Problem(401, "Sign in", "changes need the password here: sign in, or send an admin key")
    return Problem(403, "Not allowed", "only an admin key or a signed-in person changes anything")


def _may_read(caller: Caller, route: str) -> bool:
    if caller.role == "write":
        return False
    if caller.role == "share" and route in _NOT_SHARED:
        return False
    if _has_site(route) or route == "about":
        return True
    if caller.site:
        return False
    if caller.role == "share":
        return route in QUESTIONS
    return route in QUESTIONS or route in _OPERATION | _READ_ROUTES | {"metrics"} or route.startswith(_READ_FOLDERS)


def _has_site(route: str) -> bool:
    question = QUESTIONS.get(route)
    return route == "live" or (question is not None and "site" in question.parameters)


def _names_private(name: str, value: str) -> bool:
    """Whether a parameter is a private dimension, or JSON with a condition `[operator, field, value]` on one."""
    if name == "dimension":
        return value in _PRIVATE
    if value.lstrip()[:1] not in ("[", "{"):
        return False
    try:
        # Numbered, not named: of a key given twice both are looked at.
        found = json.loads(value, object_pairs_hook=lambda pairs: dict(enumerate(item for _, item in pairs)))
        return any(len(item) == 3 and isinstance(item[1], str) and item[1] in _PRIVATE for item in _lists(found))
    except (ValueError, RecursionError):
        return True  # not read, so not let through


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for child in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _lists(child)
