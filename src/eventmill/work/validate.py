"""Takes out what cannot be stored: what the door marked, unknown topics, times that are none, failed checks."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from eventmill.topics import Topic
from eventmill.work.batch import Batch
from eventmill.work.checks import compile_topic
from eventmill.work.times import out_of_range, parse_times

_CHECKED_FIELDS = (
    "id", "site", "time", "category", "action", "label", "value", "user", "session", "url", "referrer",
    "user_agent", "own_ip", "language", "screen", "duration_ms", "bytes",
)  # fmt: skip


class Validate:
    """The step; topics may be replaced while running."""

    name = "validate"

    def __init__(self, topics: Mapping[str, Topic], zone: ZoneInfo) -> None:
        self._zone = zone
        self.topics = topics

    @property
    def topics(self) -> Mapping[str, Topic]:
        return self._topics

    @topics.setter
    def topics(self, topics: Mapping[str, Topic]) -> None:
        self._topics = topics
        self._checks = {name: compile_topic(topic) for name, topic in topics.items() if topic.checked}

    def __call__(self, batch: Batch) -> Batch:
        frame = batch.frame
        if frame["_x"].null_count() < frame.height:
            batch.reject(pl.col("_x").is_not_null(), pl.col("_x"))
        named = pl.col("named_topic")
        if batch.frame["named_topic"].null_count() < batch.frame.height:
            stray = named.is_not_null() & (named != pl.col("of_topic").cast(pl.String))
            batch.reject(stray.fill_null(False), pl.lit("unknown_topic"), named)
        self._times(batch)
        for name, check in self._checks.items():
            mine = batch.frame["of_topic"].cast(pl.String) == name
            if mine.any():
                _apply(batch, mine, check)
        return batch

    def _times(self, batch: Batch) -> None:
        frame = batch.frame
        if frame["time"].null_count() == frame.height:
            batch.frame = frame.with_columns(pl.col("received").alias("at"))
            return
        batch.frame = frame.with_columns(parse_times(frame["time"], self._zone).alias("at"))
        wrong = pl.col("time").is_not_null() & pl.col("at").is_null()
        batch.reject(wrong, pl.lit("invalid_time"), pl.col("time").fill_null(""))
        strange = out_of_range(pl.col("at"), pl.col("received")).fill_null(False)
        if batch.frame.select(strange.any()).item():
            batch.frame = batch.frame.with_columns(
                _with_time(batch.frame.with_columns(strange.alias("_strange"))),
                pl.when(strange).then(None).otherwise(pl.col("at")).alias("at"),
            )
        batch.frame = batch.frame.with_columns(pl.col("at").fill_null(pl.col("received")))


def _with_time(frame: pl.DataFrame) -> pl.Series:
    """`props` with the time as sent added to the text, for the events whose time cannot be true."""
    kept = frame["props"].to_list()
    for row, time in frame.with_row_index("_at").filter("_strange").select("_at", "time").iter_rows():
        sent = '"_time":' + msgspec.json.encode(time).decode()
        text = (kept[row] or "{}").rstrip()[:-1].rstrip()
        kept[row] = text + ("" if text == "{" else ",") + sent + "}"
    return pl.Series("props", kept, dtype=pl.String)


def _apply(batch: Batch, mine: pl.Series, check: Any) -> None:
    reasons: list[str | None] = [None] * mine.len()
    details = [""] * mine.len()
    rows = batch.frame.with_row_index("_at").filter(mine)
    for place, sent, props, *values in rows.select("_at", "_n", "props", *_CHECKED_FIELDS).iter_rows():
        event = {name: value for name, value in zip(_CHECKED_FIELDS, values, strict=True) if value is not None}
        if "own_ip" in event:
            event["ip"] = event.pop("own_ip")
        if props:
            event.update(msgspec.json.decode(props))
        if wrong := check(event, sent):
            reasons[place], details[place] = wrong
    batch.reject_rows(reasons, details)
