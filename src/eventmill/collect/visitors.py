"""Who a visitor is: a hash that changes every day and tells nothing once its salt is gone."""

from hashlib import blake2b

from eventmill.collect.salts import Salts

_VISITORS = 65_536


class Visitors:
    """Hashes (site, address, user agent) under today's salt, and remembers the last ones in memory only."""

    __slots__ = ("_known", "_salts")

    def __init__(self, salts: Salts) -> None:
        self._salts = salts
        self._known: dict[tuple[str, str, str], str] = {}

    def tick(self, now_s: int) -> None:
        if self._salts.tick(now_s):
            self._known.clear()

    def of(self, site: str, address: str, agent: str) -> str:
        """16 hexadecimal digits."""
        who = (site, address, agent)
        visitor = self._known.get(who)
        if visitor is None:
            if len(self._known) >= _VISITORS:
                self._known.clear()
            text = "\0".join(who).encode("utf-8", "surrogatepass")
            visitor = self._known[who] = blake2b(text, digest_size=8, key=self._salts.value).hexdigest()
        return visitor


_hosts: dict[str, str] = {}
_HOSTS = 4096


def host_of(url: str) -> str:
    """The host of a URL in lower case, without user and port; "" where it has none."""
    parts = url.split("/", 3)
    if len(parts) < 3 or parts[1] or (parts[0] and parts[0][-1] != ":"):
        return ""
    authority = parts[2]
    host = _hosts.get(authority)
    if host is None:
        if len(_hosts) >= _HOSTS:
            _hosts.clear()
        host = _hosts[authority] = _host_in(authority)
    return host


def _host_in(authority: str) -> str:
    for end in "?#":
        authority = authority.partition(end)[0]
    authority = authority.rpartition("@")[2]
    host = authority[: authority.find("]") + 1] if authority.startswith("[") else authority.partition(":")[0]
    return host.lower()
