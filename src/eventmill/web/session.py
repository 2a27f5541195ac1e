"""Signing in and out: `GET`, `POST` and `DELETE /api/v1/session`.

The cookie is HttpOnly (no script reads it), SameSite=Strict (other sites' pages do not send it) and Secure over
https; each sign-in makes a new one. Wrong passwords are bounded by address and in all.
"""

from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException

from eventmill.registry.database import Database
from eventmill.registry.password import matches
from eventmill.registry.sessions import LIFE_S, begin_session, end_sessions
from eventmill.web.attempts import Attempts
from eventmill.web.auth import SESSION_COOKIE, SHARE_COOKIE, Access, Caller, cookie_name, cookie_values
from eventmill.web.bodies import json_answer, read_body
from eventmill.web.guard import caller_of
from eventmill.web.operation import Operation
from eventmill.web.services import Services
from eventmill.web.threads import Threads

AnyRequest = Request[Any, Any, Any]
PATH = "/api/v1/session"


class Session(msgspec.Struct):
    """Who asks. `required`: nothing is shown without signing in; `password`: there is one to sign in with;
    `may_change`: settings can be changed; `view` is the page that a share link opens."""

    signed_in: bool
    required: bool
    role: str
    site: str
    password: bool
    may_change: bool
    view: str


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """The dashboard's password."""

    password: str


OPERATIONS = (
    Operation("get", "session", "session", "Who asks, and whether a sign-in is needed", Session),
    Operation("post", "session", "sign_in", "Sign in with the dashboard's password", Session, SignIn,
              refused=(409, 415, 429)),
    Operation("delete", "session", "sign_out", "Sign out, and leave a shared view", status=204, refused=(415,)),
)  # fmt: skip


def handlers(services: Services, access: Access, threads: Threads) -> list[Any]:
    """The three routes."""
    attempts = Attempts()

    @get(PATH, name="session")
    async def session(request: AnyRequest) -> Response[bytes]:
        return json_answer(describe(caller_of(request.scope), access))

    @post(PATH, name="sign_in", status_code=200)
    async def sign_in(request: AnyRequest) -> Response[bytes]:
        registry, wanted = _registry(services), await read_body(request, SignIn)
        hashed = access.rules.password
        if not hashed:
            raise HTTPException("no password is set: `eventmill password` sets one", status_code=409)
        address = request.client.host if request.client else ""
        wait = attempts.begin(address, services.clock())
        if wait:
            raise HTTPException(
                f"too many wrong passwords: try again in {wait} s", status_code=429, headers={"retry-after": str(wait)}
            )
        if not await threads.run(lambda: matches(hashed, wanted.password)):
            raise HTTPException("this is not the password", status_code=401)
        attempts.succeeded(address)
        old = _tokens(request)

        def rotate() -> str:
            end_sessions(registry, old)
            return begin_session(registry)

        token = await threads.run(rotate)
        cookies = [_cookie(request, SESSION_COOKIE, token, LIFE_S), _cookie(request, SHARE_COOKIE, "", 0)]
        return json_answer(describe(Caller("admin"), access), cookies=cookies)

    @delete(PATH, name="sign_out", status_code=204)
    async def sign_out(request: AnyRequest) -> Response[None]:
        old = _tokens(request)
        if old:
            registry = _registry(services)
            await threads.run(partial(end_sessions, registry, old))
        cookies = [_cookie(request, name, "", 0) for name in (SESSION_COOKIE, SHARE_COOKIE)]
        return Response(None, status_code=204, cookies=cookies)

    return [session, sign_in, sign_out]


def describe(caller: Caller, access: Access) -> Session:
    """The answer of `GET session` for this caller."""
    role = caller.role if caller.role in ("admin", "read", "share", "local") else ""
    password = bool(access.rules.password)
    return Session(
        signed_in=role in ("admin", "read", "share"),
        required=role == "",
        role=role,
        site=caller.site,
        password=password,
        may_change=role == "admin" or (role == "local" and not password),
        view=caller.view,
    )


def share_cookie(request: AnyRequest, token: str) -> Cookie:
    """The cookie that makes a browser a reader of this share, until it is closed."""
    return _cookie(request, SHARE_COOKIE, token, None)


def _registry(services: Services) -> Database:
    if services.registry is None:
        raise HTTPException("this process has no settings database", status_code=503)
    return services.registry


def _tokens(request: AnyRequest) -> list[str]:
    header = request.headers.get("cookie", "")
    return cookie_values(header, cookie_name(SESSION_COOKIE, _secure(request)))[:10]


def _secure(request: AnyRequest) -> bool:
    return request.scope["scheme"] == "https"


def _cookie(request: AnyRequest, name: str, value: str, life_s: int | None) -> Cookie:
    secure = _secure(request)
    return Cookie(
        key=cookie_name(name, secure),
        value=value,
        max_age=life_s,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
