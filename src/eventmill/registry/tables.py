"""The tables of the settings database. A change of them is a new `SCHEMA` with a step in `schema.py`."""

import sqlalchemy as sa

SCHEMA = 1
"""The version of what follows. A database of a newer one is refused."""

metadata = sa.MetaData()
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers only INTEGER keys by itself


def _table(name: str, *columns: sa.Column[object]) -> sa.Table:
    # An id is never given twice: what was removed must not come back as something else.
    return sa.Table(name, metadata, *columns, sqlite_autoincrement=any(c.name == "id" for c in columns))


def _id() -> sa.Column[object]:
    return sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True)


def _text(name: str, *, key: bool = False, unique: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text, primary_key=key, unique=unique, nullable=False)


meta = _table("meta", _text("name", key=True), sa.Column("value", sa.BigInteger, nullable=False))
"""`schema`, and `revision`, which every change counts up: who keeps rows in memory sees by it that they are old."""

keys = _table(
    "keys", _id(), _text("name", unique=True), _text("scope"), _text("site"), _text("prefix"), _text("created"),
    _text("hash", unique=True),
)  # fmt: skip
domains = _table("domains", _text("host", key=True), _text("created"))
sites = _table("sites", _text("name", key=True), _text("domains"), _text("created"))
shares = _table(
    "shares", _id(), _text("name", unique=True), _text("site"), _text("view"), _text("prefix"), _text("created"),
    _text("hash", unique=True),
)  # fmt: skip
sessions = _table(
    "sessions", _text("hash", key=True), _text("created"), sa.Column("expires_ms", sa.BigInteger, nullable=False)
)
secrets = _table("secrets", _text("name", key=True), _text("value"))
goals = _table("goals", _id(), _text("name", unique=True), _text("site"), _text("filters"), _text("created"))
alerts = _table(
    "alerts", _id(), _text("name", unique=True), _text("spec"), _text("url"), _text("state"), _text("created")
)
