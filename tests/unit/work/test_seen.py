"""The memory of ids over saves, restarts and damage: an id that was added is never taken for new."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.work.seen import KNOWN, Filter, Seen

SMALL = patch("eventmill.work.seen._SEGMENTS", (10, 20, 40))
"""So that a few ids fill several filters."""


class Ids:
    """A store of ids and the batches that they came in."""

    def __init__(self) -> None:
        self.batch_of: dict[int, int] = {}

    def _since(self, params: Mapping[str, object]) -> list[int]:
        after = params.get("saved", -1)
        low, high = params.get("low", 0), params.get("high", 1 << 64)
        return sorted(h for h, batch in self.batch_of.items() if batch > after and low <= h <= high)  # type: ignore[operator]

    def query(self, _sql: str, params: Mapping[str, object]) -> Sequence[Sequence[int]]:
        return [[len(self._since(params))]]

    def frame(self, sql: str, params: Mapping[str, object] | None = None) -> pl.DataFrame:
        if params is not None:
            return rows(self._since(params)).select("id_hash")
        asked = map(int, sql.partition(" IN (")[2].rstrip(")").split(","))
        return rows([h for h in asked if h in self.batch_of])


def rows(hashes: Sequence[int]) -> pl.DataFrame:
    frame = pl.DataFrame({"id_hash": pl.Series(hashes, dtype=pl.UInt64)})
    return frame.with_columns(pl.lit(0, dtype=pl.UInt64).alias(name) for name in KNOWN[1:])


def hashes_of(count: int, seed: int) -> list[int]:
    dice = Random(seed)
    return [dice.getrandbits(64) for _ in range(count)]


STEPS = st.lists(
    st.integers(1, 25) | st.sampled_from(["save", "restart", "lose one file", "tear one file"]), max_size=14
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_what_was_added_is_found_again(steps: list[int | str]) -> None:
    with SMALL, TemporaryDirectory() as folder:
        store, seen, batch = Ids(), None, 0
        for number, step in enumerate([*steps, "restart"], 1):
            if seen is None:
                seen = Seen(store, "g", Path(folder))
                seen.open(batch)
            if isinstance(step, int):
                batch += 1
                added = hashes_of(step, number)
                store.batch_of |= dict.fromkeys(added, batch)
                seen.add(rows(added))
            elif step == "save":
                seen.save(batch)
            else:
                files = sorted(Path(folder).iterdir())
                if step != "restart" and files:
                    damaged = files[number % len(files)]
                    damaged.unlink() if step.startswith("lose") else damaged.write_bytes(b"torn")
                seen = None
        seen = Seen(store, "g", Path(folder))
        seen.open(batch)
        everything = list(store.batch_of)
        assert sorted(seen.find(pl.Series(everything, dtype=pl.UInt64))["id_hash"]) == sorted(everything)


@pytest.mark.parametrize("dies_at", range(8))
def test_a_crash_while_saving_anew_forgets_nothing(tmp_path: Path, dies_at: int) -> None:
    with SMALL:
        store = Ids()
        seen = Seen(store, "g", tmp_path)
        seen.open(0)
        for batch in range(1, 5):
            added = hashes_of(12, batch)
            store.batch_of |= dict.fromkeys(added, batch)
            seen.add(rows(added))
            if batch == 2:
                seen.save(batch)
        min(tmp_path.iterdir()).write_bytes(b"torn")
        count, replace = itertools.count(), Path.replace

        def dying(path: Path, target: Path) -> Path:
            if next(count) == dies_at:
                raise OSError
            return replace(path, target)

        with patch.object(Path, "replace", dying):
            again = Seen(store, "g", tmp_path)
            try:
                again.open(4)
                again.save(4)
            except OSError:
                pass
        last = Seen(store, "g", tmp_path)
        last.open(4)
        assert sorted(last.find(pl.Series(list(store.batch_of), dtype=pl.UInt64))["id_hash"]) == sorted(store.batch_of)


@pytest.mark.parametrize("capacity", [100_000, 1_000_000])
def test_a_full_filter_holds_all_and_is_seldom_wrong(capacity: int) -> None:
    dice = np.random.default_rng(capacity)
    added, others = dice.integers(0, 1 << 64, (2, capacity), dtype=np.uint64)
    full = Filter(capacity)
    for part in np.array_split(added, 10):
        full.add(part)
    assert full.find(added).size == capacity
    assert full.find(others).size <= capacity * 1e-5


@pytest.mark.parametrize("part", [1, 7, 100])
def test_a_filter_of_neighbouring_hashes_is_as_seldom_wrong(part: int) -> None:
    """What is built anew from the store comes in ranges of hashes: a filter then holds a hundredth of them all."""
    dice = np.random.default_rng(part)
    width = (1 << 64) // 100
    low = (part - 1) * width

    def some(count: int) -> np.ndarray:
        return dice.integers(low, low + width - 1, count, dtype=np.uint64)

    held = Filter(100_000)
    added = some(100_000)
    held.add(added)
    assert held.find(added).size == added.size
    others = np.setdiff1d(some(1_000_000), added)
    assert held.find(others).size < 60


def test_files_of_an_older_format_are_built_anew(tmp_path: Path) -> None:
    store = Ids()
    store.batch_of = dict.fromkeys(hashes_of(30, 5), 1)
    with SMALL:
        seen = Seen(store, "s", tmp_path)  # type: ignore[arg-type]
        seen.open(1)
        meta = tmp_path / "meta.json"
        meta.write_text(meta.read_text().replace('"format": 2, ', ""))
        assert '"batch"' in meta.read_text()
        seen = Seen(store, "s", tmp_path)  # type: ignore[arg-type]
        seen.open(1)
        assert seen.find(pl.Series([*store.batch_of], dtype=pl.UInt64)).height == 30
        assert '"format": 2' in meta.read_text()


@pytest.mark.parametrize("cut", [0, 4, 8, -8, -1])
def test_a_file_of_another_length_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "filter"
    Filter(1000).save(path)
    path.write_bytes(path.read_bytes()[:cut] if cut else path.read_bytes() + b"more")
    with pytest.raises(ValueError, match="is cut"):
        Filter(1000).load(path)
