"""What the events of one client share: its address, its user agent, and the head line made of them."""

import msgspec

from eventmill import event
from eventmill.collect.head import Client
from eventmill.collect.privacy import Address, truncate
from eventmill.collect.visitors import host_of

_encode = msgspec.json.Encoder().encode


class Envelope:
    """One client as one connection shows it. `address` is whole and never leaves memory.

    `line` is the encoded `event.Head` of a request with one event, `page_line` the same for a pixel, with the
    page that it stands on. An anonymous client has neither address, nor user agent, nor visitor.
    """

    __slots__ = ("address", "agent", "anonymous", "ip", "line", "page_host", "page_line")

    def __init__(self, client: Client, address: Address | None, anonymous: bool) -> None:
        agent, referer = client.agent, client.referer
        self.anonymous = anonymous
        self.address = "" if anonymous or address is None else str(address)
        self.agent = "" if anonymous else agent
        self.ip = None if anonymous or address is None else truncate(address)
        self.page_host = host_of(referer)
        self.line = self.head_line()
        self.page_line = _encode(event.Head(ip=self.ip, ua=self.agent or None, page=referer or None))

    def head_line(self, count: int = 1, key: str | None = None) -> bytes:
        """The head line of a request with `count` events and that Idempotency-Key."""
        return _encode(event.Head(n=count, ip=self.ip, ua=self.agent or None, key=key))
