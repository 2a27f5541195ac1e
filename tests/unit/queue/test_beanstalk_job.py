"""How a part of a commit is cut into jobs."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.event import Head
from eventmill.queue.base import Draft, QueueFull
from eventmill.queue.beanstalk.job import TTR_S, Note, cut, decode, encode, events_of, shard_of, tube_of
from eventmill.queue.beanstalk.promise import options, sync_ms
from eventmill.queue.records import Part, parts

_heads = msgspec.json.Decoder(Head)


def part(sizes: list[int], width: int = 60, head: bytes = b'{"n":%d,"ua":"Mozilla"}\n') -> Part:
    """The only part of a commit whose requests have so many events, each line of about `width` bytes."""
    lines = [b'{"label":"%d","value":"%b"}\n' % (n, b"x" * (width - 30)) for n in range(sum(sizes))]
    heads = b"".join(head % n for n in sizes)
    (found,) = parts(Draft("event", 1_790_000_000_000, 5, 7 << 22, sum(sizes), heads, b"".join(lines)), 1)
    return found


def receipts(heads: bytes) -> list[tuple[int, int, int]]:
    found = [_heads.decode(line) for line in heads.splitlines()]
    return [(head.high, head.low, head.first + n) for head in found for n in range(head.n)]


@settings(deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=12), st.integers(1_200, 20_000), st.integers(31, 200))
def test_jobs_hold_every_event_once_with_its_receipt_and_are_no_larger_than_allowed(sizes, room, width) -> None:
    whole = part(sizes, width)
    heads, lines = [], []
    for number, (some, body) in enumerate(cut(whole, room)):
        job = encode(Note("eventmill.event.0", 1_790_000_000_000, len(body), 1 << 63, number), some, body)
        assert len(job) <= room
        entry = decode("eventmill", number, job)
        assert entry is not None
        assert (entry.shard, entry.topic, entry.count) == ("event/0", "event", len(body))
        assert events_of(TTR_S + entry.count) == entry.count
        heads += receipts(entry.heads)
        lines.append(entry.body)
    assert b"".join(lines) == b"".join(whole.lines)
    assert heads == receipts(b"".join(whole.heads))


def test_an_event_larger_than_a_job_is_refused_with_the_mend() -> None:
    with pytest.raises(QueueFull, match="-z"):
        list(cut(part([1, 1], 70_000), 65_535))


def test_what_was_acknowledged_before_and_is_too_large_becomes_a_reject_and_holds_up_nothing() -> None:
    jobs = list(cut(part([2, 1], 70_000, b'{"n":%d,"again":true}\n'), 65_535))
    lines = [line for _, body in jobs for line in body]
    assert len(lines) == 3
    assert all(b'"_x":"too_large"' in line for line in lines)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"hello\n\n\n", b'{"tube":"other.event.0","received":1,"count":1,"high":1,"low":1}\n{}\n\n{}\n'],
)
def test_a_job_of_somebody_else_is_known(body: bytes) -> None:
    assert decode("eventmill", 1, body) is None


def test_tubes_and_shards() -> None:
    assert tube_of("my.app", "page_view-2", 3) == "my.app.page_view-2.3"
    assert shard_of("my.app", "my.app.page_view-2.3") == "page_view-2/3"
    assert shard_of("my.app", "default") is None
    assert shard_of("my.app", "my.app") is None
    assert shard_of("my", "my.app.x.y") is None


@pytest.mark.parametrize(
    ("words", "wait"),
    [
        ("-b /x", 50), ("-b /x -f 0", 0), ("-b/x -f0", 0), ("-Vf0 -b x", 0), ("-f 0 -F", None), ("-F -f 0", 0),
        ("-f 0 -f 20", 20), ("-b -F", 50), ("-l 0.0.0.0 -p 1 -Vf 7", 7),
    ],
)  # fmt: skip
def test_how_long_a_job_may_be_unsynced_stands_in_the_command_line(words: str, wait: int | None) -> None:
    assert sync_ms(["beanstalkd", *words.split()]) == wait
    assert "x" not in options(["beanstalkd", *words.split()])
