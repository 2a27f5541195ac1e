"""The machine: clock, limits, and environment variables that nothing reads."""

import os
import resource
import time
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from eventmill.commands.checks.disk import existing
from eventmill.commands.checks.finding import Finding, bad, ok, warn
from eventmill.settings import Settings, option_names

_BUILT = 1_767_225_600  # 2026-01-01: no clock that is right is before it
_ENOUGH_FILES = 8192
_OTHER_NAMES = {"EVENTMILL_CONFIG", "EVENTMILL_QUEUE", "EVENTMILL_STORE", "EVENTMILL_FAILPOINT"}


def check(settings: Settings) -> Iterator[Finding]:
    """Reads only."""
    yield _clock(settings)
    yield _descriptors()
    yield from _environment()


def _clock(settings: Settings) -> Finding:
    now = time.time()
    if now < _BUILT:
        return bad("clock", f"{time.ctime(now)} is in the past", "set the clock (timedatectl set-ntp true)")
    newest = max((path.stat().st_mtime for path in _files(existing(settings.data_dir))), default=0.0)
    if newest > now + 60:
        ahead = newest - now
        return warn(
            "clock",
            f"the data directory is {ahead:.0f} s ahead of the clock",
            "has the clock stepped back? see timedatectl",
        )
    before, wall = time.monotonic(), time.time()
    time.sleep(0.05)
    drift = abs((time.time() - wall) - (time.monotonic() - before))
    if drift > 0.01:
        return warn(
            "clock", f"the clock jumps ({drift * 1000:.0f} ms in 50 ms)", "something sets it hard: use chrony or ntpd"
        )
    return ok("clock", time.strftime("%Y-%m-%d %H:%M:%S %z"))


def _files(folder: Path) -> Iterator[Path]:
    for name in ("runtime.json", "queue", "engine", "store"):
        if (path := folder / name).exists():
            yield path


def _descriptors() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"{hard} open files (a connection takes one)"
    if hard != resource.RLIM_INFINITY and hard < _ENOUGH_FILES:
        return warn("descriptors", text, "raise the hard limit: LimitNOFILE=65536 (systemd), ulimit -Hn 65536")
    return ok("descriptors", f"{text}; soft limit {soft}, raised at start")


def _environment() -> Iterator[Finding]:
    known = {"EVENTMILL_" + name.upper().replace(".", "_") for name in option_names()} | _OTHER_NAMES
    for name in sorted(os.environ):
        if name.startswith("EVENTMILL_") and name not in known:
            close = get_close_matches(name, known, 1)
            yield warn("environment", f"{name} is no option", f"did you mean {close[0]}?" if close else "unset it")
