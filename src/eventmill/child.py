"""A process under the parent: `collector N` or `engine 0`, with its sockets as inherited descriptors.

What it cannot start with is one line on stderr, and an exit code that tells the parent whether to try again.
"""

import logging
import os
import socket
import sys
from pathlib import Path

from eventmill.parent import REFUSED, die_with_parent

_TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h


def main() -> None:
    """argv: kind, number, settings file, parent's pid, ready descriptor, sockets' descriptors."""
    kind, number, settings_file, parent, ready, *descriptors = sys.argv[1:]
    die_with_parent(int(parent))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    sockets = [socket.socket(fileno=int(descriptor)) for descriptor in descriptors]
    name = "engine" if kind == "engine" else f"collector-{number}"

    def on_ready() -> None:
        os.write(int(ready), f"{name}\n".encode())

    from eventmill import app
    from eventmill.queue.base import QueueError, QueueRefused
    from eventmill.store.base import StoreError, StoreUnavailable

    try:
        settings = app.read_settings(Path(settings_file))
        if kind == "engine":
            app.run_engine(settings, sockets[0], on_ready)
        else:
            app.run_collector(settings, int(number), sockets, on_ready)
    except (QueueError, StoreError, OSError) as error:
        print(f"eventmill: {name}: {error}", file=sys.stderr)
        again = not isinstance(error, QueueRefused | StoreError) or isinstance(error, StoreUnavailable)
        sys.exit(_TRY_AGAIN if again else REFUSED)


if __name__ == "__main__":
    main()
