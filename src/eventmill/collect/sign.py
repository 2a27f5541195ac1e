"""Completes lines with what only the door knows: the visitor, and addresses cut to what may be written."""

from collections.abc import Iterable

from eventmill.collect.envelope import Envelope
from eventmill.collect.privacy import parse_address, truncate
from eventmill.collect.sent import Sent
from eventmill.collect.visitors import Visitors, host_of


def sign(lines: Iterable[Sent], envelope: Envelope, visitors: Visitors, page_host: str = "") -> None:
    """Gives every line that names no user its visitor, and truncates the address it brings.

    The site is the event's own, else its url's host, else `page_host`. An event's own address and user agent
    stand for those of the request, as a server sends for its clients.
    """
    if envelope.anonymous:
        for line in lines:
            line.user = line.session = line.ip = line.user_agent = None
        return
    last_site: str | None = None
    last_visitor = ""
    for line in lines:
        if line.ip is not None or line.user_agent is not None:
            _sign_own(line, envelope, visitors, page_host)
        elif not line.user and line.x is None:
            site = line.site or (host_of(line.url) if line.url else page_host)
            if site != last_site:
                last_site = site
                last_visitor = visitors.of(site, envelope.address, envelope.agent)
            line.v = last_visitor


def _sign_own(line: Sent, envelope: Envelope, visitors: Visitors, page_host: str) -> None:
    address = envelope.address
    if line.ip is not None:
        own = parse_address(line.ip)
        address = "" if own is None else str(own)
        line.ip = "" if own is None else truncate(own)
    if not line.user:
        site = line.site or (host_of(line.url) if line.url else page_host)
        line.v = visitors.of(site, address, line.user_agent or envelope.agent)
