"""Who may ask: `Host` against DNS rebinding, `Origin` and `Referer` against other sites' pages."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from eventmill.settings import Settings, address
from eventmill.web.problems import Problem, send_problem

OWN = ("localhost", "127.0.0.1", "::1")
ORIGIN_REFUSED = "40010"
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class ListenError(Exception):
    """The address may not be served; the message names the mend."""


def check_listen(settings: Settings) -> None:
    """Refuses addresses that other machines reach: there are no keys yet. Raises `ListenError`."""
    host, _ = address(settings.web.listen)
    if host not in OWN:
        raise ListenError(
            f"web.listen = {settings.web.listen!r} is reachable from other machines, and this version has no keys "
            "that would protect it: listen on 127.0.0.1, and reach it through a tunnel (ssh -L 8090:localhost:8090 …)"
        )


class Guard:
    """The names that this server answers to, and whose pages may ask it."""

    def __init__(self, settings: Settings, domains: Iterable[str] = ()) -> None:
        """`domains` are the hosts whose pages may use the API."""
        host, _ = address(settings.web.listen)
        self._hosts = {*OWN, host.lower(), *(_host_name(name) for name in settings.web.allowed_hosts)}
        self._domains = {name.lower() for name in domains}

    def refusal(self, path: str, headers: Mapping[str, str]) -> Problem | None:
        """Why the request is refused, or None."""
        host = headers.get("host", "")
        if _host_name(host) not in self._hosts:
            return Problem(403, "Host not allowed", f"{host!r} is no name of this server: add it to web.allowed_hosts")
        if not path.startswith("/api/"):
            return None
        for name in ("origin", "referer"):
            source = headers.get(name)
            if source and not self._own(source, host):
                text = f"{name.capitalize()} {source[:200]!r} is neither this server nor an allowed domain"
                return Problem(401, "Origin not allowed", text, code=ORIGIN_REFUSED, message=text)
        return None

    def _own(self, source: str, host: str) -> bool:
        try:
            parts = urlsplit(source)
            name, port = (parts.hostname or "").lower(), parts.port
            own_port = urlsplit(f"//{host}").port
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or not name:
            return False
        default = 443 if parts.scheme == "https" else 80
        return (name in self._hosts and (port or default) == (own_port or default)) or name in self._domains


class Guarded:
    """An ASGI application that refuses what the guard refuses, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app, self._guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = {name.lower() for name, _ in message["headers"]}
                extra = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in named]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        problem = self._guard.refusal(scope["path"], headers)
        if problem is not None:
            await send_problem(problem, send_guarded)
            return
        await self._app(scope, receive, send_guarded)


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower().rstrip(".")
    except ValueError:
        return ""
