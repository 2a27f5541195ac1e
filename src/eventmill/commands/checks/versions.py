"""The versions of what eventmill stands on."""

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from eventmill import __version__
from eventmill.commands.checks.finding import Finding, bad, ok
from eventmill.settings import Settings

_NEEDED = ("chdb", "clickhouse-connect", "polars", "httptools", "uvloop", "msgspec")
_SQLITE_FIXED = (3, 51, 3)


def check(_settings: Settings) -> Iterator[Finding]:
    """Reads the installed packages' records: loading the store's library would take a second and 260 MB."""
    yield ok("eventmill", f"{__version__} on Python {platform.python_version()}, {platform.platform()}")
    yield _sqlite()
    found, missing = [], []
    for name in _NEEDED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield bad("packages", f"missing: {', '.join(missing)}", f"{sys.executable} -m pip install eventmill")
    yield ok("packages", ", ".join(found))
    if sys.platform != "linux":
        yield bad("system", sys.platform, "eventmill runs on Linux (SO_REUSEPORT, flock, memfd)")


def _sqlite() -> Finding:
    try:
        import apsw
    except ImportError as error:
        return bad("sqlite", str(error), f"{sys.executable} -m pip install --force-reinstall apsw")
    text = apsw.sqlite_lib_version()
    if tuple(int(part) for part in text.split(".")[:3]) < _SQLITE_FIXED:
        return bad("sqlite", f"{text} can damage a log that is reset while it is written", "pip install -U apsw")
    return ok("sqlite", f"{text} (in apsw)")
