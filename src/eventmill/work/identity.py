"""What makes two events the same: their ids' hash, and the hash of their content as sent."""

from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl
import xxhash

from eventmill.event import KEY_PARTS
from eventmill.work.batch import Batch

_TEXTS = (
    "site",
    *KEY_PARTS,
    "user",
    "session",
    "url",
    "referrer",
    "user_agent",
    "own_ip",
    "language",
    "screen",
)
_NUMBERS = ("duration_ms", "bytes")
_ABSENT, _SEPARATOR = "\x00", "\x1f"
_SLICE = 2_000


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 1e17 else value


_decode = msgspec.json.Decoder(float_hook=_number).decode
_decode_all = msgspec.json.Decoder(list[Any], float_hook=_number).decode
_encoder = msgspec.json.Encoder(order="sorted")
_NUMERIC = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


class Identify:
    """Adds `id` (Idempotency-Key and index where the event has none) and `content`: xxh3 of the fields as sent.

    Runs before fields are filled in from the request, so that a retry from another address is the same event.
    """

    name = "identify"

    def __call__(self, batch: Batch) -> Batch:
        frame = batch.frame
        if frame["key"].null_count() < frame.height:
            made = pl.format("{}-{}", pl.col("key"), pl.col("receipt_index"))
            frame = frame.with_columns(pl.coalesce(pl.when(pl.col("id") != "").then(pl.col("id")), made).alias("id"))
        hashes = hashed_where(frame["id"].fill_null("") != "", frame, content_hashes)
        batch.frame = frame.with_columns(hashes.alias("content"))
        return batch


def hashed_where(mask: pl.Series, frame: pl.DataFrame, hashes: Callable[[pl.DataFrame], pl.Series]) -> pl.Series:
    """The hashes of the rows where `mask` holds, 0 elsewhere."""
    if mask.all():
        return hashes(frame)
    nothing = pl.zeros(frame.height, dtype=pl.UInt64, eager=True)
    return nothing.scatter(mask.arg_true(), hashes(frame.filter(mask))) if mask.any() else nothing


def content_hashes(frame: pl.DataFrame) -> pl.Series:
    """One 64-bit hash a row: absent is not empty, numbers count by value, props by value with keys sorted."""
    parts = [_part(frame[name]) for name in (*_TEXTS, *_NUMBERS)]
    parts += [_times(frame["time"]), _props(frame["props"])]
    return _hashed(frame.select(pl.concat_str(parts, separator=_SEPARATOR)))


def id_hashes(frame: pl.DataFrame) -> pl.Series:
    """The 64-bit hash of (site, topic, id) for each row, never 0: ids are unique per site and topic."""
    hashes = _hashed(
        frame.select(pl.concat_str(["site", pl.col("of_topic").cast(pl.String), "id"], separator=_SEPARATOR))
    )
    return hashes.replace(0, 1) if hashes.min() == 0 else hashes


def _hashed(texts: pl.DataFrame) -> pl.Series:
    """xxh3 of the bytes of one column. In slices, whose bytes stay in the processor's cache: half the price."""
    column, hashes = texts.to_series().cast(pl.Binary), list[int]()
    for part in column.to_frame().iter_slices(_SLICE):
        hashes.extend(map(xxhash.xxh3_64_intdigest, part.to_series().to_list()))
    return pl.Series(hashes, dtype=pl.UInt64)


def _part(column: pl.Series) -> pl.Expr | pl.Series:
    if column.null_count() == column.len():
        return pl.lit(_ABSENT)
    return column.cast(pl.String).fill_null(_ABSENT)


def _times(texts: pl.Series) -> pl.Series:
    """Times sent as numbers by value, others as they are."""
    numeric = texts.str.contains(_NUMERIC).fill_null(False)
    kept = texts.fill_null(_ABSENT)
    if numeric.any():
        values = [repr(float(text)) for text in texts.filter(numeric).to_list()]
        kept = kept.scatter(numeric.arg_true(), pl.Series(values, dtype=pl.String))
    return kept.alias("_time")


def _props(texts: pl.Series) -> pl.Series | pl.Expr:
    """Each text by value and with its keys sorted."""
    given = texts.drop_nulls()
    if not given.len():
        return pl.lit(_ABSENT)
    made: list[str] = []
    for part in given.to_frame().iter_slices(_SLICE):
        made += _sorted_keys(part.to_series().to_list())
    canonical = pl.Series("_props", made, dtype=pl.String)
    if given.len() == texts.len():
        return canonical
    return texts.fill_null(_ABSENT).scatter(texts.is_not_null().arg_true(), canonical).alias("_props")


def _sorted_keys(texts: list[str]) -> list[str]:
    """All are read as one list: a call for each text costs more than its work. What cannot be read so, one by one."""
    try:
        values = _decode_all("[" + ",".join(texts) + "]")
    except (msgspec.DecodeError, RecursionError):
        values = []
    if len(values) != len(texts):
        values = [_decode(text) for text in texts]
    return _encoder.encode_lines(values).decode().removesuffix("\n").split("\n")
