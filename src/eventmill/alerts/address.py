"""Where a notice may go: a public address, unless the configuration says otherwise.

A URL is somebody's text. It must not make this machine ask what only this machine reaches: its own services, its
network's, a cloud's metadata. So the host is resolved once, every address that it has is looked at, and the
connection goes to the very address that was looked at: a second answer of the name server changes nothing.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

LONGEST = 2000
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as text. Raises OSError."""

# An IPv6 address that stands for an IPv4 one, through whatever translates it on the way.
_CARRIERS = [
    ip_network(text)
    for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32",
                 "2002::/16", "fec0::/10")
]  # fmt: skip


class Refused(ValueError):
    """The URL may not be asked; the message says why, and what is right."""


class Target(NamedTuple):
    """A URL taken apart, and the address that was looked at."""

    secure: bool
    host: str
    port: int
    path: str
    address: str


def checked_url(url: str, *, allow_private: bool) -> str:
    """A URL that may be kept. A host that is an address, in whatever form the system reads one, is looked at here;
    a name when the notice goes. Raises `Refused`."""
    _, host, port, _ = _parts(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return url
    _look_at(host, [str(row[4][0]) for row in found], allow_private)
    return url


def target(url: str, *, allow_private: bool, resolve: Resolve) -> Target:
    """Where to connect to. Raises `Refused`, or OSError where the name has no address."""
    secure, host, port, path = _parts(url)
    addresses = resolve(host, port)
    if not addresses:
        raise OSError(f"{host} has no address")
    _look_at(host, addresses, allow_private)
    return Target(secure, host, port, path, addresses[0])


def system_resolve(host: str, port: int) -> list[str]:
    """What the system says."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host!r} is no host name") from error
    return [str(row[4][0]) for row in found]


def is_public(text: str) -> bool:
    """Whether the address is one of the internet's, for everybody, and says so itself."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and any(address in network for network in _CARRIERS):
        return False
    return _everybodys(address)


def _everybodys(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (
        address.is_multicast
        or address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_reserved
        or address.is_unspecified
    )


def _look_at(host: str, addresses: Sequence[str], allow_private: bool) -> None:
    if allow_private:
        return
    for text in addresses:
        if not is_public(text):
            shown = text if text == host else f"{host} ({text})"
            raise Refused(
                f"{shown} is no public address: set [alerts] allow_private = true where notices go to your own network"
            )


def _parts(url: str) -> tuple[bool, str, int, str]:
    """(https, host, port, path with query). Raises `Refused`."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Refused(f"the URL is up to {LONGEST} characters of plain ASCII, percent-encoded where it must be")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Refused(f"{url[:80]!r} is no URL: {error}") from error
    if parts.scheme not in ("http", "https"):
        raise Refused(f"a URL begins with https:// or http://, not {url[:20]!r}")
    if not host or "%" in host:
        raise Refused("the URL names no host: https://HOST/PATH")
    if parts.username is not None or parts.password is not None:
        raise Refused("the URL holds a user name: put the secret into the path or the query")
    secure = parts.scheme == "https"
    if port == 0:
        raise Refused("port 0 is no port")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return secure, host, port or (443 if secure else 80), path
