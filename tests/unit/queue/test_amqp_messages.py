"""Parts of a commit as messages of bounded size, and back."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from eventmill.event import Head
from eventmill.queue.amqp.messages import Sequence, cut, entry, messages
from eventmill.queue.base import Draft
from eventmill.queue.records import Part, parts
from tests.contract.queues import draft, merged


def part(counts: list[int], size: int = 10) -> Part:
    one = merged([draft(n, text="x" * size) for n in counts])
    (made,) = parts(one, 1)
    return made


def receipts(pieces: list[Part]) -> list[tuple[int, int, int, bytes]]:
    """(high, low, index, line) of each event, as its head tells them."""
    found = []
    for piece in pieces:
        lines = iter(piece.lines)
        for text in piece.heads:
            head = msgspec.json.decode(text, type=Head)
            found += [(head.high, head.low, head.first + n, next(lines)) for n in range(head.n)]
        assert next(lines, None) is None
        assert piece.count == len(piece.lines)
    return found


@pytest.mark.parametrize("size", [1, 50, 120, 300, 1_000, 1_000_000])
@pytest.mark.parametrize("counts", [[1], [7], [3, 1, 4, 1, 5], [1] * 9])
def test_cutting_keeps_every_event_and_its_receipt(counts: list[int], size: int) -> None:
    whole = part(counts)
    pieces = list(cut(whole, size))
    assert receipts(pieces) == receipts([whole])
    assert all(piece.count for piece in pieces)
    assert all(piece.count == 1 or sum(map(len, piece.lines)) <= size for piece in pieces)


def test_a_long_request_of_a_part_is_cut_where_the_part_began_later() -> None:
    """A head that is itself a run of a request keeps counting from its own first index."""
    whole = part([6])
    head = msgspec.structs.replace(msgspec.json.decode(whole.heads[0], type=Head), first=10)
    whole.heads = [msgspec.json.encode(head) + b"\n"]
    assert [index for _, _, index, _ in receipts(list(cut(whole, 100)))] == [10, 11, 12, 13, 14, 15]


def received(message: Any, **changed: Any) -> Any:
    return SimpleNamespace(
        **{"body": message.body, "headers": message.headers, "message_id": message.message_id, "timestamp": None}
        | changed
    )


def test_a_message_comes_back_as_the_entry_it_was() -> None:
    one = draft(5)
    sequence = Sequence()
    sent = [m for made in parts(one, 1) for m in messages(made, sequence)]
    (message,) = sent
    got = entry("event/0", received(message))
    assert (got.topic, got.received, got.count, got.body) == ("event", one.received, 5, one.body)
    assert got.heads.count(b"\n") == 1


def test_what_was_sent_twice_is_two_entries() -> None:
    """A commit that failed can have arrived, and comes again from the spill: the ledger counts each by its name."""
    one = draft(2)
    sequence = Sequence()
    first, second = (
        entry("event/0", received(m)) for _ in "ab" for made in parts(one, 1) for m in messages(made, sequence)
    )
    assert first.heads == second.heads
    assert first.receipt_low != second.receipt_low
    assert first.seq < second.seq


def test_what_another_program_wrote_is_a_reject_with_its_text() -> None:
    got = entry("event/0", received(SimpleNamespace(body=b"\xffhi", headers={}, message_id=None)))
    again = entry("event/0", received(SimpleNamespace(body=b"\xffhi", headers={}, message_id=None)))
    assert (got.count, got.receipt_low) == (1, again.receipt_low)
    assert b'"_x":"foreign"' in got.body
    assert b"hi" in got.body


def test_a_draft_without_events_of_a_partition_makes_no_message() -> None:
    one: Draft = draft(1)
    sequence = Sequence()
    assert sum(1 for made in parts(one, 16) for _ in messages(made, sequence)) == 1
