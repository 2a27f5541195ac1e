"""The dashboard's files: few, read once, served with a tag so that a browser keeps them."""

import hashlib
from importlib import resources
from typing import Any

from litestar import Request, Response, get

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


def handlers() -> list[Any]:
    """`/` and one route for each file of `static`."""
    found = []
    for file in resources.files("eventmill.web").joinpath("static").iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if suffix in TYPES:
            path = "/" if file.name == "index.html" else f"/static/{file.name}"
            found.append(_handler(path, file.read_bytes(), TYPES[suffix]))
    return found


def _handler(path: str, content: bytes, media_type: str) -> Any:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}

    @get(path, name=f"asset {path}", cache=False)
    async def asset(request: Request[Any, Any, Any]) -> Response[bytes]:
        if request.headers.get("if-none-match") == tag:
            return Response(b"", status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return asset
