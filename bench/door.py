"""CPU time per request at the door, beside nginx's `empty_gif` with a buffered log in the same minutes.

    python -m bench.door [--queue sqlite:|none] [--seconds 4] [--rounds 3] [--kinds pixel,json,ndjson]

The collector runs on the first core and wrk on the last; nginx and the kinds with a target take turns, and the
figure is the median of the rounds. Every answer of the collector comes after the fsync of its batch.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from bench.load import Figure, Target, collector, load, nginx
from bench.part import alone, by_dose, say
from bench.requests import LUA_REQUESTS
from bench.table import Row

TARGETS = {"pixel": (0.45, 0.65), "json": (0.35, 0.5)}
NAMES = {
    "pixel": "pixel GET, durable: CPU against nginx `empty_gif` with buffered log",
    "json": "JSON POST of one event, durable: CPU against the same",
    "visitor": "pixel GET with a browser's headers",
    "unknown": "JSON POST with fields that no schema names",
    "form": "form POST to a topic's own path",
    "ndjson": "NDJSON POST of 1,000 events, for an event",
}


def median(figures: list[Figure]) -> Figure:
    """The round in the middle by CPU; its errors are those of all rounds."""
    middle = sorted(figures, key=lambda figure: figure.us)[len(figures) // 2]
    return Figure(
        middle.name, middle.requests, sum(figure.errors for figure in figures),
        statistics.median(figure.rate for figure in figures), middle.us, middle.us_event,
    )  # fmt: skip


def turns(
    targets: dict[str, tuple[Target, str]], rounds: int, seconds: int, connections: int, folder: Path
) -> dict[str, Figure]:
    """Loads each target with its kind in turn, as often as there are rounds, after a second that does not count."""
    for target, kind in targets.values():
        load(kind, target, 1, connections, folder)
    figures: dict[str, list[Figure]] = {name: [] for name in targets}
    for _ in range(rounds):
        for name, (target, kind) in targets.items():
            figures[name].append(load(kind, target, seconds, connections, folder))
            say(f"{name}: {figures[name][-1].rate:,.0f}/s, {figures[name][-1].us:.1f} µs CPU a request")
    return {name: median(several) for name, several in figures.items()}


def rows(given: argparse.Namespace) -> list[Row]:
    seconds, rounds = by_dose(given, "seconds", 1, 4, 8), by_dose(given, "rounds", 1, 3)
    kinds = (given.kinds or ",".join(LUA_REQUESTS)).split(",")
    aimed = [kind for kind in kinds if kind in TARGETS]
    with tempfile.TemporaryDirectory(prefix="bench-door-", dir=os.environ.get("BENCH_DIR")) as text:
        folder = Path(text)
        with nginx(folder) as reference, collector(folder / "data", given.queue) as door:
            wanted = {"nginx": (reference, "pixel")} | {kind: (door, kind) for kind in aimed}
            figures = turns(wanted, rounds, seconds, given.connections, folder)
            for kind in kinds:
                if kind not in TARGETS:
                    # Big bodies: fewer connections, or the limit on bytes in flight is what is measured.
                    connections = 16 if kind == "ndjson" else given.connections
                    figures |= turns({kind: (door, kind)}, 1, seconds, connections, folder)
    nginx_us, nginx_rate = figures["nginx"].us, figures["nginx"].rate
    found = [Row("nginx `empty_gif`, CPU a request", nginx_us, "µs", note=f"{nginx_rate:,.0f}/s", detail=True)]
    for kind in kinds:
        figure = figures[kind]
        failed = f"{figure.errors:,} requests failed" if figure.errors else ""
        rate = f"{figure.us:.1f} µs, {figure.rate:,.0f}/s"
        if kind in TARGETS:
            must, aim = TARGETS[kind]
            found.append(Row(NAMES[kind], nginx_us / figure.us, "×", must, aim, note=rate, spoilt=failed))
        else:
            found.append(Row(NAMES[kind], figure.us_event, "µs", note=rate, spoilt=failed, detail=True))
    return found


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queue", default="sqlite:", help="the queue's URL; none: without any queue")
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--kinds", help="comma-separated: " + ", ".join(LUA_REQUESTS))


if __name__ == "__main__":
    sys.exit(alone("door", __doc__, rows, options))
