"""The settings database: connections, transactions, the revision, and errors that name the mend."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from eventmill.clock import Clock, system_clock
from eventmill.registry import tables
from eventmill.registry.base import Exists, RegistryError

WRITING = "eventmill_writing"
"""Execution option of connections that will write: SQLite then takes its lock at the start of the transaction."""
_REVISION = tables.meta.c.name == "revision"


class Database:
    """Gives out transactions. Thread-safe; every process on one database sees what is committed.

    A change is durable when `change` returns. All methods raise RegistryError where the database fails.
    """

    def __init__(self, engine: sa.Engine, clock: Clock = system_clock) -> None:
        self._engine = engine
        self.clock = clock
        self._after: list[Callable[[], None]] = []

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state."""
        with self._named(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def changing(self) -> Iterator[sa.Connection]:
        """A transaction that is committed at the end of the block, and counts the revision up.

        Raises Exists where a name, or another unique column, is taken.
        """
        with self.preparing() as connection:
            # First, not last: the row's lock makes changes of other processes wait for this one.
            connection.execute(sa.update(tables.meta).where(_REVISION).values(value=tables.meta.c.value + 1))
            yield connection
        for call in self._after:
            call()

    @contextmanager
    def preparing(self) -> Iterator[sa.Connection]:
        """The same without a revision to count: for the schema itself."""
        options = {WRITING: True}
        with self._named(), self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def revision(self) -> int:
        """Another number after each change, whichever process made it."""
        with self.reading() as connection:
            found = connection.scalar(sa.select(tables.meta.c.value).where(_REVISION))
        return int(found or 0)

    def after_change(self, call: Callable[[], None]) -> None:
        """Calls after each change that is made through this object, in the thread that made it."""
        self._after.append(call)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of the driver as ours: its own texts hold statements and values, which nobody is to see."""
        try:
            yield
        except sa.exc.IntegrityError as error:
            raise Exists("there is one already") from error
        except (sa.exc.SQLAlchemyError, OSError) as error:
            where = self._engine.url.render_as_string(hide_password=True)
            cause = getattr(error, "orig", None) or error
            raise RegistryError(f"settings_db {where}: {str(cause).splitlines()[0]}") from error
