"""Batches depend on nothing but the bytes, lose no line, and their keys never meet."""

import io

from hypothesis import given
from hypothesis import strategies as st

from eventmill.commands import ndjson


def cut(data: bytes, until: int | None = None) -> list[ndjson.Batch]:
    return list(ndjson.batches(io.BytesIO(data), until))


def test_cuts_by_count(monkeypatch):
    monkeypatch.setattr(ndjson, "MAX_EVENTS", 2)
    batches = cut(b'{"a":1}\n{"a":2}\n\n{"a":3}\n')
    assert [(len(batch.lines), batch.line, batch.offset) for batch in batches] == [(2, 1, 0), (1, 4, 17)]


def test_cuts_by_bytes(monkeypatch):
    monkeypatch.setattr(ndjson, "MAX_BYTES", 20)
    assert [len(batch.lines) for batch in cut(b'{"a":1111}\n' * 3)] == [1, 1, 1]


def test_a_line_that_is_no_object_goes_alone():
    batches = cut(b'{"a":1}\nnot json\n{"a":2}')
    assert [(batch.lines, batch.sound, batch.line) for batch in batches] == [
        ([b'{"a":1}'], True, 1), ([b"not json"], False, 2), ([b'{"a":2}'], True, 3),
    ]  # fmt: skip


def test_stops_where_the_file_ended_at_the_start():
    assert [batch.lines for batch in cut(b"{}\n{}\n{}\n", 6)] == [[b"{}", b"{}"]]


lines = st.lists(st.sampled_from([b'{"a":1}', b"", b"  ", b"[1]", b'{"b":"x"}', b"{", b'{"a":2}\r']), max_size=30)


@given(lines)
def test_no_line_is_lost_and_no_key_meets_another(given_lines):
    batches = cut(b"\n".join(given_lines))
    wanted = [stripped for line in given_lines if (stripped := line.strip())]
    assert [line for batch in batches for line in batch.lines] == wanted
    offsets = [part.offset for batch in batches for part in everything(batch)]
    assert len(offsets) == len(set(offsets))


def everything(batch):
    """The places of single lines that halving comes to."""
    if len(batch.lines) == 1:
        return [batch]
    return [leaf for half in ndjson.halves(batch) for leaf in everything(half)]


def test_halves_know_their_lines():
    (batch,) = cut(b'{"a":1}\n{"a":2}\n{"a":3}\n')
    first, second = ndjson.halves(batch)
    assert (first.lines, first.line, first.offset) == ([b'{"a":1}'], 1, 0)
    assert (second.lines, second.line, second.offset) == ([b'{"a":2}', b'{"a":3}'], 2, 8)


def test_the_fingerprint_is_of_all_bytes(tmp_path):
    one, same, other = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    one.write_bytes(b"x" * 3_000_000)
    same.write_bytes(b"x" * 3_000_000)
    other.write_bytes(b"x" * 2_999_999 + b"y")
    assert ndjson.fingerprint(one) == ndjson.fingerprint(same)
    assert ndjson.fingerprint(one)[0] != ndjson.fingerprint(other)[0]
    assert ndjson.fingerprint(None)[0] != ndjson.fingerprint(None)[0]
