"""What readers of brokers have in common: nothing there can be rewritten, and few count what they took."""

from collections.abc import Collection

from eventmill.erasure import Marks
from eventmill.queue.base import Erased, Received


class BrokerReader:
    """Verbs of `queue.base.Reader` for what is in a broker's hands."""

    def received(self, since_minute: int = 0, until_minute: int = 1 << 40) -> list[Received]:
        """See `queue.base.Reader.received`: without TOTALS there are none."""
        del since_minute, until_minute
        return []

    def erase(
        self, marks: Marks, needle: bytes | None = None, only: Collection[str] | None = None, *, dry: bool = False
    ) -> Erased:
        """See `queue.base.Reader.erase`: without ERASE, what waits is refused when it is read, and what was read is
        gone or goes with retention."""
        del marks, needle, only, dry
        return Erased(0)
