"""Erasing from the store, and the marks of what was erased.

Values never stand in a statement that changes something: the store keeps the text of its last hundred mutations.
Rows are named by a salted hash, rejects by their receipts.

What stays, and why: the ledger goes on counting what was stored once, since `received` does too; `daily` rows of
expired days hold counts and states of hashes, from which no event and no name can be taken out; a reject stays as a
row without id and bytes, with the reason `erased`, so that the ledger's count of rejects has its rows.
"""

import base64
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from eventmill.erasure import FIELDS, REASON, Mark, Marks, digest, plain
from eventmill.store.base import Store, StoreError

_SALT = "erase-salt"
_NAME = "erase:"
_PAGE = 2_000
_RECEIPT = ("receipt_high", "receipt_low", "receipt_index")
_UNTIL = "received <= fromUnixTimestamp64Milli({until:Int64})"
_PUT = "INSERT INTO meta SELECT {name:String}, {value:String}, now64(3, 'UTC')"
_WAIT = "SETTINGS mutations_sync = 1"


def salt(store: Store) -> str:
    """The store's own, made when first needed."""
    rows = store.query("SELECT value FROM meta FINAL WHERE name = {name:String}", {"name": _SALT})
    if rows:
        return str(rows[0][0])
    made = secrets.token_hex(16)
    store.command(_PUT, {"name": _SALT, "value": made})
    return made


def marks(store: Store) -> dict[str, Mark]:
    """What was erased and may come back from the queue, by the erasure's name."""
    rows = store.query("SELECT name, value FROM meta FINAL WHERE startsWith(name, {name:String})", {"name": _NAME})
    return {str(name).removeprefix(_NAME): msgspec.json.decode(value, type=Mark) for name, value in rows}


def put(store: Store, name: str, mark: Mark) -> None:
    """Durable on return."""
    store.command(_PUT, {"name": _NAME + name, "value": msgspec.json.encode(mark).decode()})


def drop(store: Store, name: str) -> None:
    """The mark is needed no more."""
    store.command(f"ALTER TABLE meta DELETE WHERE name = {{name:String}} {_WAIT}", {"name": _NAME + name})


def count_events(store: Store, mark: Mark, value: str | None = None) -> int:
    """How many stored events the mark names. `value` makes it quick where it is known."""
    where, params = _where(store, mark, value)
    return int(store.query(f"SELECT count() FROM events WHERE {where}", params)[0][0])  # noqa: S608 - own conditions


def erase_events(store: Store, mark: Mark, value: str | None = None) -> None:
    """Complete on return: no query sees the rows; their old parts leave the disk some minutes later."""
    where, params = _where(store, mark, value)
    store.command(f"ALTER TABLE events DELETE WHERE {where} {_WAIT}", params)


def progress(store: Store) -> float:
    """How much of the mutation under way is done, 0 to 1."""
    rows = store.query(
        "SELECT sum(parts_to_do), (SELECT count() FROM system.parts WHERE active AND table = 'events' "
        "AND database = currentDatabase()) FROM system.mutations "
        "WHERE table = 'events' AND NOT is_done AND database = currentDatabase()"
    )
    left, parts = (int(number or 0) for number in rows[0])
    return 1.0 - min(1.0, left / parts) if parts else 1.0


def find_rejects(store: Store, mark: Mark, value: str | None = None) -> list[tuple[int, int, int]]:
    """Receipts of the rejects whose id, or whose bytes in that field, are named by the mark."""
    wanted = Marks(salt(store), [mark])
    found = []
    for row in _candidates(store, mark, value):
        *receipt, identity, encoded = row
        text = base64.b64decode(encoded).decode("utf-8", "replace")
        until = mark.until  # the store was asked for no later ones
        if wanted.names("id", identity, until) or wanted.in_text(text, until):
            found.append((int(receipt[0]), int(receipt[1]), int(receipt[2])))
    return found


def erase_rejects(store: Store, receipts: list[tuple[int, int, int]]) -> None:
    """Takes id, detail and bytes out of these rejects. Complete on return."""
    for at in range(0, len(receipts), _PAGE):
        listed = ",".join(f"({high},{low},{index})" for high, low, index in receipts[at : at + _PAGE])
        store.command(
            f"ALTER TABLE rejects UPDATE id = '', bytes = '', detail = '', reason = '{REASON}' "
            f"WHERE ({', '.join(_RECEIPT)}) IN ({listed}) {_WAIT}"
        )


def _where(store: Store, mark: Mark, value: str | None) -> tuple[str, Mapping[str, Any]]:
    if mark.field not in FIELDS:
        raise StoreError(f"erasure by {mark.field!r} is not known to this eventmill: install the newer one again")
    column = mark.field
    params: dict[str, Any] = {"salt": salt(store), "digest": mark.digest, "until": mark.until}
    where = f"hex(SHA256(concat({{salt:String}}, {column}))) = {{digest:String}} AND {_UNTIL}"
    if value is not None:
        if digest(params["salt"], value) != mark.digest:
            raise StoreError("the value is not the one of the mark")
        params["quick"] = int(store.query("SELECT cityHash64({value:String})", {"value": value})[0][0])
        quick = "user_hash" if column == "user" else f"cityHash64({column})"
        where = f"{quick} = {{quick:UInt64}} AND {where}"
    return f"{column} != '' AND {where}", params


def _candidates(store: Store, mark: Mark, value: str | None) -> Iterator[Any]:
    columns = f"{', '.join(_RECEIPT)}, id, base64Encode(bytes)"
    where, params = f"{_UNTIL} AND reason != '{REASON}'", dict[str, Any](until=mark.until)
    if value is not None and plain(value):
        where += " AND (id = {value:String} OR position(bytes, {value:String}) > 0"
        where += " OR position(bytes, '\\\\') > 0 OR position(bytes, '%') > 0)"
        params["value"] = value
    last = (0, 0, 0)
    while True:
        params |= {"high": last[0], "low": last[1], "index": last[2], "page": _PAGE}
        rows = store.query(
            f"SELECT {columns} FROM rejects WHERE {where} "  # noqa: S608 - own conditions
            f"AND ({', '.join(_RECEIPT)}) > ({{high:UInt64}}, {{low:UInt64}}, {{index:UInt32}}) "
            f"ORDER BY {', '.join(_RECEIPT)} LIMIT 1 BY {', '.join(_RECEIPT)} LIMIT {{page:UInt32}}",
            params,
        )
        yield from rows
        if len(rows) < _PAGE:
            return
        last = (int(rows[-1][0]), int(rows[-1][1]), int(rows[-1][2]))
