"""The dashboard's files: few, read once, packed once, served with a tag so that a browser keeps them.

`make setup` and the wheel's build put them into `static`; a checkout without them serves a page that says so.
"""

import gzip
import hashlib
import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from litestar import Request, Response, get

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
PAGES = (
    "/", "/events", "/live", "/flows", "/funnels", "/retention", "/requests", "/pipeline", "/settings", "/signin",
    "/embed",
)  # fmt: skip
"""The dashboard's pages, all answered with its one file: `pages` of web/src/router.ts."""
NOT_BUILT = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>eventmill</title>
<h1>The dashboard is not built</h1>
<p>This is a checkout of eventmill without the built files of its dashboard. <code>make setup</code> builds them;
restart the server after it.</p>
<p>The API works: <a href="/api/v1/openapi.json">its description</a>, and <code>eventmill query --help</code>.</p>
</html>
"""
FOR_EVER = "public, max-age=31536000, immutable"
_HASHED = re.compile(r"-[\w-]{8}\.(js|css)$")
_LEAST = 1_000
"""Smaller files gain nothing by packing, in bytes."""


def handlers() -> list[Any]:
    """The pages, and one route for each file of `static`."""
    files = {file.name: file.read_bytes() for file in _built()}
    index = files.pop("index.html", NOT_BUILT)
    found = [_handler(path, index, ".html") for path in PAGES]
    return found + [_handler(f"/static/{name}", content, _suffix(name)) for name, content in files.items()]


def index() -> bytes:
    """The one file of all pages, or the one that says that there is none."""
    return next((file.read_bytes() for file in _built() if file.name == "index.html"), NOT_BUILT)


def _built() -> list[Traversable]:
    folder = resources.files("eventmill.web").joinpath("static")
    if not folder.is_dir():
        return []
    return [file for file in folder.iterdir() if file.is_file() and _suffix(file.name) in TYPES]


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]


def _handler(path: str, content: bytes, suffix: str) -> Any:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    # A name with a hash in it never means other bytes; all others are asked for again, which costs a 304.
    kept = FOR_EVER if _HASHED.search(path) else "no-cache"
    headers = {"etag": tag, "cache-control": kept, "vary": "accept-encoding"}

    @cache
    def packed() -> bytes:
        return gzip.compress(content, mtime=0)

    @get(path, name=f"asset {path}", cache=False)
    async def asset(request: Request[Any, Any, Any]) -> Response[bytes]:
        if request.headers.get("if-none-match") == tag:
            return Response(b"", status_code=304, headers=headers)
        media_type = TYPES[suffix]
        if len(content) >= _LEAST and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed(), media_type=media_type, headers={**headers, "content-encoding": "gzip"})
        return Response(content, media_type=media_type, headers=headers)

    return asset
