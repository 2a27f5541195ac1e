"""Addresses: who the client is behind proxies, and what of it may be written (never the whole address)."""

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = re.compile(rf"(?<![\d.])({_BYTE}\.{_BYTE}\.{_BYTE})\.\d{{1,3}}(?!\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?![0-9A-Za-z])")
# Quick to seek, as they start with one certain character; nearly no text has them.
_MAYBE_IPV4 = re.compile(r"\.\d{1,3}\.\d")
_MAYBE_IPV6 = re.compile(r":[0-9A-Fa-f]{0,4}:")
_NAMES = frozenset({
    "ip", "ipaddr", "ipaddress", "remoteaddr", "remoteaddress", "remoteip", "clientip", "clientaddr", "clientaddress",
    "userip", "realip", "xrealip", "xforwardedfor", "forwardedfor", "forwarded",
})  # fmt: skip
_HINTS = ('ip":', "addr", 'for":', 'forwarded":')


def parse_address(text: str) -> Address | None:
    """The address that `text` is: with or without brackets, port and zone; mapped IPv4 as IPv4; None where none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def truncate(address: Address) -> str:
    """IPv4 to its /24, IPv6 to its /48: the host's bits are zero."""
    if isinstance(address, IPv4Address):
        return str(IPv4Address(int(address) & 0xFFFF_FF00))
    return str(IPv6Address(int(address) >> 80 << 80))


def truncate_text(text: str) -> str:
    """The truncation of the address in `text`, or "" where it is none."""
    address = parse_address(text)
    return "" if address is None else truncate(address)


def _scrub_ipv6(match: re.Match[str]) -> str:
    text = match[0]
    for end in (text, text.rstrip("."), text.rstrip(":.")):
        try:
            return truncate(IPv6Address(end)) + text[len(end) :]
        except ValueError:
            continue  # a full stop or a colon of the sentence around it, or no address at all
    return text


def scrub(text: str) -> str:
    """`text` with everything in it that reads as an address truncated."""
    if _MAYBE_IPV6.search(text):
        text = _IPV6.sub(_scrub_ipv6, text)
    return _IPV4.sub(r"\1.0", text) if _MAYBE_IPV4.search(text) else text


def may_name_address(json_text: str) -> bool:
    """Whether compact JSON may have a key that names an address: a cheap look before `scrub_fields`."""
    lowered = json_text.lower()
    for hint in _HINTS:  # noqa: SIM110 - no generator: this is asked of every props
        if hint in lowered:
            return True
    return False


def names_address(key: str) -> bool:
    return key.lower().replace("_", "").replace("-", "") in _NAMES


def scrub_fields(value: object) -> object:
    """The decoded JSON `value` with every address field in it truncated, at any depth."""
    if isinstance(value, dict):
        return {
            key: _scrub_value(inner) if isinstance(key, str) and names_address(key) else scrub_fields(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [scrub_fields(inner) for inner in value]
    return value


def _scrub_value(value: object) -> object:
    if isinstance(value, str):
        # X-Forwarded-For is a list; what is no address may hold one all the same.
        return ", ".join(truncate_text(part) or scrub(part.strip()) for part in value.split(","))
    if isinstance(value, list):
        return [_scrub_value(inner) for inner in value]
    return scrub_fields(value)


class TrustedProxies:
    """Whose X-Forwarded-For is believed. Raises ValueError where a network is none."""

    __slots__ = ("_contains",)

    def __init__(self, networks: Sequence[str]) -> None:
        nets = [ip_network(text, strict=False) for text in networks]
        v4 = [net for net in nets if not isinstance(net, IPv6Network)]
        v6 = [net for net in nets if isinstance(net, IPv6Network)]

        def contains(address: Address) -> bool:
            if isinstance(address, IPv4Address):
                return any(address in net for net in v4)
            return any(address in net for net in v6)

        self._contains: Callable[[Address], bool] = contains

    def trusts(self, peer: Address | None) -> bool:
        return peer is not None and self._contains(peer)

    def client(self, peer: Address | None, forwarded: str) -> Address | None:
        """The rightmost address that no trusted proxy has: what came before it, anybody may have written."""
        if not forwarded or not self.trusts(peer):
            return peer
        client = peer
        for part in reversed(forwarded.split(",")):
            address = parse_address(part)
            if address is None:
                break
            client = address
            if not self._contains(address):
                break
        return client
