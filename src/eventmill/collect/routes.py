"""Paths and what they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from eventmill.collect.door import Door
    from eventmill.collect.head import RequestHead


class Handler(Protocol):
    """Answers one request through its connection. `query` is what follows the `?`, as sent."""

    def __call__(self, door: Door, head: RequestHead, query: str, body: bytes) -> None: ...


class Route:
    """The handlers of one path. `get` serves HEAD too; `allow` is the value of the Allow header."""

    __slots__ = ("allow", "get", "post")

    def __init__(self, get: Handler | None = None, post: Handler | None = None) -> None:
        self.get = get
        self.post = post
        methods = [b"GET", b"HEAD"] if get else []
        self.allow = b", ".join([*methods, *([b"POST"] if post else []), b"OPTIONS"])

    def handler(self, method: bytes) -> Handler | None:
        if method == b"POST":
            return self.post
        return self.get if method in (b"GET", b"HEAD") else None


Routes = Mapping[str, Route]


def merge(groups: Sequence[Routes]) -> dict[str, Route]:
    """One table of several; of the same path the earlier group's route holds."""
    table: dict[str, Route] = {}
    for group in groups:
        for path, route in group.items():
            table.setdefault(path, route)
    return table
