"""The keys that the door takes, in a small file of hashes: a collector knows no database.

`<data>/door-keys.json` is `{"keys": {HASH: SITE}}` with the SHA-256 of each key that may send (`write` and `admin`)
and the site that it stands for. It is written whole, so a reader never meets half of it.
"""

import fcntl
import os
from pathlib import Path

import msgspec

from eventmill.registry.database import Database
from eventmill.registry.keys import list_keys
from eventmill.settings import DOOR_KEYS


def publish_keys(database: Database, data: Path) -> None:
    """Writes the file where it does not say what the database says. Raises RegistryError, OSError."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / f".{DOOR_KEYS}.lock").open("a") as lock:
        # Who holds the lock reads what is committed now, so the last to write has the newest.
        fcntl.flock(lock, fcntl.LOCK_EX)
        sending = {key.hash: key.site for key in list_keys(database) if key.scope in ("write", "admin")}
        content = msgspec.json.encode({"keys": sending}, order="sorted")
        path = data / DOOR_KEYS
        try:
            if path.read_bytes() == content:
                return
        except FileNotFoundError:
            if not sending:
                return
        _replace(path, content)


def _replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
