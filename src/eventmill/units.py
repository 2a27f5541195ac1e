"""Sizes, durations, addresses: how the configuration writes them."""

import re
from ipaddress import ip_network


class SettingsError(Exception):
    """A setting is wrong; the message names it, what is wrong, and what would be right."""


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, None: 1000}


def size(text: str) -> int:
    """Bytes of `10MB`, `512KiB`, `1000`. Raises SettingsError."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise SettingsError(f"{text!r} is no size; write 10MB, 512KiB or 1000")
    power = " KMGT".index(match[2].upper() or " ")
    return int(float(match[1]) * (1024 if match[3] else 1000) ** power)


def duration(text: str) -> int:
    """Milliseconds of `15d`, `200ms`, `90` (seconds). Raises SettingsError."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise SettingsError(f"{text!r} is no duration; write 15d, 12h, 90s or 200ms")
    return int(float(match[1]) * _UNIT_MS[match[2]])


def address(text: str) -> tuple[str, int]:
    """(host, port) of `HOST:PORT`, `[::1]:8080` or `:8080` (all addresses). Raises SettingsError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"{text!r} is no address; write 127.0.0.1:8080 or [::1]:8080")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - an empty host means every address


LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_loopback(listen: str) -> bool:
    """Whether only this machine reaches that address. Raises SettingsError."""
    return address(listen)[0] in LOOPBACK


def network(text: str) -> None:
    """Checks `10.0.0.0/8`. Raises SettingsError."""
    try:
        ip_network(text, strict=False)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no network; write 10.0.0.0/8 or 192.168.1.7") from error


def url_path(text: str) -> None:
    """Checks the path of a URL. Raises SettingsError."""
    if not text.startswith("/") or "?" in text:
        raise SettingsError(f"{text!r} must be a path that starts with /")


def pause(text: str) -> int:
    """Milliseconds of a duration that is longer than none. Raises SettingsError."""
    found = duration(text)
    if found <= 0:
        raise SettingsError(f"{text!r} must be more than 0, e.g. 30s")
    return found
