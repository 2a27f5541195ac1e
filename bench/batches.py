"""NDJSON of 1,000 events a request, from the socket to queryable, beside ClickHouse's own insert of the same rows.

    python -m bench.batches [--events 400000] [--kinds plain,ids]

Both use the same embedded ClickHouse, the same table with its three projections and fsync settings, batches of
50,000 and the same bytes; ClickHouse reads the NDJSON itself. The figure is the ratio of CPU time per event, all
processes counted, and the ratio of rates in wall time on this machine's cores. With `ids` each event carries a
client's id and is checked for repeats, which ClickHouse's own insert does not do.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.events import bodies
from bench.part import UnavailableError, alone, by_dose, say
from bench.server import Sender, Server
from bench.table import Row

OWN = """
import sys, time, glob
from pathlib import Path
from eventmill.store.clickhouse import ClickHouseStore
folder = Path(sys.argv[1])
store = ClickHouseStore("chdb:", data=folder / "data", zone="UTC")
columns = ("site", "category", "action", "label", "value", "id", "user", "url", "referrer", "user_agent", "duration_ms")
spec = ", ".join(f"{c} {'Float64' if c == 'duration_ms' else 'String'}" for c in (*columns, "time", "props"))
files = sorted(glob.glob(f"{folder}/*.ndjson"))
def insert(path):
    store._writer.command(
        f"INSERT INTO events ({', '.join(columns)}, time, props, received) "
        f"SELECT {', '.join(columns)}, parseDateTime64BestEffort(time, 3, 'UTC'), props, now64(3) "
        f"FROM file('{path}', JSONEachRow, '{spec}')")
insert(files[0])
cpu, wall = time.process_time(), time.perf_counter()
for path in files[1:]:
    insert(path)
print((time.process_time() - cpu), (time.perf_counter() - wall))
"""


def clickhouse(texts: list[bytes]) -> tuple[float, float]:
    """(CPU, wall) seconds for an event of ClickHouse's own insert."""
    with tempfile.TemporaryDirectory() as folder:
        count = 0
        for number, at in enumerate(range(0, len(texts), 50)):
            part = texts[at : at + 50]
            Path(folder, f"{number:04d}.ndjson").write_bytes(b"\n".join(part))
            count += sum(text.count(b"\n") + 1 for text in part) if number else 0
        done = subprocess.run(
            [sys.executable, "-c", OWN, folder], capture_output=True, text=True, check=True, cwd=folder
        )
        cpu, wall = map(float, done.stdout.split())
        return cpu / count, wall / count


def eventmill(texts: list[bytes], senders: int = 4) -> tuple[float, float, dict[str, float]]:
    """(CPU, wall) seconds for an event, and CPU by process, from the first byte sent to the last row queryable."""
    with Server("--collectors", "2") as server:
        warm = Sender(server.collector)
        warm.post(texts[0])
        server.wait_stored(texts[0].count(b"\n") + 1)
        count = sum(text.count(b"\n") + 1 for text in texts[1:])
        before, began = server.cpu(), time.perf_counter()

        def run(mine: list[bytes]) -> None:
            sender = Sender(server.collector)
            for text in mine:
                while sender.post(text) == 503:
                    time.sleep(0.1)

        threads = [threading.Thread(target=run, args=(texts[1 + n :: senders],)) for n in range(senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sent = time.perf_counter() - began
        server.wait_stored(count + texts[0].count(b"\n") + 1)
        wall = time.perf_counter() - began
        used = {name: seconds - before[name] for name, seconds in server.cpu().items()}
        used["accepting (wall)"] = sent
        return sum(v for k, v in used.items() if "wall" not in k) / count, wall / count, used


def rows(given: argparse.Namespace) -> list[Row]:
    events = by_dose(given, "events", 100_000, 400_000, 1_000_000)
    if events < 51_000:
        raise UnavailableError("--events must be 51,000 or more: ClickHouse's first batch of 50,000 is its warm-up")
    found: list[Row] = []
    for kind in given.kinds.split(","):
        texts = bodies(events, ids=kind == "ids")
        own_cpu, own_wall = clickhouse(texts)
        say(f"{kind}: ClickHouse's own insert {own_cpu * 1e6:.2f} µs CPU an event, {1 / own_wall:,.0f} events/s")
        cpu, wall, used = eventmill(texts)
        say(f"{kind}: eventmill {cpu * 1e6:.2f} µs CPU an event, {1 / wall:,.0f} events/s")
        name = f"NDJSON of 1,000 {'events with ids' if kind == 'ids' else 'events'}, socket to queryable"
        by_cpu, by_rate = f"{cpu * 1e6:.1f} against {own_cpu * 1e6:.1f} µs", f"{1 / wall:,.0f}/s"
        found += [
            Row(f"{name}: CPU against ClickHouse's own insert", own_cpu / cpu, "×", 0.25, 0.4, note=by_cpu),
            Row(f"{name}: rate against the same", own_wall / wall, "×", 0.25, 0.4, note=by_rate),
        ]
        count = events - texts[0].count(b"\n") - 1  # the first body is the warm-up
        found += [
            Row(f"   {process}, {kind}", seconds / count * 1e6, "µs", note="an event", detail=True)
            for process, seconds in used.items()
        ]
    return found


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int)
    parser.add_argument("--kinds", default="plain,ids")


if __name__ == "__main__":
    sys.exit(alone("batches", __doc__, rows, options))
