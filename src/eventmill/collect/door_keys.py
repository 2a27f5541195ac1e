"""The keys that may send, and the site that each stands for: a file of hashes that the settings database writes.

A request without a key is taken as before; a key that is not in the file is refused. A collector looks at the file
twice a second and reads it where it has changed.
"""

import hashlib
import hmac
import logging
from pathlib import Path

import msgspec

from eventmill.collect.refusal import Refused
from eventmill.settings import DOOR_KEYS

log = logging.getLogger(__name__)
_MISSING = (0, 0, 0)
_FIND = 16
"""Digits that a key's hash is found by; the whole is then compared in a time that tells nothing."""


class _File(msgspec.Struct):
    """`keys`: SHA-256 in hexadecimal to site."""

    keys: dict[str, str]


class DoorKeys:
    """The keys in force. `file` need not exist: then there are none."""

    __slots__ = ("_file", "_known", "_seen")

    def __init__(self, data: Path) -> None:
        self._file = data / DOOR_KEYS
        self._seen = _MISSING
        self._known: dict[str, tuple[str, str]] = {}  # (hash, site) by the beginning of the hash
        self.reload()

    def reload(self) -> None:
        """Takes over a changed file; one that cannot be read leaves the keys as they were."""
        mark = self._mark()
        if mark == self._seen:
            return
        try:
            keys = {} if mark == _MISSING else msgspec.json.decode(self._file.read_bytes(), type=_File).keys
        except (OSError, msgspec.DecodeError) as error:
            log.error("%s: %s; the keys stay as they were", self._file, error)
        else:
            self._known = {hashed[:_FIND]: (hashed, site) for hashed, site in keys.items()}
        self._seen = mark

    def site(self, key: bytes) -> str:
        """The site of the events that come with this key, empty where it has none. Raises Refused (401)."""
        hashed = hashlib.sha256(key).hexdigest()
        known, site = self._known.get(hashed[:_FIND], ("", ""))
        if not hmac.compare_digest(known, hashed):
            raise Refused(
                401, "this key is not known here, or may not send: `eventmill keys add --scope write` makes one",
                fields=b"WWW-Authenticate: Bearer\r\n",
            )  # fmt: skip
        return site

    def _mark(self) -> tuple[int, int, int]:
        try:
            status = self._file.stat()
        except OSError:
            return _MISSING
        return status.st_mtime_ns, status.st_size, status.st_ino
