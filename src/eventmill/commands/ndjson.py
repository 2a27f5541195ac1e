"""A file of NDJSON cut into batches, each with the key that makes sending it again harmless."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

MAX_EVENTS = 1000
MAX_BYTES = 1_000_000
_CHUNK = 1 << 20
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True, frozen=True)
class Batch:
    """Lines of the file that go in one request. `line` counts from 1, `offset` in bytes, both of the first one.

    `sound` is False for a line on its own that is no JSON object: the collector will refuse it and say why.
    """

    lines: list[bytes]
    line: int
    offset: int
    end: int
    sound: bool = True

    @property
    def body(self) -> bytes:
        return b"\n".join(self.lines)


def batches(source: BinaryIO, until: int | None) -> Iterator[Batch]:
    """Cuts at `MAX_EVENTS` and `MAX_BYTES`; blank lines are passed over. Reads up to byte `until`.

    The cuts depend on nothing but the bytes, so a second run makes the same batches with the same keys.
    """
    held: list[bytes] = []
    size = first = begun = offset = number = 0
    for raw in source:
        if until is not None and offset >= until:
            break
        number, start, offset = number + 1, offset, offset + len(raw)
        line = raw.strip(b"\r\n \t")
        if not line:
            continue
        sound = _is_object(line)
        if held and (not sound or len(held) >= MAX_EVENTS or size + len(line) > MAX_BYTES):
            yield Batch(held, first, begun, start)
            held, size = [], 0
        if not sound:
            yield Batch([line], number, start, offset, sound=False)
            continue
        if not held:
            first, begun = number, start
        held.append(line)
        size += len(line) + 1
    if held:
        yield Batch(held, first, begun, offset)


def _is_object(line: bytes) -> bool:
    try:
        _object.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """A batch as two: the second half's place is approximate in lines, exact enough in bytes to be its key."""
    middle = len(batch.lines) // 2
    before = sum(len(line) + 1 for line in batch.lines[:middle])
    second = batch.offset + before
    return (
        Batch(batch.lines[:middle], batch.line, batch.offset, second),
        Batch(batch.lines[middle:], batch.line + middle, second, batch.end),
    )


def fingerprint(path: Path | None) -> tuple[str, int | None]:
    """(what the keys begin with, the file's size): the hash of all its bytes.

    So the same file again adds nothing, and any other file counts in full. A stream has no second run: its
    fingerprint is random.
    """
    if path is None:
        return uuid.uuid4().hex, None
    digest = hashlib.blake2b(digest_size=12)
    total = 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while total < size and (chunk := file.read(min(_CHUNK, size - total))):
            digest.update(chunk)
            total += len(chunk)
    return digest.hexdigest(), total
