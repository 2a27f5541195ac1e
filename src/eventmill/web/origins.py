"""Whose names and pages these are: `Host`, `Origin` and `Referer` against the server's own names and the allow list.

A filter, not a proof: a program can send any Origin. It keeps browsers from lending their place to foreign pages.
"""

import re
from collections.abc import Collection, Iterable
from ipaddress import ip_address

from eventmill.settings import LOOPBACK, Settings, address

EVERY = "*"
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?"
_AUTHORITY = re.compile(rf"(?:({_NAME})|\[([0-9A-Fa-f:.]{{2,45}})\])(\.?)(?::([0-9]{{1,5}}))?")
_SOURCE = re.compile(r"(https?)://([^/?#\\]*)(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
_PARENT = re.compile(rf"{_NAME}(?::[0-9]{{1,5}})?")
_USUAL = {"http": 80, "https": 443}


def frame_sources(hosts: Iterable[str]) -> str:
    """Which pages may show one of ours in a frame, as `frame-ancestors` takes it: our own, and those of the hosts.

    What is no host is left out: it must not end the directive. A policy knows no IPv6 addresses."""
    known = {*hosts}
    if EVERY in known:
        return EVERY
    return " ".join(["'self'", *sorted(host.lower() for host in known if _PARENT.fullmatch(host))])


def split_host(authority: str) -> tuple[str, int | None] | None:
    """(name in lower case, port) of a Host header; None where it is none. A trailing dot is cut off."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None or (found[4] and int(found[4]) > 65535):
        return None
    return (found[1] or found[2]).lower(), int(found[4]) if found[4] else None


class Origins:
    """The names that this server answers to, and whose pages may ask it."""

    def __init__(self, settings: Settings) -> None:
        host, _ = address(settings.web.listen)
        given = (split_host(name) for name in settings.web.allowed_hosts)
        self._hosts = {*LOOPBACK, host.lower(), *(name[0] for name in given if name)}
        self._any_address = host in _WILDCARDS

    def names_us(self, host: str) -> bool:
        """Whether a Host header names this server. Another name means that somebody's DNS points here."""
        found = split_host(host)
        return found is not None and self._is_ours(found[0])

    def is_own(self, source: str, host: str) -> bool:
        """Whether an Origin or Referer is a page of this server, asked for under `host`."""
        found, asked = _split_source(source), split_host(host)
        if found is None or asked is None:
            return False
        scheme, name, port, dot = found
        return not dot and self._is_ours(name) and (port or _USUAL[scheme]) == (asked[1] or _USUAL[scheme])

    def is_allowed(self, source: str, domains: Collection[str]) -> bool:
        """Whether it is a page of one of the domains: `HOST` at the usual ports, or exactly `HOST:PORT`.

        Names are compared whole, as browsers send them (ASCII, no trailing dot); upper case is the same name.
        """
        if EVERY in domains:
            return True
        found = _split_source(source)
        if found is None:
            return False
        scheme, name, port, dot = found
        shown = f"[{name}]" if ":" in name else name
        usual = port is None or port == _USUAL[scheme]
        at = f"{shown}:{port or _USUAL[scheme]}"
        return not dot and ((usual and shown in domains) or at in domains)

    def _is_ours(self, name: str) -> bool:
        # A page cannot make a browser take an address for its own name: rebinding needs a name.
        return name in self._hosts or (self._any_address and _is_address(name))


def _split_source(source: str) -> tuple[str, str, int | None, bool] | None:
    """(scheme, name, port, whether a dot trails) of a URL without user info; None where it is none."""
    url = _SOURCE.fullmatch(source)
    found = _AUTHORITY.fullmatch(url[2]) if url else None
    if url is None or found is None or (found[4] and int(found[4]) > 65535):
        return None
    return url[1].lower(), (found[1] or found[2]).lower(), int(found[4]) if found[4] else None, bool(found[3])


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
