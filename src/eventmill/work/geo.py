"""Countries of addresses, from a file in MaxMind's format (MMDB) that the operator gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from eventmill.settings import SettingsError

Countries = Callable[[str], str]
"""The ISO code of an address ("DE"), "" where it is not known."""


def open_countries(file: str) -> Countries | None:
    """Looks addresses up in this file; None where none is given. The file may be replaced while it is used (by a
    rename): what was opened stays as it was until the next start. Raises `SettingsError`."""
    if not file:
        return None
    import maxminddb

    path = Path(file)
    try:
        reader = maxminddb.open_database(path, maxminddb.MODE_AUTO)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise SettingsError(f"geo.database: {path.absolute()} is no MMDB file that can be read: {error}") from error

    def country(address: str) -> str:
        try:
            return _code(reader.get(address))
        except (ValueError, maxminddb.InvalidDatabaseError):
            return ""  # no address, or damage in the one place of the file

    return country


def _code(record: Any) -> str:
    """`{"country": {"iso_code": "DE"}}`, or flat as `{"country_code": "DE"}` or `{"country": "DE"}`."""
    if not isinstance(record, dict):
        return ""
    found = record.get("country_code") or record.get("country")
    code = found.get("iso_code") if isinstance(found, dict) else found
    return code.upper() if isinstance(code, str) and len(code) == 2 and code.isalpha() and code.isascii() else ""
