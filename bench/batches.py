"""NDJSON of 1,000 events a request, from the socket to queryable, beside ClickHouse's own insert of the same rows.

    python -m bench.batches [--events 400000] [--ids]

Both use the same embedded ClickHouse, the same table with its three projections and fsync settings, batches of
50,000 and the same bytes; ClickHouse reads the NDJSON itself. The figure is the ratio of CPU time per event, all
processes counted, and the ratio of rates in wall time on this machine's cores.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.events import bodies
from bench.server import Sender, Server

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--ids", action="store_true", help="events carry client ids (each is checked for repeats)")
    options = parser.parse_args()
    texts = bodies(options.events, ids=options.ids)
    own_cpu, own_wall = clickhouse(texts)
    cpu, wall, used = eventmill(texts)
    print(f"ClickHouse's own insert   {own_cpu * 1e6:6.2f} µs CPU/event   {1 / own_wall:9,.0f} events/s")
    print(f"eventmill, all processes  {cpu * 1e6:6.2f} µs CPU/event   {1 / wall:9,.0f} events/s")
    for name, seconds in used.items():
        print(f"   {name:22} {seconds / options.events * 1e6:6.2f} µs/event")
    print(f"ratio: {own_cpu / cpu:.2f} × by CPU, {own_wall / wall:.2f} × by rate")


if __name__ == "__main__":
    main()
