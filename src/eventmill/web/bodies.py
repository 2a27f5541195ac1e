"""Bodies of requests as typed records."""

from typing import Any, TypeVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException

from eventmill.query.model import RequestError

T = TypeVar("T")


async def read_body(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """The body. Raises HTTPException (415) where it is no JSON by its type, RequestError where it is another record."""
    # A form on a page of another site cannot send this type without asking first.
    if request.content_type[0] != MediaType.JSON:
        raise HTTPException("send application/json", status_code=415)
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError(str(error)) from error


def json_answer(answer: Any, status: int = 200, cookies: list[Cookie] | None = None) -> Response[bytes]:
    """The answer as JSON."""
    return Response(msgspec.json.encode(answer), status_code=status, media_type=MediaType.JSON, cookies=cookies)
