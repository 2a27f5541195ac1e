"""Which client ids were stored before: a filter for "surely new", the recent ones exactly, the rest asked of the store.

The filter is saved beside the store with the number of the last batch in it; what was stored after that is
added at the start, and all of it is rebuilt where the files are missing. An id is added only after its insert.
"""

import json
import os
from collections.abc import Sequence
from operator import index
from pathlib import Path

import polars as pl
from rbloom import Bloom

from eventmill.store.base import Store
from eventmill.work.batch import RECEIPT

KNOWN = ("id_hash", "content", *RECEIPT)
_SCHEMA = {
    "id_hash": pl.UInt64, "content": pl.UInt64,
    "receipt_high": pl.UInt64, "receipt_low": pl.UInt64, "receipt_index": pl.UInt32,
}  # fmt: skip
_SEGMENTS = ((100_000, 1e-7), (1_000_000, 1e-6), (10_000_000, 1e-5))
"""Ids and error rate of each filter, the last one again and again. What is wrongly held for known is asked of the
store, which costs more than the bits of the small ones, and every filter is asked about every id."""
_RECENT_ROWS = 500_000
_ASK = 10_000
_SLICE = 1_000_000


class Seen:
    """Memory of ids for one stream of batches."""

    def __init__(self, store: Store, stream: str, folder: Path) -> None:
        self._store, self._stream, self._folder = store, stream, folder
        self._filters: list[Bloom] = []
        self._room = 0
        self._whole = 0  # how many filters take no more ids and are on disk as they are here
        self._recent: list[pl.DataFrame] = []
        self._changed = False

    def open(self, committed: int) -> None:
        """Loads the filter and adds what was stored since it was saved. Raises StoreError."""
        saved = self._load()
        self._recent.clear()
        where = "stream = {stream:String} AND id_hash != 0"
        params: dict[str, object] = {"stream": self._stream}
        if saved is not None:
            where, params["saved"] = f"{where} AND batch > {{saved:UInt64}}", saved
        count = self._store.query(f"SELECT count() FROM events WHERE {where}", params)[0][0]  # noqa: S608
        # In slices of the hashes, so that a store of any size is read in bounded memory.
        slices = -(-count // _SLICE)
        width = -(-(1 << 64) // max(1, slices))
        for low in range(0, (1 << 64) if count else 0, width):
            bounds = {"low": low, "high": min(low + width, 1 << 64) - 1}
            rows = self._store.frame(
                f"SELECT id_hash FROM events WHERE {where} "  # noqa: S608
                "AND id_hash BETWEEN {low:UInt64} AND {high:UInt64}",
                {**params, **bounds},
            )
            self._add_hashes(rows["id_hash"].to_list() if rows.height else [])
        if count:
            self.save(committed)

    def add(self, rows: pl.DataFrame) -> None:
        """Remembers rows (the columns of KNOWN) that are in the store."""
        if rows.height:
            self._add_hashes(rows["id_hash"].to_list())
            self._recent.append(rows.select(KNOWN))
            while sum(frame.height for frame in self._recent) > _RECENT_ROWS and len(self._recent) > 1:
                self._recent.pop(0)
            if len(self._recent) > 64:
                self._recent = [pl.concat(self._recent)]

    def find(self, hashes: Sequence[int]) -> pl.DataFrame:
        """The stored rows (KNOWN) of those hashes that were stored before."""
        maybe: set[int] = set()
        for seen in self._filters:
            maybe.update(filter(seen.__contains__, hashes))
        if not maybe:
            return pl.DataFrame(schema=_SCHEMA)
        wanted = pl.DataFrame({"id_hash": pl.Series(sorted(maybe), dtype=pl.UInt64)})
        found = [frame.join(wanted, on="id_hash", how="semi") for frame in self._recent]
        recent = pl.concat(found) if found else pl.DataFrame(schema=_SCHEMA)
        left = wanted.join(recent, on="id_hash", how="anti")["id_hash"].to_list()
        asked = [self._ask(left[at : at + _ASK]) for at in range(0, len(left), _ASK)]
        return pl.concat([recent, *asked]).unique("id_hash", keep="first", maintain_order=True)

    def save(self, batch: int) -> None:
        """Writes the filter down as holding every batch up to this one; a crash keeps the old or the new."""
        if not self._changed:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for place in range(self._whole, len(self._filters)):
            path = self._folder / f"{place:04d}.bloom"
            self._filters[place].save(str(path.with_suffix(".new")))
            _sync(path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
        meta = {"batch": batch, "segments": len(self._filters), "room": self._room}
        new = self._folder / "meta.new"
        new.write_text(json.dumps(meta), encoding="utf-8")
        _sync(new)
        new.replace(self._folder / "meta.json")
        self._whole = len(self._filters) - 1
        self._changed = False

    def _load(self) -> int | None:
        """The last batch that the loaded filter holds; None where there is no filter."""
        self._filters, self._room, self._whole = [], 0, 0
        path = self._folder / "meta.json"
        try:
            meta = json.loads(path.read_text(encoding="utf-8"))
            loaded = [Bloom.load(str(self._folder / f"{place:04d}.bloom"), index) for place in range(meta["segments"])]
        except (OSError, ValueError, KeyError):
            # What is built anew has other ids in each file: a crash amid its first save must not mix the two.
            if path.exists():
                path.unlink()
                _sync(self._folder)
            return None
        self._filters, self._room, self._whole = loaded, int(meta["room"]), len(loaded) - 1
        return int(meta["batch"])

    def _add_hashes(self, hashes: list[int]) -> None:
        while hashes:
            if self._room <= 0:
                capacity, error_rate = _SEGMENTS[min(len(self._filters), len(_SEGMENTS) - 1)]
                self._filters.append(Bloom(capacity, error_rate, index))
                self._room = capacity
            part, hashes = hashes[: self._room], hashes[self._room :]
            self._filters[-1].update(part)
            self._room -= len(part)
            self._changed = True

    def _ask(self, hashes: list[int]) -> pl.DataFrame:
        listed = ",".join(map(str, hashes))
        frame = self._store.frame(
            f"SELECT {', '.join(KNOWN)} FROM events WHERE id_hash IN ({listed})"  # noqa: S608 - numbers only
        )
        return frame.cast(_SCHEMA) if frame.height else pl.DataFrame(schema=_SCHEMA)  # type: ignore[arg-type]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
