"""Faults 5 to 7: the power is cut at random moments under load, with queue files rolling all the while."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.conftest import Build
from tests.crash.disk import Disk
from tests.crash.harness import Rig, pause

pytestmark = pytest.mark.crash


def cut(one: Rig, disk: Disk) -> dict[Path, int]:
    """The machine stops: first the disk, then all that ran. How far the books of replies had come just before.

    A machine without power sends no replies, but ours runs on for a moment, and in it the kernel lies: of 35,000
    plain fdatasync calls around 60 shutdowns, 176 returned 0 after the shutdown had begun, and 7 of those were
    lost; none of the others was.
    """
    before = {book: book.stat().st_size for book in one.books.glob("acked-*")}
    disk.cut()
    one.cuts += 1
    one.kill_everything()
    disk.unmount()
    disk.mount()
    return before


def forget_later_replies(one: Rig, before: dict[Path, int]) -> None:
    """Takes back, once the clients have ended, what they noted after the cut."""
    for book, size in before.items():
        os.truncate(book, size)


@pytest.mark.guarantee(5, 6, 7, queue="sqlite")
@pytest.mark.timeout(1800)
def test_power_cuts_under_load(rig: Build, disk: Disk, dose: Callable[[int, int], int], chance: int) -> None:
    moments = random.Random(chance)
    one = rig(data=disk.path / "data", config='[queue]\nfile_size = "50KB"\nreserve = "1MB"\n')
    for number in range(dose(3, 34)):
        one.start()
        with one.load():
            # From the first moments, when files are new and nothing but their fsync holds them, to several rolls.
            pause(*((0.05, 0.4) if number % 3 == 0 else (1.0, 4.0)), moments)
            before = cut(one, disk)
        forget_later_replies(one, before)
    files = len(list(disk.path.glob("data/queue/shard-*/*.db")))
    one.start()
    verdict = one.finish()
    print(f"{one.cuts} cuts, {files} queue files: {verdict}")
    assert verdict.acked
    assert files > 2
