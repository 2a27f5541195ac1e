"""Counts once: takes out what is in the store already, and says whether it is a redelivery or a duplicate."""

from collections.abc import Iterable, Mapping

import msgspec
import polars as pl

from eventmill.event import Head, receipt_block
from eventmill.queue.base import Delivery, Entry, Replay
from eventmill.store.base import Store
from eventmill.work import compact
from eventmill.work.batch import PLACE, RECEIPT, Batch
from eventmill.work.identity import hashed_where, id_hashes
from eventmill.work.seen import KNOWN, Seen

_RECEIPT_SCHEMA = {"receipt_high": pl.UInt64, "receipt_low": pl.UInt64, "receipt_index": pl.UInt32}
_head = msgspec.json.Decoder(Head)
_NEW, _AGAIN, _DUPLICATE, _CONFLICT = range(4)


class Dedup:
    """The step.

    A row whose receipt is in the store is a redelivery: not inserted again, counted as before. A row whose id is
    there under another receipt is a duplicate where the content is equal, else rejected as `id_conflict`.
    """

    name = "dedup"

    def __init__(self, store: Store, stream: str, seen: Seen) -> None:
        self._store, self._stream, self._seen = store, stream, seen
        self.replaying = False
        self._interrupted: set[tuple[int, int]] = set()
        self._stored = pl.DataFrame(schema=_RECEIPT_SCHEMA)
        self._rejected = pl.DataFrame(schema=_RECEIPT_SCHEMA)

    def last_batch(self) -> int:
        """The greatest number that the store has of this stream, for queues that keep none. 0 where there is none."""
        tables = " UNION ALL ".join(
            f"SELECT max(batch) AS last FROM {table} WHERE stream = {{stream:String}}"  # noqa: S608
            for table in ("events", "rejects", "ledger")
        )
        ((last,),) = self._store.query(f"SELECT max(last) FROM ({tables})", {"stream": self._stream})  # noqa: S608
        return int(last)

    def recover(self, committed: int, replay: Replay | None) -> None:
        """Reads what an interrupted batch left in the store: the only rows that can be delivered again, unless
        the group replays; then each delivery is compared with what the store holds of its time."""
        self.replaying = replay is not None
        self._seen.open(committed)
        if replay is not None:
            compact.reopen(self._store, self._stream, replay.since_minute)
            self._store.command(
                "ALTER TABLE ledger DELETE WHERE stream = {stream:String} AND minute >= {minute:UInt32} "
                "AND batch <= {batch:UInt64} SETTINGS mutations_sync = 1",
                {"stream": self._stream, "minute": replay.since_minute, "batch": replay.batch},
            )
        params = {"stream": self._stream, "batch": committed}
        where = "WHERE stream = {stream:String} AND batch > {batch:UInt64}"
        rows = self._store.frame(f"SELECT {', '.join(KNOWN)} FROM events {where}", params)  # noqa: S608
        refused = self._store.frame(f"SELECT {', '.join(RECEIPT)} FROM rejects {where}", params)  # noqa: S608
        self._stored = rows.select(RECEIPT).cast(_RECEIPT_SCHEMA)  # type: ignore[arg-type]
        self._rejected = refused.cast(_RECEIPT_SCHEMA)  # type: ignore[arg-type]
        left = pl.concat([self._stored, self._rejected]).select("receipt_high", "receipt_low").unique()
        self._interrupted = {receipt_block(high, low) for high, low in left.iter_rows()}
        self._seen.add(rows.filter(pl.col("id_hash") != 0))
        if self._store.query(f"SELECT 1 FROM ledger {where} LIMIT 1", params):  # noqa: S608
            self._store.command(f"ALTER TABLE ledger DELETE {where} SETTINGS mutations_sync = 1", params)

    def reaches(self, entries: Iterable[Entry]) -> bool:
        """Whether these entries, delivered first after a stop, hold all that the interrupted batch left in the
        store. What they do not hold would be taken for new once they are committed."""
        if self._interrupted:
            self._interrupted -= {block for entry in entries for block in _blocks(entry)}
        return not self._interrupted

    def __call__(self, batch: Batch, delivery: Delivery) -> Batch:
        if self.replaying or delivery.suspect:
            self._compare_range(pl.concat(rows.select("received") for rows in (batch.frame, *batch.rejected)))
        if delivery.regained:
            self._uncount(delivery.regained)
        if batch.copied:
            take_out_copies(batch, *self._earlier(batch, delivery))
        self._redelivered(batch)
        self._ids(batch)
        return batch

    def rejects(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rejected rows that are not in the store yet."""
        return rows.join(self._rejected, on=RECEIPT, how="anti") if self._rejected.height else rows

    def committed(self, inserted: pl.DataFrame) -> None:
        """To be called once the batch is committed."""
        self._stored = self._stored.clear()
        self._rejected = self._rejected.clear()
        self._interrupted.clear()
        self._seen.add(inserted.select(KNOWN).filter(pl.col("id_hash") != 0))

    def _uncount(self, regained: Mapping[str, int]) -> None:
        """Takes back what the ledger says of these shards' seqs that were never committed: they are here again, and
        may be cut into other deliveries than before."""
        self._store.command(
            "ALTER TABLE ledger DELETE WHERE stream = {stream:String} AND first_high = 0 "
            "AND first_low > mapFromArrays({shards:Array(String)}, {seqs:Array(Int64)})[shard] "
            "AND shard IN {shards:Array(String)} SETTINGS mutations_sync = 1",
            {"stream": self._stream, "shards": list(regained), "seqs": list(regained.values())},
        )

    def _compare_range(self, rows: pl.DataFrame) -> None:
        """Receipts of all that the store holds from the time that these rows were received in."""
        if rows.is_empty():
            return
        low, high = rows["received"].min(), rows["received"].max()
        where = (
            "WHERE received BETWEEN fromUnixTimestamp64Milli({low:Int64}) AND fromUnixTimestamp64Milli({high:Int64})"
        )
        params = {"low": low, "high": high}
        for table in ("events", "rejects"):
            found = self._store.frame(f"SELECT {', '.join(RECEIPT)} FROM {table} {where}", params)  # noqa: S608
            known = found.cast(_RECEIPT_SCHEMA) if found.height else pl.DataFrame(schema=_RECEIPT_SCHEMA)  # type: ignore[arg-type]
            if table == "events":
                self._stored = known
            else:
                self._rejected = known

    def _earlier(self, batch: Batch, delivery: Delivery) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Receipts of events and of rejects that were stored and committed before, so that they are no redelivery."""
        kept = self._stored, self._rejected
        if self.replaying or delivery.suspect:  # what is found could be either, and is taken for a redelivery
            return kept[0].clear(), kept[1].clear()
        self._compare_range(pl.concat(rows.select("received") for rows in (batch.frame, *batch.rejected)))
        found = self._stored.join(kept[0], on=RECEIPT, how="anti"), self._rejected.join(kept[1], on=RECEIPT, how="anti")
        self._stored, self._rejected = kept
        return found

    def _redelivered(self, batch: Batch) -> None:
        for known in (self._stored, self._rejected):
            if known.height:
                again = batch.frame.join(known, on=RECEIPT, how="semi")
                if not again.height:
                    continue
                batch.frame = batch.frame.join(known, on=RECEIPT, how="anti", maintain_order="left")
                (batch.redelivered if known is self._stored else batch.rejected_again).append(again.select(PLACE))

    def _ids(self, batch: Batch) -> None:
        ids = hashed_where(batch.frame["id"] != "", batch.frame, id_hashes)
        batch.frame = batch.frame.with_columns(ids.alias("id_hash"))
        hashes = ids.filter(ids != 0)
        if hashes.is_empty():
            return
        known = self._seen.find(hashes)
        if known.height or hashes.n_unique() < hashes.len():
            split_by_id(batch, known)


def _blocks(entry: Entry) -> set[tuple[int, int]]:
    """Of the receipts in an entry; those of a broker's stand in the heads."""
    if entry.receipt_high:
        return {receipt_block(entry.receipt_high, entry.receipt_low)}
    heads = map(_head.decode, entry.heads.splitlines())
    return {receipt_block(head.high, head.low) for head in heads}


def take_out_copies(batch: Batch, stored: pl.DataFrame, refused: pl.DataFrame) -> None:
    """Counts as duplicates all but the first of the rows of one receipt, and the rows whose receipts are these."""
    seen = pl.concat([stored.select(RECEIPT), refused.select(RECEIPT)])
    kept = []
    for rows in (batch.frame, *batch.rejected):
        fresh = rows.unique(RECEIPT, keep="first", maintain_order=True).join(
            seen, on=RECEIPT, how="anti", maintain_order="left"
        )
        if fresh.height < rows.height:
            batch.duplicate.append(rows.join(fresh, on="row", how="anti").select(PLACE))
        seen = pl.concat([seen, fresh.select(RECEIPT)])
        kept.append(fresh)
    batch.frame, batch.rejected = kept[0], kept[1:]


def split_by_id(batch: Batch, known: pl.DataFrame) -> None:
    """Leaves the first row of each id in the frame, where the id is new; `known` (KNOWN) has the ids that are not."""
    ids = batch.frame["id_hash"]
    # Only rows that share their id are compared: the others are nearly all, and new.
    doubtful = (ids != 0) & (ids.is_duplicated() | ids.is_in(known["id_hash"]))
    stored = known.rename({name: f"_{name}" for name in KNOWN if name != "id_hash"})
    rows = batch.frame.select("row", "id_hash", "content", *RECEIPT).filter(doubtful)
    rows = rows.join(stored, on="id_hash", how="left", maintain_order="left")
    first = pl.col("row") == pl.col("row").min().over("id_hash")
    is_stored = pl.col("_content").is_not_null()
    same_receipt = pl.all_horizontal(pl.col(f"_{name}").eq_missing(pl.col(name)) for name in RECEIPT)
    content_before = pl.coalesce("_content", pl.col("content").first().over("id_hash"))
    verdict = (
        pl.when(is_stored & same_receipt).then(_AGAIN)
        .when(~is_stored & first).then(_NEW)
        .when(content_before == pl.col("content")).then(_DUPLICATE)
        .otherwise(_CONFLICT)
    )  # fmt: skip
    verdicts = pl.zeros(ids.len(), dtype=pl.UInt8, eager=True)
    verdicts = verdicts.scatter(doubtful.arg_true(), rows.select(verdict.cast(pl.UInt8)).to_series())
    frame = batch.frame.with_columns(verdicts.alias("_verdict"))
    again = frame.filter(pl.col("_verdict") == _AGAIN)
    if again.height:
        batch.redelivered.append(again.select(PLACE))
    duplicate = frame.filter(pl.col("_verdict") == _DUPLICATE)
    if duplicate.height:
        batch.duplicate.append(duplicate.select(PLACE))
    batch.frame = frame.filter(pl.col("_verdict").is_in([_NEW, _CONFLICT]))
    batch.reject(pl.col("_verdict") == _CONFLICT, pl.lit("id_conflict"), pl.lit("the id was stored with other content"))
    batch.frame = batch.frame.drop("_verdict")
