"""What an answer of beanstalkd's means.

It tells whether it has a binlog, not how often that is synced: this stands in its command line, which can be read on
its own host only. `-f 0` syncs before each answer; every other number leaves the last jobs unsynced while it is idle.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eventmill.queue.beanstalk.wire import Wire

MEND = "Start it on this host with -b DIR -f 0"
_HOST, _PORT, _LOOK_S = "127.0.0.1", "11300", 1.0
_WITH_VALUE = "bfulpzs"


def promise(told: Mapping[str, str], proc: Path = Path("/proc")) -> tuple[str, str]:
    """(class, what says so); `told` is what `stats` said."""
    if told.get("binlog-current-index", "0") == "0":
        return "relaxed", "it keeps jobs in memory only, without -b"
    words = _command_line(told, proc)
    if words is None:
        return "relaxed", "it has a binlog, but how often that is synced can only be read on beanstalkd's own host"
    wait = sync_ms(words)
    if wait is None:
        return "relaxed", "its binlog is never synced: -F"
    return ("fsync", "-b, -f 0") if wait == 0 else ("relaxed", f"it answers before it syncs its binlog: -f {wait}")


def _command_line(told: Mapping[str, str], proc: Path) -> list[str] | None:
    """Of the process that answers: the one of that number here, if what listens where it should has the same id."""
    try:
        words = (proc / told.get("pid", "") / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        if not words or Path(words[0]).name != "beanstalkd":
            return None
        given = options(words)
        wire = Wire(given.get("l", _HOST), int(given.get("p", _PORT)), _LOOK_S, _LOOK_S)
        try:
            return words if wire.stats().get("id") == told.get("id") else None
        finally:
            wire.close()
    except (OSError, ValueError):
        return None


def options(words: Sequence[str]) -> dict[str, str]:
    """Letters and their values, the last of each, in the order given."""
    found: dict[str, str] = {}
    rest = iter(words[1:])
    for word in rest:
        if not word.startswith("-"):
            continue
        for place, letter in enumerate(word[1:], 2):
            found.pop(letter, None)
            if letter in _WITH_VALUE:
                found[letter] = word[place:] or next(rest, "")
                break
            found[letter] = ""
    return found


def sync_ms(words: Sequence[str]) -> int | None:
    """How long a job may stay unsynced; None where nothing is ever synced. The last of -f and -F counts."""
    wait: int | None = 50
    for letter, value in options(words).items():
        if letter == "f":
            wait = int(value) if value.isdecimal() else 50
        elif letter == "F":
            wait = None
    return wait
