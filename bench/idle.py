"""What an idle server holds in memory, and how long it takes from the command to ready.

python -m bench.idle
"""

import time

from bench.server import Server


def main() -> None:
    for attempt in ("first start", "second start"):
        with Server() as server:
            time.sleep(3)
            memory = server.memory()
            print(
                f"{attempt}: ready after {server.start_seconds:.1f} s; memory {sum(memory.values()):.0f} MB in all: "
                + ", ".join(f"{name} {mb:.0f}" for name, mb in memory.items())
            )


if __name__ == "__main__":
    main()
