"""Which client ids were stored before: a filter for "surely new", the recent ones exactly, the rest asked of the store.

The filter is saved beside the store with the number of the last batch in it; what was stored after that is
added at the start, and all of it is rebuilt where the files are missing. An id is added only after its insert.
"""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eventmill.store.base import Store
from eventmill.work.batch import RECEIPT

KNOWN = ("id_hash", "content", *RECEIPT)
_SCHEMA = {
    "id_hash": pl.UInt64, "content": pl.UInt64,
    "receipt_high": pl.UInt64, "receipt_low": pl.UInt64, "receipt_index": pl.UInt32,
}  # fmt: skip
_SEGMENTS = (100_000, 1_000_000, 10_000_000)
"""Ids in each filter, the last number again and again."""
_RECENT_ROWS = 500_000
_ASK = 10_000
_SLICE = 1_000_000

_Hashes = NDArray[np.uint64]
_BITS_AN_ID = 32
_WORDS = 8
_ADDED_AT_ONCE = 5_000
"""So few that their lines stay in the processor's cache from the first word to the last."""
_SALTS = np.array(
    [
        0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xFF51AFD7ED558CCD,
    ],
    dtype=np.uint64,
)  # fmt: skip
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_NONE = np.array([], dtype=np.uint64)
_FORMAT = 2
"""Of the files; others are built anew from the store."""
_ONE, _SIX, _HALF, _TOP, _NEXT = (np.uint64(n) for n in (1, 63, 32, 58, 52))


class Filter:
    """A Bloom filter of 64-bit hashes: says of one in 300,000 that it holds it where it does not.

    A hash has one line of the cache, and two bits in each of its eight words. All hashes of a batch are taken at
    once, word by word: nearly all new ones are out after the first. A call for each id costs ten times as much.
    """

    def __init__(self, capacity: int) -> None:
        self._lines = np.uint64(capacity * _BITS_AN_ID // (_WORDS * 64) + 1)
        self._words: _Hashes = np.zeros(int(self._lines) * _WORDS, dtype=np.uint64)

    def add(self, hashes: _Hashes) -> None:
        for at in range(0, hashes.size, _ADDED_AT_ONCE):
            part = hashes[at : at + _ADDED_AT_ONCE]
            places = self._places(part)
            for word in range(_WORDS):
                np.bitwise_or.at(self._words, places + word, _bits(part, word))

    def find(self, hashes: _Hashes) -> _Hashes:
        """Those that may have been added."""
        places = self._places(hashes)
        for word in range(_WORDS):
            bits = _bits(hashes, word)
            held = self._words[places + word] & bits == bits
            hashes, places = hashes[held], places[held]
        return hashes

    def save(self, path: Path) -> None:
        self._words.tofile(path)

    def load(self, path: Path) -> None:
        """Raises OSError or ValueError where the file is not one of a filter of this capacity."""
        words = np.fromfile(path, dtype=np.uint64)
        if words.size != self._words.size or path.stat().st_size != words.nbytes:
            raise ValueError(f"{path} is cut")
        self._words = words

    def _places(self, hashes: _Hashes) -> NDArray[np.int64]:
        """Where the line of each begins. Mixed first: a filter that is built anew is filled by ranges of hashes, and
        unmixed ones of a range would all meet in a few lines."""
        places: NDArray[np.int64] = ((hashes * _SPREAD >> _HALF) * self._lines >> _HALF).astype(np.int64) * _WORDS
        return places


def _bits(hashes: _Hashes, word: int) -> _Hashes:
    mixed = hashes * _SALTS[word]
    bits: _Hashes = _ONE << (mixed >> _TOP) | _ONE << (mixed >> _NEXT & _SIX)
    return bits


class Seen:
    """Memory of ids for one stream of batches."""

    def __init__(self, store: Store, stream: str, folder: Path) -> None:
        self._store, self._stream, self._folder = store, stream, folder
        self._filters: list[Filter] = []
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
            self._add_hashes(rows["id_hash"].cast(pl.UInt64).to_numpy() if rows.height else _NONE)
        if count:
            self.save(committed)

    def add(self, rows: pl.DataFrame) -> None:
        """Remembers rows (the columns of KNOWN) that are in the store."""
        if rows.height:
            self._add_hashes(rows["id_hash"].to_numpy())
            self._recent.append(rows.select(KNOWN))
            while sum(frame.height for frame in self._recent) > _RECENT_ROWS and len(self._recent) > 1:
                self._recent.pop(0)
            if len(self._recent) > 64:
                self._recent = [pl.concat(self._recent)]

    def forget_recent(self) -> None:
        """Some rows may have been erased: what is asked next is asked of the store."""
        self._recent.clear()

    def find(self, hashes: pl.Series) -> pl.DataFrame:
        """The stored rows (KNOWN) of those hashes that were stored before."""
        sought = hashes.to_numpy()
        maybe = np.unique(np.concatenate([_NONE, *(seen.find(sought) for seen in self._filters)]))
        if not maybe.size:
            return pl.DataFrame(schema=_SCHEMA)
        wanted = pl.DataFrame({"id_hash": maybe})
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
            self._filters[place].save(path.with_suffix(".new"))
            _sync(path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
        meta = {"format": _FORMAT, "batch": batch, "segments": len(self._filters), "room": self._room}
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
            if meta["format"] != _FORMAT:
                raise ValueError(f"{path} is of another format")
            loaded = [Filter(_capacity(place)) for place in range(meta["segments"])]
            for place, segment in enumerate(loaded):
                segment.load(self._folder / f"{place:04d}.bloom")
        except (OSError, ValueError, KeyError):
            # What is built anew has other ids in each file: a crash amid its first save must not mix the two.
            if path.exists():
                path.unlink()
                _sync(self._folder)
            return None
        self._filters, self._room, self._whole = loaded, int(meta["room"]), len(loaded) - 1
        return int(meta["batch"])

    def _add_hashes(self, hashes: _Hashes) -> None:
        while hashes.size:
            if self._room <= 0:
                self._room = _capacity(len(self._filters))
                self._filters.append(Filter(self._room))
            part, hashes = hashes[: self._room], hashes[self._room :]
            self._filters[-1].add(part)
            self._room -= part.size
            self._changed = True

    def _ask(self, hashes: list[int]) -> pl.DataFrame:
        listed = ",".join(map(str, hashes))
        frame = self._store.frame(
            f"SELECT {', '.join(KNOWN)} FROM events WHERE id_hash IN ({listed})"  # noqa: S608 - numbers only
        )
        return frame.cast(_SCHEMA) if frame.height else pl.DataFrame(schema=_SCHEMA)  # type: ignore[arg-type]


def _capacity(place: int) -> int:
    return _SEGMENTS[min(place, len(_SEGMENTS) - 1)]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
