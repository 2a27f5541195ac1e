-- What a statistic says of one day that is over: a cache, made when asked for and thrown away at will. `version` stands
-- for the events that it was made of.
CREATE TABLE IF NOT EXISTS closed_answers
(
    question       UInt64,
    day            Date,
    version        UInt64,
    made           DateTime64(3, 'UTC'),
    answer         String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(made)
ORDER BY (question, day)
TTL toDateTime(made) + INTERVAL 40 DAY;
