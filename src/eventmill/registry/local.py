"""The key of the commands on this machine: a file that only the owner of the data directory can read.

Who may read the data directory has the data anyway; with this file `eventmill query` and the others reach the
server that runs on it whatever password and keys it has.
"""

import os
import re
from pathlib import Path

from eventmill.registry.tokens import new_token

KIND = "el"
_FILE = Path("run") / "local-key"
_KEY = re.compile(rf"{KIND}_[\w-]{{43}}")


def read_local_key(data: Path) -> str:
    """The key's text; empty where no server has made one, or it is not ours to read."""
    try:
        text = (data / _FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return text if _KEY.fullmatch(text) else ""


def make_local_key(data: Path) -> str:
    """The key's text; made where there is none, for all servers on this directory the same. Raises OSError."""
    found = read_local_key(data)
    if found:
        return found
    path = data / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(new_token(KIND).text)
    new.replace(path)
    return read_local_key(data)
