"""A delivery as columns: one row an event, in the order of the queue."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from eventmill.clock import MINUTE_MS
from eventmill.queue.base import Delivery, Entry

LINE_SCHEMA: dict[str, pl.DataType] = {
    name: pl.String()
    for name in (
        "id", "site", "topic", "time", "category", "action", "label", "value", "user", "session", "url", "referrer",
        "user_agent", "ip", "language", "screen",
    )
} | {
    "duration_ms": pl.Float64(), "bytes": pl.Int64(), "props": pl.String(),
    "_v": pl.String(), "_x": pl.String(), "_raw": pl.String(), "_n": pl.Int64(),
}  # fmt: skip
HEAD_SCHEMA: dict[str, pl.DataType] = {
    "n": pl.Int64(), "ip": pl.String(), "ua": pl.String(), "page": pl.String(), "key": pl.String(),
    "high": pl.UInt64(), "low": pl.UInt64(), "first": pl.Int64(), "at": pl.Int64(),
    "again": pl.Boolean(),
}  # fmt: skip
RECEIPT = ("receipt_high", "receipt_low", "receipt_index")
PLACE = (*RECEIPT, "shard", "first_high", "first_low", "minute", "received", "of_topic", "row")
"""Columns that say which event a row is, wherever it ends up, and under which first receipt the ledger counts it."""


_Numbers = NDArray[np.int64]


class Malformed(Exception):
    """A delivery's heads and lines do not fit together, or a line cannot be read."""


@dataclass(slots=True)
class Batch:
    """`frame` is what goes on to the next step; `rejected` rows have PLACE, `id`, `reason`, `detail`, `bytes`.

    `redelivered` and `rejected_again` rows (PLACE) are in the store already from an interrupted batch.
    """

    frame: pl.DataFrame
    body: bytes
    rejected: list[pl.DataFrame] = field(default_factory=list)
    duplicate: list[pl.DataFrame] = field(default_factory=list)
    copied: bool = False
    """Some say that the queue may hold them twice."""
    redelivered: list[pl.DataFrame] = field(default_factory=list)
    rejected_again: list[pl.DataFrame] = field(default_factory=list)
    _lines: list[bytes] | None = None

    def reject(self, refused: pl.Series | pl.Expr, reason: pl.Expr, detail: pl.Expr | None = None) -> None:
        """Takes the rows where `refused` holds out of the frame; `reason` is evaluated on them."""
        rows = self.frame.filter(refused)
        if rows.height == 0:
            return
        self.frame = self.frame.filter(~refused)
        self.rejected.append(
            rows.select(
                *PLACE,
                pl.col("id").fill_null(""),
                reason.alias("reason"),
                (pl.lit("") if detail is None else detail).alias("detail"),
                self._bytes(rows).alias("bytes"),
            )
        )

    def reject_rows(self, reasons: Sequence[str | None], details: Sequence[str]) -> None:
        """The same with a reason (or None) and a detail for each row of the frame."""
        refused = pl.Series("refused", [reason is not None for reason in reasons], dtype=pl.Boolean)
        if refused.any():
            with_reasons = self.frame.with_columns(
                pl.Series("_reason", reasons, dtype=pl.String), pl.Series("_detail", details, dtype=pl.String)
            )
            self.frame = with_reasons
            self.reject(refused, pl.col("_reason"), pl.col("_detail"))
            self.frame = self.frame.drop("_reason", "_detail")

    def reject_matching(self, receipts: pl.DataFrame, reason: str) -> None:
        """Rejects the rows of these receipts."""
        marked = self.frame.join(receipts.with_columns(_marked=True), on=RECEIPT, how="left", maintain_order="left")
        self.reject(marked["_marked"].fill_null(False), pl.lit(reason))

    def _bytes(self, rows: pl.DataFrame) -> pl.Series:
        """The text as sent where the door kept it, else the same event written anew."""
        if self._lines is None:
            self._lines = self.body.split(b"\n")
        texts = [
            raw if raw is not None else _as_sent(self._lines[row])
            for raw, row in rows.select("_raw", "row").iter_rows()
        ]
        return pl.Series("bytes", texts, dtype=pl.String)


_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def _as_sent(line: bytes) -> str:
    """A canonical line without the door's own fields, its props an object again: so it can be sent again."""
    fields = {name: value for name, value in _raw_fields(line).items() if not name.startswith("_")}
    if "props" in fields:
        fields["props"] = msgspec.Raw(msgspec.json.decode(fields["props"], type=str).encode())
    return _encode(fields).decode()


def decode(delivery: Delivery) -> Batch:
    """Columns of a delivery. Raises Malformed where it cannot be read as the door wrote it."""
    entries = delivery.entries
    body = b"".join(entry.body for entry in entries)
    heads_text = b"".join(entry.heads for entry in entries)
    try:
        frame = pl.read_ndjson(io.BytesIO(body), schema=LINE_SCHEMA)
        heads = pl.read_ndjson(io.BytesIO(heads_text), schema=HEAD_SCHEMA)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise Malformed(str(error)) from error
    counts = heads["n"].fill_null(1).to_numpy()
    if frame.height != int(counts.sum()) or frame.height != delivery.events:
        raise Malformed(f"{frame.height} lines, {int(counts.sum())} in the heads, {delivery.events} in the entries")
    place = _place(delivery, heads, counts)
    shared = heads.select("ip", "ua", "page", "key")[place.pop("head")]
    frame = frame.rename({"topic": "named_topic", "ip": "own_ip"})
    copied = bool(heads["again"].any())
    return Batch(pl.concat([frame, shared, pl.DataFrame(place)], how="horizontal"), body, copied=copied)


def _place(delivery: Delivery, heads: pl.DataFrame, counts: _Numbers) -> dict[str, pl.Series]:
    """For each row: its request (`head`) and the columns of PLACE."""
    entries = delivery.entries
    heads_per_entry = np.array([entry.heads.count(b"\n") for entry in entries], dtype=np.int64)
    if int(heads_per_entry.sum()) != len(counts):
        raise Malformed("heads of a delivery are cut")
    entry_of_head = np.repeat(np.arange(len(entries)), heads_per_entry)
    first_head = np.cumsum(heads_per_entry) - heads_per_entry
    request = (np.arange(len(counts)) - np.repeat(first_head, heads_per_entry)).astype(np.uint64)
    high = np.array([e.receipt_high for e in entries], dtype=np.uint64)[entry_of_head]
    low = np.array([e.receipt_low for e in entries], dtype=np.uint64)[entry_of_head] + request
    received = np.array([e.received for e in entries], dtype=np.int64)[entry_of_head]
    index = np.zeros(len(counts), dtype=np.int64)
    told = heads["high"].is_not_null().to_numpy()
    if told.any():  # these say it themselves
        said = heads.select("high", "low", "at", "first").fill_null(0)
        high, low = np.where(told, said["high"].to_numpy(), high), np.where(told, said["low"].to_numpy(), low)
        received, index = np.where(told, said["at"].to_numpy(), received), said["first"].to_numpy()
    head = np.repeat(np.arange(len(counts)), counts)
    first_row = np.cumsum(counts) - counts
    entry = entry_of_head[head]
    rows = np.arange(len(head))
    firsts = np.array(_firsts(delivery), dtype=np.uint64).reshape(-1, 2)[entry]
    return {
        "head": pl.Series("head", head),
        "receipt_high": pl.Series("receipt_high", high[head]),
        "receipt_low": pl.Series("receipt_low", low[head]),
        "receipt_index": pl.Series("receipt_index", (rows - first_row[head] + index[head]).astype(np.uint32)),
        "shard": _by_entry("shard", entries, entry, lambda e: e.shard),
        "first_high": pl.Series("first_high", firsts[:, 0]),
        "first_low": pl.Series("first_low", firsts[:, 1]),
        "of_topic": _by_entry("of_topic", entries, entry, lambda e: e.topic),
        "received": pl.Series("received", received[head]),
        "minute": pl.Series("minute", received[head] // MINUTE_MS),
        "row": pl.Series("row", rows),
    }


def _firsts(delivery: Delivery) -> list[tuple[int, int]]:
    """For each entry the first receipt that its shard delivered here: the ledger's key."""
    receipts = [(entry.receipt_high, entry.receipt_low) for entry in delivery.entries]
    if delivery.by_entry:
        return receipts
    firsts: dict[str, tuple[int, int]] = {}
    return [firsts.setdefault(entry.shard, own) for entry, own in zip(delivery.entries, receipts, strict=True)]


def _by_entry(name: str, entries: Sequence[Entry], entry: _Numbers, of: Callable[[Entry], str]) -> pl.Series:
    return pl.Series(name, [of(e) for e in entries], dtype=pl.Categorical)[entry]
