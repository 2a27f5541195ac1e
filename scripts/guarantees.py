"""Which guarantees each queue really gives: runs the fault tests, and writes docs/reference/queues.md from them.

    .venv/bin/python -m scripts.guarantees [--notes FILE] [PYTEST OPTION …]

Tests marked `guarantee` name the rows that they show. With `--notes` the outcomes of an earlier run are used
(`EVENTMILL_GUARANTEES=FILE make crash` writes them too). Takes about fifteen minutes.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PAGE = _ROOT / "docs" / "reference" / "queues.md"
ROWS = {
    1: "a collector is killed",
    2: "the worker is killed between any two of its steps",
    3: "the engine is killed in an insert",
    4: "all is killed at once",
    5: "the power is cut under load",
    6: "the power is cut around a new file",
    7: "the power is cut between insert and commit",
    19: "the broker is killed and comes back",
    20: "the broker is away: events wait on the collector's disk",
    21: "the broker's answers are lost",
    22: "leaders are killed, one of three brokers after the other",
}
QUEUES = {
    "sqlite": "sqlite:",
    "kafka": "kafka://",
    "redis-server": "redis://",
    "beanstalkd": "beanstalk://",
    "rabbitmq": "amqp://",
}
_OWN = {19, 20, 21, 22}
"""Rows that need a broker."""
_ACKED = re.compile(r"acked=(\d+)")
_HEAD = """# Which guarantees each queue really gives

Written by `python -m scripts.guarantees` from what the fault tests showed on {day}; no cell was written by hand. In
each test clients keep books of what they sent and of what was acknowledged. Afterwards nothing acknowledged was
missing, no event was stored twice, nothing was stored that was not sent, and the ledger counted the same. The number
is that of acknowledged events in the run. `failed` means that this did not hold; `–` that no test shows it.

"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=Path)
    given, options = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        notes = given.notes or Path(folder, "notes")
        if given.notes is None:
            command = [sys.executable, "-m", "pytest", "tests/crash", "-m", "guarantee", *options]
            subprocess.run(command, cwd=_ROOT, env={**os.environ, "EVENTMILL_GUARANTEES": str(notes)}, check=False)
        found = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    _PAGE.write_text(page(found, datetime.now(UTC).date().isoformat()), encoding="utf-8")
    print(f"wrote {_PAGE.relative_to(_ROOT)}")
    return 0 if all(note["outcome"] == "passed" for note in found) else 1


def page(notes: list[dict[str, object]], day: str) -> str:
    """The page from the outcomes: {rows, queue, outcome, said}."""
    cells: dict[tuple[int, str], str] = {}
    for note in notes:
        acked = _ACKED.search(str(note["said"]))
        said = f"{int(acked[1]):,}" if acked else "held"
        for row in note["rows"]:  # type: ignore[attr-defined]
            cells[int(row), str(note["queue"])] = said if note["outcome"] == "passed" else str(note["outcome"])
    lines = ["| fault | " + " | ".join(f"`{url}`" for url in QUEUES.values()) + " |", "|---" * (len(QUEUES) + 1) + "|"]
    for number, fault in ROWS.items():
        told = [
            "no broker" if queue == "sqlite" and number in _OWN else cells.get((number, queue), "–") for queue in QUEUES
        ]
        lines.append(f"| {fault} | " + " | ".join(told) + " |")
    return _HEAD.format(day=day) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
