"""One batch against what is stored, in memory: the split into new, redelivered, duplicate and conflicting rows."""

from collections.abc import Sequence

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.queue.base import Delivery
from eventmill.work.batch import RECEIPT, Batch
from eventmill.work.dedup import Dedup, split_by_id
from eventmill.work.enrich import Enrich
from eventmill.work.identity import Identify
from eventmill.work.seen import KNOWN
from tests.unit.work.lines import batch

NAMES = st.integers(0, 8)
LABELS = st.sampled_from("aab")
EVENTS = st.lists(st.tuples(NAMES, LABELS), min_size=1, max_size=12)
"""Number of the id (0 is none) and content."""
STORED = st.dictionaries(st.integers(1, 12), st.tuples(LABELS, st.integers(0, 14)), max_size=6)
"""Content under an id, and which event of the batch it was: a number that none of the rows has is another request."""

DELIVERY = Delivery("g", [], {})
NOTHING = pl.DataFrame(schema=dict.fromkeys(KNOWN, pl.UInt64) | {"receipt_index": pl.UInt32})


class Stored:
    """A memory of ids that holds these rows."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows

    def find(self, hashes: pl.Series) -> pl.DataFrame:
        return self.rows.join(hashes.unique().to_frame("id_hash"), on="id_hash", how="semi")


def taken(events: Sequence[tuple[int, str]]) -> Batch:
    sent = [{"label": label, **({"id": f"id{name}"} if name else {})} for name, label in events]
    return Enrich()(Identify()(batch(*sent)))


def stored(rows: dict[int, tuple[str, int]], like: Batch) -> pl.DataFrame:
    """Rows as if they had been stored; those of an event of the batch have its receipt."""
    made = batch(*({"id": f"id{name}", "label": label} for name, (label, _) in rows.items()))
    made = Dedup(None, "g", Stored(NOTHING))(Enrich()(Identify()(made)), DELIVERY)
    receipts = like.frame.select(RECEIPT).rows()
    kept = [receipts[place] if place < len(receipts) else None for _, place in rows.values()]
    own = made.frame.select(RECEIPT).rows()
    given_receipts = pl.DataFrame(
        [one or two for one, two in zip(kept, own, strict=True)],
        schema={name: made.frame.schema[name] for name in RECEIPT},
        orient="row",
    )
    return made.frame.with_columns(given_receipts).select(KNOWN)


def outcome(done: Batch) -> dict[str, list[int]]:
    """Places in the batch by what became of them."""
    places = {
        "new": done.frame["row"].to_list(),
        "again": [row for frame in done.redelivered for row in frame["row"]],
        "duplicate": [row for rows in done.duplicate for row in rows["row"].to_list()],
        "conflict": [row for frame in done.rejected for row in frame["row"]],
    }
    assert {reason for frame in done.rejected for reason in frame["reason"]} <= {"id_conflict"}
    return places


def model(events: Sequence[tuple[int, str]], known: dict[int, tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {"new": [], "again": [], "duplicate": [], "conflict": []}
    content = {name: label for name, (label, _) in known.items()}
    for row, (name, label) in enumerate(events):
        if name in known and known[name][1] == row:
            found["again"].append(row)
        elif not name or name not in content:
            found["new"].append(row)
            content[name] = label
        else:
            found["duplicate" if content[name] == label else "conflict"].append(row)
    return found


@settings(max_examples=300, deadline=None)
@given(EVENTS, STORED)
def test_any_batch_is_split_as_the_model_says(events, known) -> None:
    fresh = taken(events)
    before = stored(known, fresh) if known else NOTHING
    columns = [*fresh.frame.columns, "id_hash"]
    done = Dedup(None, "g", Stored(before))(fresh, DELIVERY)
    assert done.frame.columns == columns
    assert outcome(done) == model(events, known)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NAMES, LABELS), min_size=1, max_size=8, unique_by=lambda event: event[0] or object()))
def test_where_no_id_repeats_the_comparison_may_be_left_out(events) -> None:
    short = Dedup(None, "g", Stored(NOTHING))(taken(events), DELIVERY)
    whole = Batch(short.frame, short.body)
    split_by_id(whole, NOTHING)
    assert whole.frame.equals(short.frame)
    assert outcome(whole) == outcome(short)
    assert outcome(short)["new"] == list(range(len(events)))
