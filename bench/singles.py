"""Single-event requests from the socket to queryable: the rate that holds without growing lag, and the delay.

    python -m bench.singles [--rate 5000] [--seconds 15]

First wrk sends pixels as fast as the machine takes them while the lag is read each second. Then a paced client
sends at `--rate` while one marked event in ten milliseconds is followed from its answer until `counts` shows it.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.load import program
from bench.part import alone, by_dose, say
from bench.requests import LUA_REQUESTS
from bench.server import Server
from bench.table import Row


def sustained(seconds: int) -> list[Row]:
    """Full speed: events a second from the first request until the last is queryable, and the lag meanwhile.

    Where the door takes more than the worker stores, the time that the queue needs to empty counts too: the figure
    is then what the pipeline holds out for ever, and no more.
    """
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "pixels.lua")
        script.write_text(LUA_REQUESTS["pixel"])
        url = f"http://{server.runtime['collect'][0]}"
        wrk = subprocess.Popen(
            [program("wrk"), "-t1", "-c64", f"-d{seconds}", "-s", str(script), url], stdout=subprocess.PIPE, text=True
        )
        lags, began = [], time.monotonic()
        before = server.cpu()
        try:
            while wrk.poll() is None:
                time.sleep(1)
                lags.append(server.get("ledger?limit=0")["total"]["queued"])
            out = wrk.communicate()[0]
        finally:
            wrk.kill()  # where the part is cut off: the next one must not run beside it
        received = server.get("ledger?limit=0")["total"]["received"]
        rate = received / (time.monotonic() - began)
        server.wait_stored(received)
        drained = time.monotonic() - began
        used = {name: spent - before[name] for name, spent in server.cpu().items()}
    errors = " ".join(line.strip() for line in out.splitlines() if "Non-2xx" in line or "Socket errors" in line)
    say(f"{rate:,.0f} accepted/s, {received / drained:,.0f} stored/s; lag each second: {lags}")
    parts = ", ".join(f"{name} {spent / received * 1e6:.1f}" for name, spent in used.items())
    return [
        Row("single events, socket to queryable, sustained", received / drained, "/s", 20_000, 40_000,
            note=f"lag at most {max(lags, default=0):,} events", spoilt=errors),
        Row("   accepted at the door meanwhile", rate, "/s", detail=True),
        Row("   CPU an event, all processes", sum(used.values()) / received * 1e6, "µs", note=parts, detail=True),
    ]  # fmt: skip


async def delay(rate: int, seconds: int) -> list[Row]:
    """At a steady rate: from the answer to the counts, in ms."""
    with Server() as server:
        host, port = server.collector
        stop = time.monotonic() + seconds

        async def get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))

        async def load(number: int, lanes: int) -> None:
            reader, writer = await asyncio.open_connection(host, port)
            step = lanes / rate
            due = time.monotonic() + number * step / lanes
            while (now := time.monotonic()) < stop:
                if now < due:
                    await asyncio.sleep(due - now)
                due += step
                await get(reader, writer, f"/event.gif?category=h5&action=pv&label={number}")
            writer.close()

        async def follow() -> list[float]:
            found, pending, sent = [], [], 0
            reader, writer = await asyncio.open_connection(host, port)
            while time.monotonic() < stop or pending:
                if time.monotonic() < stop:
                    await get(reader, writer, "/event.gif?category=probe&action=delay")
                    sent += 1
                    pending.append((sent, time.monotonic()))
                day = time.strftime("%Y-%m-%d", time.gmtime())
                path = f"counts?from={day}&to={day}&category=probe&interval=total"
                answer = await asyncio.to_thread(server.get, path)
                seen = sum(row["eventData"]["pv"] for row in answer["data"])
                now = time.monotonic()
                found += [now - at for number, at in pending if number <= seen]
                pending = [(number, at) for number, at in pending if number > seen]
                await asyncio.sleep(0.01)
            return found

        lanes = 32
        results = await asyncio.gather(follow(), *(load(n, lanes) for n in range(lanes)))
        delays = sorted(results[0])
        total = server.get("ledger?limit=0")["total"]
    p50, p95, p99 = (delays[min(len(delays) - 1, int(len(delays) * q))] * 1000 for q in (0.5, 0.95, 0.99))
    reached = total["received"] / seconds
    say(f"p50 {p50:.0f} ms, p95 {p95:.0f}, p99 {p99:.0f}, max {delays[-1] * 1000:.0f} ({len(delays)} samples)")
    return [
        Row(f"acknowledged to queryable at {rate:,} events/s, p99", p99, "ms", 1000, lower=True,
            note=f"p50 {p50:.0f} ms, {len(delays)} samples",
            spoilt="" if reached >= 0.95 * rate else f"only {reached:,.0f}/s were sent"),
    ]  # fmt: skip


def rows(given: argparse.Namespace) -> list[Row]:
    seconds, rate = by_dose(given, "seconds", 4, 15, 60), by_dose(given, "rate", 2000, 5000)
    return [*sustained(seconds), *asyncio.run(delay(rate, seconds))]


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=int)
    parser.add_argument("--seconds", type=int)


if __name__ == "__main__":
    sys.exit(alone("singles", __doc__, rows, options))
