"""Who a visitor is: a hash that changes every day and tells nothing once its salt is gone."""

from hashlib import blake2b

from eventmill.collect.salts import Salts

_CACHE = 65_536


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
            if len(self._known) >= _CACHE:
                self._known.clear()
            text = "\0".join(who).encode("utf-8", "surrogatepass")
            visitor = self._known[who] = blake2b(text, digest_size=8, key=self._salts.value).hexdigest()
        return visitor


def host_of(url: str) -> str:
    """The host of a URL in lower case, without user and port; "" where it has none."""
    _, slashes, rest = url.partition("//")
    if not slashes:
        return ""
    for end in "/?#":
        rest = rest.partition(end)[0]
    rest = rest.rpartition("@")[2]
    host = rest[: rest.find("]") + 1] if rest.startswith("[") else rest.partition(":")[0]
    return host.lower()
