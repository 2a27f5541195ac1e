"""The price of honesty: the door with an fsync before each answer, against the same code without.

    python -m bench.honesty [--seconds 4] [--rounds 4]

Two collectors on the same core, one with `sqlite:` and one with `sqlite:?durability=relaxed`, take turns with the
pixel, so that what changes on the machine meets both. The figure is the median of the rounds' ratios.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from bench.load import Figure, collector, load
from bench.part import alone, by_dose, say
from bench.table import Row


def rows(given: argparse.Namespace) -> list[Row]:
    seconds, rounds = by_dose(given, "seconds", 1, 4, 8), by_dose(given, "rounds", 2, 5)
    pairs: list[tuple[Figure, Figure]] = []
    with tempfile.TemporaryDirectory(prefix="bench-honesty-", dir=os.environ.get("BENCH_DIR")) as text:
        folder = Path(text)
        with (
            collector(folder / "fsync") as honest,
            collector(folder / "relaxed", "sqlite:?durability=relaxed") as relaxed,
        ):
            for target in (honest, relaxed):  # the first run makes the files
                load("pixel", target, 1, given.connections, folder)
            for number in range(rounds):
                # Who goes first changes: what drifts within a round favours nobody.
                order = (honest, relaxed) if number % 2 == 0 else (relaxed, honest)
                got = {target.port: load("pixel", target, seconds, given.connections, folder) for target in order}
                pairs.append((got[honest.port], got[relaxed.port]))
                say(" ; ".join(f"{f.rate:,.0f}/s, {f.us:.1f} µs CPU" for f in pairs[-1]) + " (fsync ; relaxed)")
    by_cpu = statistics.median(loose.us / strict.us for strict, loose in pairs)
    by_rate = statistics.median(strict.rate / loose.rate for strict, loose in pairs)
    errors = sum(strict.errors + loose.errors for strict, loose in pairs)
    failed = f"{errors:,} requests failed" if errors else ""
    strict, loose = (statistics.median(pair[n].us for pair in pairs) for n in (0, 1))
    strict_rate, loose_rate = (statistics.median(pair[n].rate for pair in pairs) for n in (0, 1))
    return [
        Row("price of honesty, pixel with fsync against without: requests for the same CPU", by_cpu, "×", 0.85, 0.95,
            note=f"{strict:.1f} against {loose:.1f} µs", spoilt=failed),
        Row("price of honesty: requests a second", by_rate, "×", 0.85, 0.95,
            note=f"{strict_rate:,.0f} against {loose_rate:,.0f}/s", spoilt=failed),
    ]  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--connections", type=int, default=256)


if __name__ == "__main__":
    sys.exit(alone("honesty", __doc__, rows, options))
