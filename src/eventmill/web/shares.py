"""Share links: `/share/TOKEN` opens the dashboard for reading, `/embed/TOKEN/…` shows one chart in a frame.

A browser that followed a link keeps its token in a cookie. In a frame on another site there are no cookies: the
page there takes the token from its own address and sends it as a key. Both end when the share is removed.
"""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from eventmill.registry.base import Share
from eventmill.web import assets
from eventmill.web.auth import Access
from eventmill.web.session import share_cookie

AnyRequest = Request[Any, Any, Any]


def handlers(access: Access) -> list[Any]:
    """The routes of shares; they are pages, not API."""
    page = assets.index()  # read once, as the files that it names are: a new build is served after a restart

    @get("/share/{token:str}", name="share")
    async def share(request: AnyRequest, token: FromPath[str]) -> Response[None]:
        found = _found(access, token)
        # No Referer from here on: the address is the secret.
        headers = {"location": _first_page(found), "referrer-policy": "no-referrer"}
        return Response(None, status_code=303, headers=headers, cookies=[share_cookie(request, token)])

    @get(["/embed/{token:str}", "/embed/{token:str}/{view:path}"], name="embed")
    async def embed(token: FromPath[str]) -> Response[bytes]:
        _found(access, token)
        return Response(page, media_type="text/html")

    return [share, embed]


def _found(access: Access, token: str) -> Share:
    found = access.share(token)
    if found is None:
        raise HTTPException("this link has ended, or is not whole: ask for a new one", status_code=404)
    return found


def _first_page(share: Share) -> str:
    if share.view:
        return share.view
    return f"/?{urlencode({'site': share.site})}" if share.site else "/"
