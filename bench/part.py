"""What the parts of the bench share: how much to measure, running alone, and who else used the machine."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from bench.table import Part, Row, show

TICK = os.sysconf("SC_CLK_TCK")
T = TypeVar("T")


class UnavailableError(Exception):
    """The part cannot measure here or with these options; the message says what to do."""


def by_dose(given: argparse.Namespace, name: str, quick: T, usual: T, full: T | None = None) -> T:
    """The option as given on the command line, else what belongs to the dose."""
    chosen = getattr(given, name, None)
    if chosen is not None:
        return chosen  # type: ignore[no-any-return]
    if given.full and full is not None:
        return full
    return quick if given.quick else usual


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"   {text}", file=sys.stderr, flush=True)


def add_doses(parser: argparse.ArgumentParser) -> None:
    dose = parser.add_mutually_exclusive_group()
    dose.add_argument("--quick", action="store_true", help="shows that it works; the figures are rough")
    dose.add_argument("--full", action="store_true", help="all that the targets name; takes far longer")


def alone(
    name: str,
    about: str | None,
    rows: Callable[[argparse.Namespace], list[Row]],
    options: Callable[[argparse.ArgumentParser], object] = lambda _: None,
) -> int:
    """The main of a part: prints its rows, or writes them as JSON for `python -m bench`."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_doses(parser)
    parser.add_argument("--rows-to", type=Path, help=argparse.SUPPRESS)
    options(parser)
    given = parser.parse_args()
    watch = Watch()
    try:
        part = Part(name, rows=rows(given))
    except UnavailableError as error:
        part = Part(name, failed=str(error))
    except KeyboardInterrupt:
        return 130
    if given.rows_to:
        given.rows_to.write_text(json.dumps(part.as_json()))
    else:
        watch.fill(part)
        show([part], Console(width=160), details=True)
        print(f"{part.seconds:.0f} s, {part.quiet()}")
    return 1 if part.failed or any(row.met == "no" for row in part.rows) else 0


class Watch:
    """How much of the machine others use, from its making until `fill`.

    Kernel threads (writing back what anybody wrote) are nobody's, and interrupts are left out, because they
    are mostly those of our own loopback traffic; a hypervisor's stolen time counts as others'.
    """

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._began, self._busy, self._own, self._kernel = time.monotonic(), _busy(), _own(), _kernel()

    def fill(self, part: Part) -> None:
        """Call it when all that the part started has ended: only then is their time in ours."""
        part.seconds = time.monotonic() - self._began
        others = (_busy() - self._busy) - (_own() - self._own) - (_kernel() - self._kernel)
        part.load = self._load
        part.others = max(0.0, others / part.seconds / (os.cpu_count() or 1))


def _busy() -> float:
    with Path("/proc/stat").open() as lines:
        fields = [int(text) for text in lines.readline().split()[1:]]
    user, nice, system, steal = fields[0], fields[1], fields[2], fields[7]
    return (user + nice + system + steal) / TICK


def _own() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _kernel() -> float:
    """Seconds of all kernel threads: children of kthreadd, which is process 2 wherever they can be seen."""
    seconds = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == "2":
            seconds += (int(fields[11]) + int(fields[12])) / TICK
    return seconds
