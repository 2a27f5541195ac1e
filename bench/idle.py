"""What an idle server holds in memory, and how long it takes from the command to ready.

python -m bench.idle
"""

import argparse
import sys
import time

from bench.part import alone, say
from bench.server import Server
from bench.table import Row


def rows(given: argparse.Namespace) -> list[Row]:
    memory: list[dict[str, float]] = []
    ready: list[float] = []
    for _ in range(1 if given.quick else 3):
        with Server() as server:
            time.sleep(3)
            memory.append(server.memory())
            ready.append(server.start_seconds)
        say(f"ready after {ready[-1]:.1f} s, {sum(memory[-1].values()):.0f} MB")
    most = max(memory, key=lambda held: sum(held.values()))
    parts = ", ".join(f"{name} {mb:.0f}" for name, mb in most.items())
    return [
        Row("memory of all processes, idle", sum(most.values()), "MB", 450, 420, lower=True, note=parts),
        Row("from the command to ready", max(ready), "s", 4, lower=True, note=f"slowest of {len(ready)}"),
    ]


if __name__ == "__main__":
    sys.exit(alone("idle", __doc__, rows))
