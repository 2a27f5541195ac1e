"""What a queue may hold twice is counted once."""

import polars as pl

from eventmill.queue.base import Delivery, Entry
from eventmill.work.batch import RECEIPT, Batch, decode
from eventmill.work.dedup import take_out_copies
from tests.unit.work.lines import entry

NONE = pl.DataFrame(schema={"receipt_high": pl.UInt64, "receipt_low": pl.UInt64, "receipt_index": pl.UInt32})


def taken(entries: list[Entry]) -> Batch:
    return decode(Delivery("g", entries, {}))


def test_the_first_of_two_copies_in_a_delivery_stays() -> None:
    one = entry([{"label": "a"}, {"label": "b"}])
    batch = taken([one, one, entry([{"label": "c"}])])
    take_out_copies(batch, NONE, NONE)
    assert batch.frame["label"].to_list() == ["a", "b", "c"]
    assert batch.frame["row"].to_list() == [0, 1, 4]
    assert [rows["row"].to_list() for rows in batch.duplicate] == [[2, 3]]


def test_what_was_stored_or_refused_before_is_a_copy() -> None:
    batch = taken([entry([{"label": "a"}, {"label": "b"}, {"label": "c"}])])
    receipts = batch.frame.select(RECEIPT)
    take_out_copies(batch, receipts[:1], receipts[2:])
    assert batch.frame["label"].to_list() == ["b"]
    assert [rows["row"].to_list() for rows in batch.duplicate] == [[0, 2]]


def test_copies_of_what_a_step_refused_are_no_second_reject() -> None:
    one = entry([{"label": "a"}, {"label": "bad"}])
    batch = taken([one, one])
    batch.reject(pl.col("label") == "bad", pl.lit("why"))
    take_out_copies(batch, NONE, NONE)
    assert [rows.height for rows in batch.rejected] == [1]
    assert sum(rows.height for rows in batch.duplicate) == 2
    assert batch.frame["label"].to_list() == ["a"]


def test_only_marked_deliveries_are_looked_through() -> None:
    marked = b'{"n":1,"high":5,"low":6,"at":7,"again":true}\n'
    plain = b'{"n":1,"high":5,"low":6,"at":7}\n'
    for heads, expected in ((marked, True), (plain, False)):
        assert taken([Entry("s", 1, "event", 7, 0, 1, 1, heads, b'{"label":"a"}\n')]).copied is expected
