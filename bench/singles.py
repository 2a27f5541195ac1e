"""Single-event requests from the socket to queryable: the rate that holds without growing lag, and the delay.

    python -m bench.singles [--rate 5000] [--seconds 15]

First wrk sends pixels as fast as the machine takes them while the lag is read each second. Then a paced client
sends at `--rate` while one marked event in ten milliseconds is followed from its answer until `counts` shows it.
"""

import argparse
import asyncio
import subprocess
import tempfile
import time
from pathlib import Path

from bench.server import Server

LUA = """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/event.gif?site=shop&category=h5&action=pv&label=" .. (n % 997) .. "&value=" .. (n % 61)
    .. "&user=u" .. (n * 7919 % 1000003))
end"""


def sustained(seconds: int) -> None:
    """Full speed: requests a second, and the lag while it runs and after."""
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "pixels.lua")
        script.write_text(LUA)
        url = f"http://{server.runtime['collect'][0]}"
        wrk = subprocess.Popen(
            ["wrk", "-t1", "-c64", f"-d{seconds}", "-s", str(script), url], stdout=subprocess.PIPE, text=True
        )
        lags, began = [], time.monotonic()
        before = server.cpu()
        while wrk.poll() is None:
            time.sleep(1)
            total = server.get("ledger?limit=0")["total"]
            lags.append((total["received"], total["queued"]))
        out = wrk.communicate()[0]
        received = server.get("ledger?limit=0")["total"]["received"]
        rate = received / (time.monotonic() - began)
        server.wait_stored(received)
        drained = time.monotonic() - began
        used = {name: seconds - before[name] for name, seconds in server.cpu().items()}
        errors = [line for line in out.splitlines() if "Non-2xx" in line or "Socket errors" in line]
        print(
            f"single events, full speed   {rate:9,.0f} accepted/s, "
            f"{received / drained:9,.0f} stored/s, {errors or 'no errors'}"
        )
        parts = ", ".join(f"{name} {seconds / received * 1e6:.1f}" for name, seconds in used.items())
        print(f"   CPU an event             {sum(used.values()) / received * 1e6:9.1f} µs ({parts})")
        print(f"   lag each second          {', '.join(f'{queued:,}' for _, queued in lags)}")


async def delay(rate: int, seconds: int) -> None:
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
        at = [delays[min(len(delays) - 1, int(len(delays) * q))] * 1000 for q in (0.5, 0.95, 0.99)]
        print(
            f"acknowledged to queryable   p50 {at[0]:.0f} ms, p95 {at[1]:.0f} ms, p99 {at[2]:.0f} ms, "
            f"max {delays[-1] * 1000:.0f} ms ({len(delays)} samples at {total['received'] / seconds:,.0f} events/s)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=15)
    options = parser.parse_args()
    sustained(options.seconds)
    asyncio.run(delay(options.rate, options.seconds))


if __name__ == "__main__":
    main()
