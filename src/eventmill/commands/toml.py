"""Values as TOML: the standard library reads it but does not write it."""

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key(name: str) -> str:
    """A key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else value(name)


def value(item: Any) -> str:
    """A string, number, boolean, list, or mapping (inline). Raises TypeError for anything else."""
    if isinstance(item, str):
        return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int | float):
        return repr(item)
    if isinstance(item, list):
        return "[" + ", ".join(map(value, item)) + "]"
    if isinstance(item, Mapping):
        return "{" + ", ".join(f"{key(name)} = {value(inner)}" for name, inner in item.items()) + "}"
    raise TypeError(f"TOML has no {type(item).__name__}")
