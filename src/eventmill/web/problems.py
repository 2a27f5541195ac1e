"""Errors as problem documents (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import Send

from eventmill.query.model import RequestError
from eventmill.query.source import QueryRefused, StoreError, StoreUnavailable
from eventmill.registry.base import Exists, Invalid, RegistryError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, omit_defaults=True):
    """What went wrong: `status` and `title` name the kind, `detail` this case and its mend."""

    status: int
    title: str
    detail: str = ""
    type: str = "about:blank"
    code: str | None = None
    message: str | None = None


def of(error: Exception) -> Problem:
    """The problem that an error is. What is not known here is a 500 without its text."""
    if isinstance(error, RequestError):
        return Problem(400, "Bad request", str(error))
    if isinstance(error, QueryRefused):
        return Problem(400, "Query refused", str(error))
    if isinstance(error, Busy | StoreUnavailable):
        return Problem(503, "Busy" if isinstance(error, Busy) else "Store unavailable", str(error))
    if isinstance(error, ConnectionError):
        return Problem(503, "Queue unavailable", str(error))
    if isinstance(error, StoreError):
        return Problem(503, "Store error", str(error))
    if isinstance(error, Invalid):
        return Problem(400, "Bad request", str(error))
    if isinstance(error, Exists):
        return Problem(409, "Conflict", str(error))
    if isinstance(error, RegistryError):
        return Problem(503, "Settings unavailable", str(error))
    if isinstance(error, HTTPException):
        status = error.status_code
        return Problem(status, HTTPStatus(status).phrase, error.detail)
    return Problem(500, "Internal error", "the server's log says more")


class Busy(Exception):
    """Too many queries wait already."""


def handle(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler."""
    problem = of(error)
    if problem.status == 500:
        log.error("a request failed", exc_info=error)
    return response(problem, dict(getattr(error, "headers", None) or {}))


def response(problem: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    extra = {"retry-after": "1"} if problem.status == 503 else {}
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={**extra, **(headers or {})},
    )


async def send_problem(problem: Problem, send: Send, headers: dict[str, str] | None = None) -> None:
    """The same without Litestar, for a middleware."""
    body = msgspec.json.encode(problem)
    fields = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **(headers or {})}
    encoded = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": False})
