"""What a check of `doctor` says."""

from typing import Literal

import msgspec

Level = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """One line: what was looked at, how it is, and what mends it where it is not well."""

    check: str
    level: Level
    text: str
    mend: str = ""


def ok(check: str, text: str) -> Finding:
    return Finding(check, "ok", text)


def warn(check: str, text: str, mend: str) -> Finding:
    return Finding(check, "warn", text, mend)


def bad(check: str, text: str, mend: str) -> Finding:
    return Finding(check, "fail", text, mend)
