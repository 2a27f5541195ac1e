"""What makes two events the same: their ids' hash, and the hash of their content as sent."""

import msgspec
import polars as pl
import xxhash

from eventmill.event import KEY_PARTS
from eventmill.work.batch import Batch

_CONTENT = (
    "site",
    "time",
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
_ABSENT, _SEPARATOR = "\x00", "\x1f"


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 1e17 else value


_decode = msgspec.json.Decoder(float_hook=_number).decode
_encode = msgspec.json.Encoder(order="sorted").encode
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
        batch.frame = frame.with_columns(pl.lit(0, dtype=pl.UInt64).alias("content"))
        named = (pl.col("id").is_not_null() & (pl.col("id") != "")).alias("named")
        mask = batch.frame.select(named)["named"]
        if mask.any():
            hashes = pl.Series("content", content_hashes(batch.frame.filter(mask)), dtype=pl.UInt64)
            where = mask.arg_true()
            batch.frame = batch.frame.with_columns(batch.frame["content"].scatter(where, hashes))
        return batch


def content_hashes(frame: pl.DataFrame) -> list[int]:
    """One 64-bit hash a row: absent is not empty, numbers count by value, props by value with keys sorted."""
    parts = [pl.col(name).fill_null(_ABSENT) for name in _CONTENT if name != "time"]
    parts += [pl.col(name).cast(pl.String).fill_null(_ABSENT) for name in ("duration_ms", "bytes")]
    times = _times(frame["time"])
    props = pl.Series("_props", [_props(text) for text in frame["props"].to_list()], dtype=pl.String)
    joined = frame.with_columns(times, props).select(pl.concat_str([*parts, "_time", "_props"], separator=_SEPARATOR))
    digest = xxhash.xxh3_64_intdigest
    return [digest(text) for text in joined.to_series().cast(pl.Binary).to_list()]


def id_hashes(frame: pl.DataFrame) -> list[int]:
    """The 64-bit hash of (site, topic, id) for each row: ids are unique per site and topic."""
    joined = frame.select(
        pl.concat_str(["site", pl.col("of_topic").cast(pl.String), "id"], separator=_SEPARATOR)
    ).to_series()
    digest = xxhash.xxh3_64_intdigest
    return [digest(text) or 1 for text in joined.cast(pl.Binary).to_list()]


def _times(texts: pl.Series) -> pl.Series:
    """Times sent as numbers by value, others as they are."""
    numeric = texts.str.contains(_NUMERIC).fill_null(False)
    kept = texts.fill_null(_ABSENT)
    if numeric.any():
        values = [repr(float(text)) for text in texts.filter(numeric).to_list()]
        kept = kept.scatter(numeric.arg_true(), pl.Series(values, dtype=pl.String))
    return kept.alias("_time")


def _props(text: str | None) -> str:
    return _ABSENT if text is None else _encode(_decode(text)).decode()
