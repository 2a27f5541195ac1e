"""The C compiler, for shims that tests load into a process."""

from pathlib import Path

from scripts.services.base import Program

_HEADER = Path("/usr/include/stdio.h")


class Gcc(Program):
    def __init__(self) -> None:
        # Debian only recommends the headers to the compiler.
        super().__init__("gcc", package="gcc libc6-dev")

    def find(self) -> Path | None:
        return super().find() if _HEADER.exists() else None
