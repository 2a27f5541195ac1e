"""Paths and what they do, and what a handler may ask of the connection that it answers."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from eventmill.collect.envelope import Envelope
from eventmill.collect.head import Client, RequestHead
from eventmill.collect.privacy import Address
from eventmill.collect.replies import Answer


class Connection(Protocol):
    """A handler's view of a connection; `pending`, `transport` and `watched` are those of `commit.Waiter`.

    `envelope` is that of `client`: a handler compares `client` with the head's and asks for another if it differs.
    """

    pending: int
    transport: asyncio.Transport | None
    watched: bool
    client: Client | None
    envelope: Envelope

    def peer(self) -> Address | None:
        """Who is at the other end: the client, or a proxy."""

    def answer(self, answer: Answer, head: RequestHead) -> None:
        """Replies without recording anything, behind the replies that are still owed."""

    def send(self, reply: bytes) -> None:
        """The same with the reply's bytes."""

    def settled(self) -> None: ...

    def unavailable(self, reason: str) -> bytes: ...


class Handler(Protocol):
    """Answers one request. `query` is what follows the `?`, as sent (ASCII). May raise Refused."""

    def __call__(self, door: Connection, head: RequestHead, query: str, body: bytes, /) -> None: ...


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
        return self.get if method in {b"GET", b"HEAD"} else None


Routes = Mapping[str, Route]


def merge(groups: Sequence[Routes]) -> dict[str, Route]:
    """One table of several; of the same path the earlier group's route holds."""
    table: dict[str, Route] = {}
    for group in groups:
        for path, route in group.items():
            table.setdefault(path, route)
    return table
