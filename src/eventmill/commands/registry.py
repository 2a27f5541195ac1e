"""The settings database, for the length of a command. It needs no running server, and one that runs sees changes.

The commands import what they do with it when they run: SQLAlchemy takes longer to load than all others together.
"""

from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING

from eventmill.settings import Settings

if TYPE_CHECKING:
    from eventmill.registry.database import Database


def opened(settings: Settings) -> "AbstractContextManager[Database]":
    """The database, closed at the end of the block. Raises RegistryError."""
    from eventmill.app import open_registry

    return closing(open_registry(settings))
