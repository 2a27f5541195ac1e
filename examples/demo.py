"""Sample traffic for a look around: `make demo`, or `make demo ARGS=--once` to end after the statistics.

Starts a server on a fresh directory, sends four weeks of three made-up sites through its public door, prints the
statistics and where to look. Without --once it goes on with a gentle live stream until Ctrl-C, then drains.
"""

import argparse
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from demo.faults import MALFORMED, conflicts, retries, wrong_orders
from demo.report import Api, print_statistics, print_where
from demo.sending import Door
from demo.visits import DAYS, Traffic, key_example, utc_now
from demo.world import SITES

from eventmill import runtime
from eventmill.commands.serving import FREE, ServeError, serving

SEED = 20261121
VISITS, REQUESTS, PIXELS = 48_000, 25_000, 3_000
LIVE_PER_S, LIVE_VISITORS = 1, 40
GOALS: tuple[dict[str, Any], ...] = (
    {"name": "Bought something", "site": "shop.example", "filters": [["is", "category", "order"]]},
    {"name": "Looked into the cart", "site": "shop.example", "filters": [["is", "page", "/cart"]]},
    {"name": "Read how to install", "site": "docs.example", "filters": [["is", "page", "/install"]]},
)
DATA = Path("eventmill-data/demo")
CONFIG = """\
[topics.order]
aliases = ["/order"]
fields.order_id = {type = "string", required = true, max_length = 64}
fields.amount = {type = "number", required = true, min = 0}
fields.currency = {type = "enum", values = ["EUR", "USD", "CNY"]}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", action="store_true", help="end after printing the statistics")
    parser.add_argument("--data", type=Path, default=DATA, help="where the demo keeps its data (emptied first)")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # SIGINT is ignored where a shell started this in the background
        signal.signal(number, signal.default_int_handler)
    try:
        fresh(options.data)
        with serving(options.data, collect=preferred(8080), web=preferred(8090), config=CONFIG) as served:
            return run(served.runtime, options.data, once=options.once)
    except ServeError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(server: runtime.Runtime, data: Path, *, once: bool) -> int:
    """Sends, waits, prints; the exit code says whether the ledger balances and the key example is exact."""
    begun = time.monotonic()
    random, now = Random(SEED), utc_now()
    traffic = Traffic(SEED, now)
    door = Door(server.collect[0])
    print(f"sending {DAYS} days of {len(SITES)} sites to http://{server.collect[0]}", flush=True)
    with_id = door.send(traffic.past(VISITS))
    door.send(traffic.requests(REQUESTS))
    door.send(key_example(now))
    door.send(retries(with_id, random, 400))
    door.send(conflicts(with_id, random, 15))
    door.send(wrong_orders())
    for body in MALFORMED:
        door.refused(body)
    door.pixels(traffic.arrivals(PIXELS), random)
    for goal in GOALS:
        Api(server.web).post("goals", goal)
    api = Api(server.web)
    total = api.stored()
    print(f"{door.accepted:,} events acknowledged and stored in {time.monotonic() - begun:.1f} s\n")
    sound = print_statistics(api, total, now)
    print_where(server, data, once=once)
    if not once:
        print("\nnow visitors come as you look, until Ctrl-C …", flush=True)
        with suppress(KeyboardInterrupt):
            live(door, traffic, random)
        print("\ndraining …", flush=True)
    return 0 if sound else 1


def live(door: Door, traffic: Traffic, random: Random) -> None:
    """Visits as they happen, many at a time: an event of one of them, then a pause."""

    def begin() -> Iterator[dict[str, Any]]:
        return traffic.visit(random.choices(SITES, [site.share for site in SITES])[0], utc_now())

    visits = [begin() for _ in range(LIVE_VISITORS)]
    while True:
        place = random.randrange(len(visits))
        event = next(visits[place], None)
        if event is None:
            visits[place] = begin()
            continue
        door.send([{**event, "time": utc_now().isoformat(timespec="milliseconds")}])
        time.sleep(random.uniform(0.5, 1.5) / LIVE_PER_S)


def fresh(data: Path) -> None:
    """An empty directory; only one that a demo made is emptied. Raises ServeError."""
    mark = data / "made-by-demo"
    if found := runtime.find(data):
        raise ServeError(f"a demo runs already (pid {found.pid}): http://{found.web}/, or end it with Ctrl-C there")
    if data.exists() and any(data.iterdir()) and not mark.exists():
        raise ServeError(f"{data} holds something else than a demo: name another directory with --data")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    mark.touch()


def preferred(port: int) -> str:
    """The port where it is free, else one that the kernel chooses."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return FREE
    return f"127.0.0.1:{port}"


if __name__ == "__main__":
    sys.exit(main())
