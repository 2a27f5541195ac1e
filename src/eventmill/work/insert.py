"""Writes a batch down: events, rejects, ledger, in this order, each durable before the next."""

from collections.abc import Callable

import polars as pl

from eventmill.queue.base import Delivery
from eventmill.store.base import Store, StoreError, StoreUnavailable
from eventmill.work.batch import RECEIPT, Batch
from eventmill.work.dedup import Dedup
from eventmill.work.lost import lost_events, lost_rejects

_UTC_MS = pl.Datetime("ms", "UTC")
EVENT_COLUMNS = (
    "site", "topic", "category", "action", "label", "value", "time", "received", "id", "id_hash", "content", *RECEIPT,
    "user", "session", "url", "url_host", "referrer", "referrer_host", "utm_source", "utm_medium", "utm_campaign",
    "source", "channel", "user_agent", "browser", "os", "device", "bot", "ip", "country", "language", "screen",
    "duration_ms", "bytes", "props",
)  # fmt: skip
_OPTIONAL = (
    "action", "label", "value", "id", "session", "url", "referrer", "utm_source", "utm_medium", "utm_campaign",
    "source", "country", "language", "screen", "duration_ms", "bytes", "props",
)  # fmt: skip
_FEW = (
    "site", "category", "action", "url_host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "source",
    "channel", "user_agent", "browser", "os", "device", "ip", "country", "language", "screen", "stream",
)  # fmt: skip
"""Columns of few distinct values: sent as dictionaries, since the store would make them itself at a higher price."""
_COUNTS = ("stored", "duplicate", "rejected")


class Insert:
    """The step. `at` is told each point reached: `events`, `rejects`, `ledger` (a crash test stops there)."""

    name = "insert"

    def __init__(self, store: Store, stream: str, dedup: Dedup, at: Callable[[str], None]) -> None:
        self._store, self._stream, self._dedup, self._at = store, stream, dedup, at

    def __call__(self, batch: Batch, delivery: Delivery, number: int) -> pl.DataFrame:
        """Inserts the batch under this number; returns the event rows inserted. Raises StoreError."""
        events = self._events(batch.frame, number)
        refused = self._insert_events(events) if events.height else []
        if refused:
            events = self._refuse(batch, events, refused)
        self._at("events")
        if batch.rejected or delivery.lost:
            rows = self._dedup.rejects(pl.concat([*batch.rejected, *map(lost_rejects, delivery.lost)]))
            if rows.height:
                self._store.insert("rejects", self._rejects(rows, number))
        self._at("rejects")
        ledger = self._ledger(batch, delivery, number)
        if ledger.height:
            self._store.insert("ledger", ledger)
        self._at("ledger")
        return events

    def _insert_events(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        """Inserts the rows; those that the store itself refuses are found by halves and returned."""
        try:
            self._write_events(rows)
        except StoreUnavailable:
            raise
        except StoreError:
            if rows.height == 1:
                return [rows]
            half = rows.height // 2
            return self._insert_events(rows[:half]) + self._insert_events(rows[half:])
        return []

    def _refuse(self, batch: Batch, events: pl.DataFrame, refused: list[pl.DataFrame]) -> pl.DataFrame:
        wanted = pl.concat(refused).select(RECEIPT)
        batch.reject_matching(wanted, "store_refused")
        return events.join(wanted, on=RECEIPT, how="anti", maintain_order="left")

    def _events(self, frame: pl.DataFrame, number: int) -> pl.DataFrame:
        return frame.with_columns(
            pl.col("of_topic").alias("topic"),
            pl.col("at").cast(_UTC_MS).alias("time"),
            pl.col("received").cast(_UTC_MS),
        ).select(*EVENT_COLUMNS, *self._tags(number))

    def _write_events(self, rows: pl.DataFrame) -> None:
        """Leaves out columns that hold nothing: the store fills in the same, for less."""
        kept = rows.drop(name for name in _OPTIONAL if _is_empty(rows[name]))
        few = pl.Categorical(pl.Categories.random())  # of its own: what all share would only ever grow
        self._store.insert("events", kept.with_columns(pl.col(name).cast(few) for name in _FEW if name in kept.columns))

    def _rejects(self, rows: pl.DataFrame, number: int) -> pl.DataFrame:
        return rows.with_columns(
            pl.col("of_topic").alias("topic"),
            pl.col("received").cast(_UTC_MS),
        ).select("topic", "reason", "detail", "received", "id", *RECEIPT, "bytes", *self._tags(number))

    def _tags(self, number: int) -> tuple[pl.Expr, pl.Expr]:
        return pl.lit(self._stream).alias("stream"), pl.lit(number, dtype=pl.UInt64).alias("batch")

    def _ledger(self, batch: Batch, delivery: Delivery, number: int) -> pl.DataFrame:
        """Counts by shard, topic and minute of receipt, under the first receipt that the shard delivered."""
        place = ("shard", "first_high", "first_low", "of_topic", "minute")
        outcomes = [
            ("stored", [batch.frame, *batch.redelivered]),
            ("duplicate", batch.duplicate),
            ("rejected", [*batch.rejected, *batch.rejected_again, *map(lost_events, delivery.lost)]),
        ]
        counted = [
            frame.group_by(place)
            .len("count")
            .with_columns(pl.col("shard", "of_topic").cast(pl.String), pl.lit(outcome).alias("outcome"))
            for outcome, frames in outcomes
            for frame in frames
        ]
        if not counted:
            return pl.DataFrame()
        return (
            pl.concat(counted)
            .group_by(place)
            .agg(pl.col("count").filter(outcome=outcome).sum().cast(pl.UInt64).alias(outcome) for outcome in _COUNTS)
            .with_columns(pl.col("minute").cast(pl.UInt32), pl.col("of_topic").alias("topic"), *self._tags(number))
            .select("stream", "shard", "first_high", "first_low", "topic", "minute", *_COUNTS, "batch")
        )


def _is_empty(column: pl.Series) -> bool:
    if column.dtype == pl.String:
        return not column.str.len_bytes().max()
    return column.null_count() == column.len()
