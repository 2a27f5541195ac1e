"""CPU an event while the store grows: the curve should be flat, with client ids and without.

    python -m bench.flat [--sizes 1,5,20,50] [--events 200000] [--full]

The store is filled to each size (millions of rows) by SQL, the server started on it, and NDJSON sent through the
door; counted is the CPU of all processes from the first byte to the last row queryable, merges included. Flat means
that the fullest store takes at most a quarter more than the emptiest: runs of the same size differ by a tenth.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.events import bodies
from bench.part import alone, by_dose, say
from bench.server import Sender, Server
from bench.table import Row

FILL = """
import sys, time
from pathlib import Path
from eventmill.store.base import StoreError
from eventmill.store.clickhouse import ClickHouseStore
data, start, rows, ids = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "ids"
store = ClickHouseStore("chdb:", data=data, zone="UTC")
step = 1_000_000
for at in range(start, start + rows, step):
    store.command(f'''
    INSERT INTO events (site, topic, category, action, label, value, time, received, id, id_hash, content,
        receipt_high, receipt_low, user, url, browser, os, device, stream, batch)
    SELECT 'shop', 'event', ['h5', 'web', 'app'][1 + rand(1) % 3], ['pv', 'click', 'share'][1 + rand(2) % 3],
        toString(rand(3) % 5000), toString(rand(4) % 51), now64(3) - toIntervalSecond(rand(5) % 2592000),
        now64(3) - toIntervalDay(1), {"concat('old-', toString(number))" if ids else "''"},
        {"intHash64(number + 1)" if ids else "0"}, 0, number, number, concat('u', toString(rand(6) % 300000)),
        'https://example.com/p', 'Chrome', 'Windows', 'desktop', 'store', 0
    FROM numbers({at}, {min(step, start + rows - at)})''')
# What is measured next must not pay for merging these rows; a merge that finds no room at once is asked for again.
for _ in range(100):
    if store.query("SELECT count() - uniq(partition) FROM system.parts WHERE active AND table = 'events'")[0][0] == 0:
        break
    try:
        store.command("OPTIMIZE TABLE events FINAL SETTINGS optimize_throw_if_noop = 1")
    except StoreError:
        time.sleep(3)
store.close()
"""


def fill(data: Path, start: int, rows: int, ids: bool) -> None:
    subprocess.run([sys.executable, "-c", FILL, str(data), str(start), str(rows), "ids" if ids else "none"], check=True)
    # The filter of ids is built anew from the store, which now holds more.
    shutil.rmtree(data / "engine" / "ids", ignore_errors=True)


def measure(data: Path, texts: list[bytes]) -> tuple[float, float]:
    """(µs of CPU an event, seconds to ready)."""
    with Server(keep=data) as server:
        already = server.get("ledger?limit=0")["total"]["received"] + 1
        # One event first: the worker reads the ids that the store holds before it takes the first.
        Sender(server.collector).post(b'{"category":"warm-up"}')
        server.wait_stored(already)
        time.sleep(2)
        before = sum(server.cpu().values())
        lanes = [threading.Thread(target=_send, args=(server, texts[n::2])) for n in range(2)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        count = sum(text.count(b"\n") + 1 for text in texts)
        server.wait_stored(already + count)
        time.sleep(2)
        return (sum(server.cpu().values()) - before) / count * 1e6, server.start_seconds


def _send(server: Server, texts: list[bytes]) -> None:
    sender = Sender(server.collector)
    for text in texts:
        while sender.post(text) == 503:
            time.sleep(0.1)


def curve(sizes: list[float], events: int, ids: bool) -> Row:
    kind = "with client ids" if ids else "without ids"
    folder = Path(tempfile.mkdtemp(prefix="eventmill-flat-", dir=os.environ.get("BENCH_DIR")))
    cpu: list[float] = []
    try:
        stored = 0
        for number, size in enumerate(sizes):
            wanted = int(size * 1e6)
            fill(folder / "d", stored, wanted - stored, ids)
            stored = wanted
            spent, ready = measure(folder / "d", bodies(events, seed=100 + number, ids=ids))
            cpu.append(spent)
            say(f"{kind}, {size:g} M rows stored: {spent:.2f} µs CPU an event; ready after {ready:.1f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    shown = ", ".join(f"{spent:.1f}" for spent in cpu) + " µs at " + ", ".join(f"{size:g}" for size in sizes) + " M"
    name = f"CPU an event, {sizes[0]:g} → {sizes[-1]:g} M rows stored, {kind}"
    return Row(name, cpu[-1] / cpu[0], "×", 1.25, 1.1, lower=True, note=shown)


def rows(given: argparse.Namespace) -> list[Row]:
    sizes = [float(text) for text in by_dose(given, "sizes", "0.1,0.3", "1,2,5", "1,5,20,50").split(",")]
    events = by_dose(given, "events", 20_000, 200_000)
    return [curve(sizes, events, ids) for ids in (False, True)]


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", help="millions of rows in the store")
    parser.add_argument("--events", type=int)


if __name__ == "__main__":
    sys.exit(alone("flat", __doc__, rows, options))
