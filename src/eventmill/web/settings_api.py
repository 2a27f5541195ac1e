"""`keys`, `domains`, `sites`, `goals` and `shares`: listed, added, removed. Who may: `permits.py`."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from eventmill.registry import domains, keys, shares, sites
from eventmill.registry.base import Domain, Site, shown
from eventmill.registry.database import Database
from eventmill.web import goals_api
from eventmill.web.bodies import json_answer, read_body
from eventmill.web.operation import Operation
from eventmill.web.services import Services
from eventmill.web.threads import Threads

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]
PREFIX = "/api/v1"


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What a key is to be: `scope` is read, write or admin; `site` empty is all sites."""

    name: str = ""
    scope: str = "read"
    site: str = ""


class NewDomain(msgspec.Struct, forbid_unknown_fields=True):
    """HOST, HOST:PORT or *."""

    host: str


class NewSite(msgspec.Struct, forbid_unknown_fields=True):
    """A site as events name it, and the hosts that it is served from."""

    name: str
    domains: list[str] = []


class NewShare(msgspec.Struct, forbid_unknown_fields=True):
    """`site` empty is all sites; `view` the page that the link opens, a path with query."""

    name: str = ""
    site: str = ""
    view: str = ""


class ListedKey(msgspec.Struct):
    """A key as lists show it."""

    id: int
    name: str
    scope: str
    site: str
    prefix: str
    created: str


class AddedKey(ListedKey):
    """`key` is its text, shown this once."""

    key: str


class ListedShare(msgspec.Struct):
    """A share as lists show it."""

    id: int
    name: str
    site: str
    view: str
    prefix: str
    created: str


class AddedShare(ListedShare):
    """`key` is its token, `url` the link and `embed` the address for a frame, as paths of this server; once."""

    key: str
    url: str
    embed: str


class Keys(msgspec.Struct):
    data: list[ListedKey]


class Domains(msgspec.Struct):
    data: list[Domain]


class Sites(msgspec.Struct):
    data: list[Site]


class Shares(msgspec.Struct):
    data: list[ListedShare]


def _add_key(database: Database, new: NewKey) -> dict[str, Any]:
    key, text = keys.add_key(database, new.name, new.scope, new.site)
    return shown(key, key=text)


def _add_share(database: Database, new: NewShare) -> dict[str, Any]:
    share, token = shares.add_share(database, new.name, new.site, new.view)
    return shown(share, key=token, url=f"/share/{token}", embed=f"/embed/{token}/")


class Kind(msgspec.Struct, frozen=True):
    """One kind of row: its route, its records, and the functions of the registry."""

    route: str
    one: str
    new: Any
    added: Any
    listed: Any
    rows: Callable[[Database], list[Any]]
    add: Callable[[Database, Any], Any]
    remove: Callable[[Database, str], bool]


KINDS = (
    Kind("keys", "key", NewKey, AddedKey, Keys, keys.list_keys, _add_key, keys.remove_key),
    Kind("domains", "domain", NewDomain, Domain, Domains, domains.list_domains,
         lambda database, new: domains.add_domain(database, new.host), domains.remove_domain),
    Kind("sites", "site", NewSite, Site, Sites, sites.list_sites,
         lambda database, new: sites.add_site(database, new.name, new.domains), sites.remove_site),
    Kind("goals", "goal", goals_api.NewGoal, goals_api.ListedGoal, goals_api.Goals, goals_api.list_goals,
         goals_api.add_goal, goals_api.remove_goal),
    Kind("shares", "share", NewShare, AddedShare, Shares, shares.list_shares, _add_share, shares.remove_share),
)  # fmt: skip


def _operations(kind: Kind) -> tuple[Operation, ...]:
    return (
        Operation("get", kind.route, f"list_{kind.route}", f"All {kind.route}", kind.listed),
        Operation("post", kind.route, f"add_{kind.one}", f"Add a {kind.one}", kind.added, kind.new, 201, (409, 415)),
        Operation("delete", f"{kind.route}/{{id}}", f"remove_{kind.one}", f"Remove a {kind.one} by name or id",
                  status=204, refused=(404, 415)),
    )  # fmt: skip


OPERATIONS = tuple(operation for kind in KINDS for operation in _operations(kind))


def handlers(services: Services, threads: Threads) -> list[Any]:
    """Three routes for each kind."""
    return [handler for kind in KINDS for handler in _handlers(kind, services, threads)]


def _handlers(kind: Kind, services: Services, threads: Threads) -> list[Any]:
    @get(f"{PREFIX}/{kind.route}", name=f"list_{kind.route}")
    async def listed() -> Response[bytes]:
        found = await threads.run(lambda: kind.rows(_registry(services)))
        return json_answer({"data": [shown(row) for row in found]})

    @post(f"{PREFIX}/{kind.route}", name=f"add_{kind.one}", status_code=201)
    async def add(request: AnyRequest) -> Response[bytes]:
        new = await read_body(request, kind.new)
        return json_answer(await threads.run(lambda: kind.add(_registry(services), new)), 201)

    @delete(f"{PREFIX}/{kind.route}/{{needle:str}}", name=f"remove_{kind.one}", status_code=204)
    async def remove(needle: FromPath[str]) -> None:
        if not await threads.run(lambda: kind.remove(_registry(services), needle)):
            raise HTTPException(f"there is no {kind.one} {needle!r}", status_code=404)

    return [listed, add, remove]


def _registry(services: Services) -> Database:
    if services.registry is None:
        raise HTTPException("this process has no settings database", status_code=503)
    return services.registry
