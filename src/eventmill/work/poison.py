"""Finding the event that breaks a step: by halves, first whole entries, then lines of one entry.

A step that raises is probed in this process. An event that kills the process is probed in a child process, and
only after the same delivery was under way at two deaths: `Attempts` remembers that across restarts.
"""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from eventmill.event import Head
from eventmill.queue.base import Delivery, Entry

REASON = "poison"
DEATHS_BEFORE_PROBE = 2
_CHILD_S = 120.0
Probe = Callable[[Sequence[Entry]], bool]
"""Whether these entries go through the steps."""

_heads = msgspec.json.Decoder(Head)
_encode = msgspec.json.Encoder().encode


def isolate(delivery: Delivery, probe: Probe) -> Delivery:
    """The delivery with each event that `probe` fails on marked to be rejected; its text is kept."""
    entries = [_cleansed(entry, probe) if bad else entry for entry, bad in _bad_entries(delivery.entries, probe)]
    return replace(delivery, entries=entries)


def _bad_entries(entries: Sequence[Entry], probe: Probe) -> list[tuple[Entry, bool]]:
    if not entries or probe(entries):
        return [(entry, False) for entry in entries]
    if len(entries) == 1:
        return [(entries[0], True)]
    half = len(entries) // 2
    return _bad_entries(entries[:half], probe) + _bad_entries(entries[half:], probe)


def _cleansed(entry: Entry, probe: Probe) -> Entry:
    lines = entry.body.split(b"\n")[: entry.count]
    if len(lines) != entry.count:
        # Heads and lines disagree: the whole entry is one unreadable thing, and each of its events is rejected.
        lines += [b""] * (entry.count - len(lines))
        bad = set(range(entry.count))
    else:
        bad = set(_bad_lines(entry, lines, 0, probe))
    marked = [_marked(line) if place in bad else line for place, line in enumerate(lines)]
    heads = entry.heads if _heads_fit(entry) else b'{"n":%d}\n' % entry.count
    return replace(entry, heads=heads, body=b"".join(line + b"\n" for line in marked))


def _bad_lines(entry: Entry, lines: Sequence[bytes], first: int, probe: Probe) -> list[int]:
    part = replace(
        entry, count=len(lines), heads=b'{"n":%d}\n' % len(lines), body=b"".join(line + b"\n" for line in lines)
    )
    if probe([part]):
        return []
    if len(lines) == 1:
        return [first]
    half = len(lines) // 2
    return _bad_lines(entry, lines[:half], first, probe) + _bad_lines(entry, lines[half:], first + half, probe)


def _marked(line: bytes) -> bytes:
    return _encode({"_x": REASON, "_raw": line.decode("utf-8", "backslashreplace")})


def _heads_fit(entry: Entry) -> bool:
    try:
        return sum(head.n for head in _heads.decode_lines(entry.heads)) == entry.count
    except msgspec.DecodeError:
        return False


class Attempts:
    """Counts how often a process died with a delivery under way. Survives the process, not a power cut."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.deaths, self._first = self._read()

    def begin(self, delivery: Delivery) -> int:
        """Notes the delivery as under way; returns the deaths that it has seen already."""
        first: dict[str, int] = {}
        for entry in delivery.entries:
            first.setdefault(entry.shard, entry.seq)
        deaths = self.deaths if self._first and any(first.get(s) == seq for s, seq in self._first.items()) else 0
        self._write(deaths + 1, first)
        return deaths

    def end(self) -> None:
        """The delivery is committed."""
        self.deaths, self._first = 0, {}
        self._path.unlink(missing_ok=True)

    def _read(self) -> tuple[int, dict[str, int]]:
        try:
            note = json.loads(self._path.read_text(encoding="utf-8"))
            return int(note["deaths"]), dict(note["first"])
        except (OSError, ValueError, KeyError):
            return 0, {}

    def _write(self, deaths: int, first: Mapping[str, int]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps({"deaths": deaths, "first": first}), encoding="utf-8")
        new.replace(self._path)


def child_probe(settings_file: Path) -> Probe:
    """A probe that runs the steps in a process of its own: a death there is an answer, not a fault."""

    def probe(entries: Sequence[Entry]) -> bool:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "eventmill.work.probe", str(settings_file)],
                input=pickle.dumps(list(entries)),
                timeout=_CHILD_S,
                check=False,
                env={**os.environ, "POLARS_MAX_THREADS": "1"},
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    return probe
