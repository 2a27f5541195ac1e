"""What the queue lost to damage, as rejects: said loudly, counted, and the ledger still balances."""

import numpy as np
import polars as pl

from eventmill.clock import MINUTE_MS
from eventmill.queue.base import Lost

REASON = "lost_in_queue"


def lost_rejects(lost: Lost) -> pl.DataFrame:
    """One reject row for each topic and minute of a lost range; there are no bytes left to keep."""
    rows = len(lost.counts)
    place = f"{lost.shard} {lost.first_seq}-{lost.last_seq}"
    detail = [f"{place}: {n or 'an unknown number of'} events, {lost.reason}" for _, _, n in lost.counts]
    return _places(lost, np.arange(rows)).with_columns(
        pl.lit("").alias("id"),
        pl.lit(REASON).alias("reason"),
        pl.Series("detail", detail, dtype=pl.String),
        pl.lit("").alias("bytes"),
    )


def lost_events(lost: Lost) -> pl.DataFrame:
    """One row for each lost event, for the ledger."""
    return _places(lost, np.repeat(np.arange(len(lost.counts)), [n for _, _, n in lost.counts]))


def _places(lost: Lost, which: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pl.DataFrame:
    minutes = np.array([minute for _, minute, _ in lost.counts], dtype=np.int64)
    topics = pl.Series("of_topic", [topic for topic, _, _ in lost.counts], dtype=pl.String)
    return pl.DataFrame(
        {
            "receipt_high": pl.Series(np.zeros(len(which), dtype=np.uint64)),
            "receipt_low": pl.Series(np.full(len(which), lost.first_seq, dtype=np.uint64)),
            "receipt_index": pl.Series(which.astype(np.uint32)),
            "shard": pl.Series([lost.shard] * len(which), dtype=pl.Categorical),
            "first_high": pl.Series(np.zeros(len(which), dtype=np.uint64)),
            "first_low": pl.Series(np.full(len(which), lost.first_seq, dtype=np.uint64)),
            "minute": pl.Series(minutes[which]),
            "received": pl.Series(minutes[which] * MINUTE_MS),
            "of_topic": topics[which].cast(pl.Categorical),
            "row": pl.Series(which, dtype=pl.Int64),
        }
    )
