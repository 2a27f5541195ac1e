-- Rows that statistics keep of days that are over: caches, made when asked for and thrown away at will. An attempt is
-- one day of one question (attempt % 65536 is the day); `closed_answers` says which attempts count. What it names must
-- not be lost by a power cut, so these are synced as events are.
CREATE TABLE IF NOT EXISTS closed_walks
(
    question       UInt64,
    attempt        UInt64,
    tied           UInt64,
    steps          Array(UInt64),
    sessions       UInt64,
    bounces        UInt64
)
ENGINE = MergeTree
ORDER BY (question, attempt)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE TABLE IF NOT EXISTS closed_visitors
(
    question       UInt64,
    attempt        UInt64,
    visitor        UInt64 CODEC(NONE),
    base           Bool,
    again          Bool
)
ENGINE = MergeTree
ORDER BY (question, attempt)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
