"""Time, injected: everything that asks for the time takes a `Clock`, so that tests can move it."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns milliseconds since the Unix epoch."""

DAY_MS = 86_400_000
MINUTE_MS = 60_000


def system_clock() -> int:
    """The machine's wall clock in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
