"""Takes out events that were erased while they waited: received before somebody was to be forgotten."""

from collections.abc import Callable

import polars as pl

from eventmill.erasure import REASON, Marks
from eventmill.work.batch import PLACE, Batch

_NOBODY = Marks("", [])


class Erase:
    """The step, before all others: nothing of such an event may reach the store, its bytes in a reject neither.

    It is refused with the reason `erased`, without id and bytes: a counted outcome, so that the ledger balances.
    The marks may be replaced while running.
    """

    name = "erase"

    def __init__(self) -> None:
        self.marks = _NOBODY

    def __call__(self, batch: Batch) -> Batch:
        marks, frame = self.marks, batch.frame
        oldest = frame["received"].min() if frame.height else None
        if not isinstance(oldest, int) or oldest > marks.until:
            return batch
        gone = pl.Series("gone", [False] * frame.height)
        for field in marks.fields:
            gone |= _named(marks, field, frame)
        raws = frame["_raw"].is_not_null() & (frame["_raw"] != "")
        if raws.any():
            texts = frame.select("_raw", "received").rows()
            inside = [bool(raw) and marks.in_text(raw, received) for raw, received in texts]
            gone |= pl.Series("gone", inside, dtype=pl.Boolean)
        rows = frame.filter(gone)
        if rows.height:
            batch.frame = frame.filter(~gone)
            nothing = pl.lit("")
            batch.rejected.append(
                rows.select(
                    *PLACE,
                    nothing.alias("id"),
                    pl.lit(REASON).alias("reason"),
                    nothing.alias("detail"),
                    nothing.alias("bytes"),
                )
            )
        return batch


def _named(marks: Marks, field: str, frame: pl.DataFrame) -> pl.Series:
    """Each value that occurs is looked up once for each time of receipt."""
    known: dict[tuple[str | None, int], bool] = {}
    pairs = frame.select(_VALUES[field]().alias("_value"), "received").rows()
    for pair in pairs:
        if pair not in known:
            known[pair] = marks.names(field, *pair)
    return pl.Series("gone", [known[pair] for pair in pairs], dtype=pl.Boolean)


_VALUES: dict[str, Callable[[], pl.Expr]] = {
    "user": lambda: pl.coalesce("user", "_v"),
    "session": lambda: pl.col("session"),
    "id": lambda: pl.coalesce(
        pl.when(pl.col("id") != "").then(pl.col("id")), pl.format("{}-{}", pl.col("key"), pl.col("receipt_index"))
    ),
}
