"""Bounds wrong passwords: a few from one address, more from all, in a minute."""

from collections import deque
from ipaddress import ip_address, ip_network

WINDOW_MS = 60_000
PER_ADDRESS = 5
IN_ALL = 50


class Attempts:
    """Remembers when sign-ins failed; its memory is bounded by `in_all`.

    A check that is under way counts as failed until it succeeds, so that many at once are not more than allowed.
    """

    def __init__(self, per_address: int = PER_ADDRESS, in_all: int = IN_ALL) -> None:
        self._per_address, self._in_all = per_address, in_all
        self._failed: deque[tuple[int, str]] = deque()

    def begin(self, address: str, now_ms: int) -> int:
        """0 where one more may be tried (and counts from now), else the seconds to wait."""
        while self._failed and self._failed[0][0] <= now_ms - WINDOW_MS:
            self._failed.popleft()
        network = network_of(address)
        own = [at for at, failed in self._failed if failed == network]
        waits = [own[-self._per_address]] if len(own) >= self._per_address else []
        waits += [self._failed[-self._in_all][0]] if len(self._failed) >= self._in_all else []
        if waits:
            return max(1, -(-(max(waits) + WINDOW_MS - now_ms) // 1000))
        self._failed.append((now_ms, network))
        return 0

    def succeeded(self, address: str) -> None:
        """Forgets what failed from there."""
        network = network_of(address)
        self._failed = deque(pair for pair in self._failed if pair[1] != network)


def network_of(address: str) -> str:
    """The address, of IPv6 its /64: that is what one customer has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 6 and mapped is None:
        return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))
    return str(mapped or found)
