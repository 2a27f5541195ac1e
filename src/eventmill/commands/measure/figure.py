"""What `bench` measures: one figure a line."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Figure(msgspec.Struct, frozen=True):
    """A measured value. `cpu_us` is the processor time of the server's processes for each `unit`, where known."""

    name: str
    value: float
    unit: str
    cpu_us: float | None = None
    note: str = ""


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that these processes have used so far."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total * _TICK_S


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of sorted values, none interpolated."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
