"""One shell for a page, so that its commands share a directory and variables as they do for a reader."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

_END = "--end-of-step--"


class Shell:
    """bash in `folder`. A command that hangs is ended by the test's own deadline."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "bash"],
            cwd=folder, env={**os.environ, **env}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, command: str) -> tuple[int, list[str]]:
        """(exit code, lines of output, both streams)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{{ {command}\n}} < /dev/null; printf '\\n{_END}%d\\n' $?\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(_END):
                return int(line.removeprefix(_END)), lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"the shell ended in {command!r}: {lines}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def missing(shown: list[str], lines: list[str]) -> str | None:
    """The first of the `shown` lines that does not follow in `lines`; `…` stands for anything."""
    rest = iter(_even(line) for line in lines)
    for line in shown:
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in _even(line).split("…")))
        if line.strip() != "…" and not any(pattern.fullmatch(actual) for actual in rest):
            return line
    return None


def _even(line: str) -> str:
    return " ".join(line.split())
