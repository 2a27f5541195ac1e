"""Sums the closing lines of several pytest runs in one log: `python -m scripts.tally LOG RUNS`.

Prints `N passed, N failed, N skipped` and nothing else. A run that left no closing line has died: it counts as one
failure. Exits 1 if anything failed. Only the standard library is imported, so this runs without a virtual environment.
"""

import re
import sys
from collections import Counter
from pathlib import Path

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CLOSING = re.compile(r"=+ ((?:\d+ [a-z]+(?:, )?)+|no tests ran) in \d+(?:\.\d+)?s(?: \([^()]+\))? =+")
_COUNT = re.compile(r"(\d+) ([a-z]+)")
_MEANING = {
    "passed": "passed",
    "xpassed": "passed",
    "failed": "failed",
    "error": "failed",
    "errors": "failed",
    "skipped": "skipped",
    "xfailed": "skipped",
}
"""What is neither (deselected, warnings) is not a test's outcome."""


def tally(log: str, runs: int) -> Counter[str]:
    """The outcomes of all runs together; those of `runs` that did not close count as failed."""
    counts: Counter[str] = Counter()
    closed = 0
    for line in log.splitlines():
        match = _CLOSING.fullmatch(_COLOUR.sub("", line).strip())
        if match is None:
            continue
        closed += 1
        for number, word in _COUNT.findall(match[1]):
            if word in _MEANING:
                counts[_MEANING[word]] += int(number)
    counts["failed"] += max(0, runs - closed)
    return counts


def main(words: list[str]) -> int:
    if len(words) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    counts = tally(Path(words[0]).read_text(encoding="utf-8", errors="replace"), int(words[1]))
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
