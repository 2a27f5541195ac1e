"""What every request passes first: names against DNS rebinding, pages of other sites, who asks and what it may."""

from collections.abc import Mapping

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from eventmill.registry.database import Database
from eventmill.registry.keys import list_keys
from eventmill.registry.password import password_hash
from eventmill.settings import Settings, is_loopback
from eventmill.web import permits
from eventmill.web.auth import Access, Caller
from eventmill.web.origins import Origins, frame_sources
from eventmill.web.problems import Problem, send_problem

ORIGIN_REFUSED = "40010"
_CALLER = "eventmill.caller"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {}"
)
HEADERS = {
    "content-security-policy": _POLICY.format("'none'"),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_EMBEDDED = {
    **{name: value for name, value in HEADERS.items() if name != "x-frame-options"},
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
}
"""Of the pages that a share lets other sites show in a frame: they read one site's statistics and change nothing."""
_CORS_METHODS, _CORS_HEADERS = "GET, HEAD, POST, DELETE", "Authorization, Content-Type"
_ANSWERED = "Retry-After, WWW-Authenticate"


class ListenError(Exception):
    """The address may not be served; the message names the mend."""


def check_listen(settings: Settings, registry: Database | None) -> None:
    """Refuses an address that other machines reach where nothing protects it. Raises ListenError, RegistryError."""
    if is_loopback(settings.web.listen):
        return
    if registry is not None and (password_hash(registry) or any(key.scope != "write" for key in list_keys(registry))):
        return
    raise ListenError(
        f"web.listen = {settings.web.listen!r} is reachable from other machines, and there is neither a password nor "
        "a key: set one with `eventmill password` (or `eventmill keys add --scope read`), or listen on 127.0.0.1 and "
        "reach it through a tunnel (ssh -L 8090:localhost:8090 …)"
    )


class Guarded:
    """An ASGI application that answers what may not be, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, settings: Settings, access: Access) -> None:
        self._app, self._access = app, access
        self._origins, self._frames = Origins(settings), settings.web.frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        # The router passes over empty parts of a path: what is judged here must be what is served there.
        path = scope["path"] = "/" + "/".join(part for part in scope["path"].split("/") if part)
        headers = _headers(scope)
        guarded = _Headed(send, self._embedded() if path.startswith("/embed/") else None)
        foreign = self._foreign(path, headers)
        problem = self._named(path, headers, foreign)
        if problem is not None:
            await send_problem(problem, guarded)
            return
        if foreign:
            guarded.cors(foreign)
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                await _preflight(guarded)
                return
        problem = self._permitted(scope, path, headers, foreign)
        if problem is not None:
            await send_problem(problem, guarded, _challenge(problem))
            return
        await self._app(scope, receive, guarded)

    def _embedded(self) -> Mapping[str, str]:
        """The headers of a chart in a frame, for pages of this server, of the allowed domains and of `web.frames`."""
        parents = frame_sources([*self._access.rules.domains, *self._frames])
        return {**_EMBEDDED, "content-security-policy": _POLICY.format(parents)}

    def _foreign(self, path: str, headers: Mapping[str, str]) -> str:
        """The Origin of another site's page that asks the API, empty where there is none."""
        origin = headers.get("origin", "") if path.startswith("/api/") else ""
        return "" if not origin or self._origins.is_own(origin, headers.get("host", "")) else origin

    def _named(self, path: str, headers: Mapping[str, str], foreign: str) -> Problem | None:
        host = headers.get("host", "")
        if not self._origins.names_us(host):
            return Problem(403, "Host not allowed", f"{host!r} is no name of this server: add it to web.allowed_hosts")
        if not path.startswith("/api/"):
            return None
        domains = self._access.rules.domains
        for name, source in (("Origin", foreign), ("Referer", headers.get("referer", ""))):
            if source and not (self._origins.is_own(source, host) or self._origins.is_allowed(source, domains)):
                text = f"{name} {source[:200]!r} is neither this server nor an allowed domain"
                return Problem(401, "Origin not allowed", text, code=ORIGIN_REFUSED, message=text)
        return None

    def _permitted(self, scope: HTTPScope, path: str, headers: Mapping[str, str], foreign: str) -> Problem | None:
        """Why the caller may not ask this; narrows what it asks to its site."""
        caller = self._access.caller(headers, scope["scheme"] == "https")
        scope[_CALLER] = caller  # type: ignore[literal-required]
        route = permits.route_of(path)
        if route is None:
            return None
        method = scope["method"]
        password = bool(self._access.rules.password)
        problem = permits.refusal(caller, method, route, password=password) or (
            self._forged(caller, headers, foreign) if permits.changes(method, route) else None
        )
        if problem is not None:
            return problem
        query = permits.narrowed(caller, route, scope["query_string"])
        if isinstance(query, Problem):
            return query
        scope["query_string"] = query
        return None

    def _forged(self, caller: Caller, headers: Mapping[str, str], foreign: str) -> Problem | None:
        """A change that a page of another site made the browser ask for: with its cookie, or its place on this
        machine. Domains of the allow list read; to change they send a key."""
        if headers.get("content-type", "application/json").partition(";")[0].strip().lower() != "application/json":
            return Problem(415, "Unsupported Media Type", "send application/json")
        if caller.by_key:
            return None
        referer = headers.get("referer", "")
        own = not foreign and (not referer or self._origins.is_own(referer, headers.get("host", "")))
        if own and headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none"):
            return None
        return Problem(403, "Not allowed", "pages of other sites change nothing here; a program sends an admin key")


def caller_of(scope: Scope) -> Caller:
    """Who sent this request, for handlers; the guard has found it out."""
    found = scope.get(_CALLER)
    return found if isinstance(found, Caller) else Caller()


class _Headed:
    """Sends with the security headers, and those of CORS where `cors` was called."""

    def __init__(self, send: Send, embedded: Mapping[str, str] | None) -> None:
        self._send, self._embedded = send, embedded
        self._cors: dict[str, str] = {}

    def cors(self, origin: str) -> None:
        # Never with credentials: a page of another site has the key that it was given, not the reader's session.
        self._cors = {
            "access-control-allow-origin": origin, "vary": "Origin", "access-control-expose-headers": _ANSWERED,
            "cross-origin-resource-policy": "cross-origin",
        }  # fmt: skip

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            named = {name.lower() for name, _ in message["headers"]}
            # A link that has ended says so in no frame.
            own = self._embedded if message["status"] in (200, 304) else None
            extra = {**(own or HEADERS), **self._cors}
            added = [(name.encode(), value.encode("latin-1")) for name, value in extra.items()]
            message["headers"] = [
                *message["headers"],
                *(pair for pair in added if pair[0] not in named or pair[0].decode() in self._cors),
            ]
        await self._send(message)


async def _preflight(send: Send) -> None:
    headers = [
        (b"access-control-allow-methods", _CORS_METHODS.encode()),
        (b"access-control-allow-headers", _CORS_HEADERS.encode()),
        (b"access-control-max-age", b"600"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _headers(scope: Scope) -> dict[str, str]:
    """Names in lower case; of a header sent twice both values, which then are no valid one."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ", "
        found[name] = f"{found[name]}{separator}{value}" if name in found else value
    return found


def _challenge(problem: Problem) -> dict[str, str]:
    return {"www-authenticate": "Bearer"} if problem.status == 401 else {}
