"""The daily salts that visitors are hashed with: one for all collectors, yesterday's destroyed.

`<data>/salts/YYYY-MM-DD` (UTC) holds 32 random bytes. Once it is gone, nobody can tell who a visitor was.
"""

import datetime
import fcntl
import os
from pathlib import Path

SALT_BYTES = 32


class Salts:
    """Today's salt, shared by every process on the data directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._day = -1
        self.value = b""

    def tick(self, now_s: int) -> bool:
        """Loads or makes the salt of the day of `now_s`; whether it is another one than before."""
        day = now_s // 86_400
        if day == self._day:
            return False
        self.value = self._of(datetime.datetime.fromtimestamp(now_s, datetime.UTC).strftime("%Y-%m-%d"))
        self._day = day
        return True

    def _of(self, name: str) -> bytes:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path = self._directory / name
            try:
                salt = path.read_bytes()
            except FileNotFoundError:
                salt = b""
            if len(salt) != SALT_BYTES:
                salt = os.urandom(SALT_BYTES)
                self._write(path, salt)
            self._destroy_before(name)
            return salt
        finally:
            os.close(lock)

    def _write(self, path: Path, salt: bytes) -> None:
        draft = path.with_name(f".{path.name}.new")
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, salt)
            os.fsync(file)
        finally:
            os.close(file)
        draft.replace(path)
        self._sync_directory()

    def _destroy_before(self, name: str) -> None:
        """Overwrites, then deletes: a deleted file's blocks could be read back from the disk."""
        old = [path for path in self._directory.glob("[0-9]*-*-*") if path.name < name]
        for path in old:
            file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(file, os.urandom(SALT_BYTES))
                os.fsync(file)
            finally:
                os.close(file)
            path.unlink()
        if old:
            self._sync_directory()

    def _sync_directory(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
