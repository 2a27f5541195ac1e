-- One row per event. Client times are untrusted, so partitions follow the time of receipt. The day stands early in
-- the key: a question about one day of a large month then reads that day's rows only.
-- {zone} is the configured time zone: the day projections cut days there.
CREATE TABLE IF NOT EXISTS events
(
    site           LowCardinality(String),
    topic          LowCardinality(String),
    category       LowCardinality(String),
    action         LowCardinality(String),
    label          String,
    value          String,
    time           DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    received       DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    id             String,
    id_hash        UInt64,
    content        UInt64,
    receipt_high   UInt64 CODEC(Delta, ZSTD),
    receipt_low    UInt64 CODEC(Delta, ZSTD),
    receipt_index  UInt32,
    user           String,
    -- What uniques count: eight bytes are read and hashed at a third of the price of the text.
    user_hash      UInt64 DEFAULT cityHash64(user) CODEC(NONE),
    session        String,
    url            String,
    -- The path of the url; the key where an event has none.
    page           String DEFAULT multiIf(
        url = '', replaceRegexpOne(concat(
            replaceAll(replaceAll(category, '%', '%25'), '.', '%2E'), '.',
            replaceAll(replaceAll(action, '%', '%25'), '.', '%2E'), '.',
            replaceAll(replaceAll(label, '%', '%25'), '.', '%2E'), '.',
            replaceAll(replaceAll(value, '%', '%25'), '.', '%2E')), '\\.+$', ''),
        path(cutQueryStringAndFragment(url)) = '', '/', path(cutQueryStringAndFragment(url))),
    url_host       LowCardinality(String) DEFAULT lower(domain(url)),
    referrer       String,
    referrer_host  LowCardinality(String) DEFAULT lower(domain(referrer)),
    utm_source     LowCardinality(String),
    utm_medium     LowCardinality(String),
    utm_campaign   LowCardinality(String),
    source         LowCardinality(String),
    channel        LowCardinality(String),
    user_agent     String,
    browser        LowCardinality(String),
    os             LowCardinality(String),
    device         LowCardinality(String),
    bot            Bool,
    ip             LowCardinality(String),
    country        LowCardinality(String),
    language       LowCardinality(String),
    screen         LowCardinality(String),
    duration_ms    Nullable(Float64),
    bytes          Nullable(Int64),
    props          String CODEC(ZSTD(3)),
    stream         LowCardinality(String),
    batch          UInt64 CODEC(Delta, ZSTD),

    INDEX time_range     time     TYPE minmax GRANULARITY 4,
    INDEX received_range received TYPE minmax GRANULARITY 4,
    INDEX batch_range    batch    TYPE minmax GRANULARITY 1,
    INDEX id_filter      id_hash  TYPE bloom_filter(0.01) GRANULARITY 4,

    PROJECTION by_quarter
    (
        SELECT toStartOfFifteenMinutes(time), site, topic, category, action, count()
        GROUP BY toStartOfFifteenMinutes(time), site, topic, category, action
    ),
    PROJECTION by_day_category
    (
        SELECT toDate(time, '{zone}'), site, topic, category, count(), uniqCombined64(16)(nullIf(user_hash, cityHash64('')))
        GROUP BY toDate(time, '{zone}'), site, topic, category
    ),
    PROJECTION by_day_action
    (
        SELECT toDate(time, '{zone}'), site, topic, category, action, count(), uniqCombined64(16)(nullIf(user_hash, cityHash64('')))
        GROUP BY toDate(time, '{zone}'), site, topic, category, action
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received)
ORDER BY (site, topic, toDate(time), category, action, label, value, time)
-- A part as inserted is one file, not two for each column: every file of a part costs an fsync. Merged parts are
-- synced too: their sources are dropped, and a power cut would leave broken parts behind.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_bytes_for_wide_part = 268435456;

-- What was refused, with the bytes as they came and a typed reason.
CREATE TABLE IF NOT EXISTS rejects
(
    topic          LowCardinality(String),
    reason         LowCardinality(String),
    detail         String,
    received       DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    id             String,
    receipt_high   UInt64,
    receipt_low    UInt64,
    receipt_index  UInt32,
    bytes          String CODEC(ZSTD(3)),
    stream         LowCardinality(String),
    batch          UInt64,

    INDEX received_range received TYPE minmax GRANULARITY 1,
    INDEX batch_range    batch    TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received)
ORDER BY (topic, received, receipt_high, receipt_low, receipt_index)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- What became of the events of one delivery, by topic and minute of receipt. A replay of the same delivery
-- has the same key and replaces the row; the newest version wins.
CREATE TABLE IF NOT EXISTS ledger
(
    stream         LowCardinality(String),
    shard          LowCardinality(String),
    first_high     UInt64,
    first_low      UInt64,
    topic          LowCardinality(String),
    minute         UInt32 CODEC(Delta, ZSTD),
    stored         UInt64,
    duplicate      UInt64,
    rejected       UInt64,
    batch          UInt64
)
ENGINE = ReplacingMergeTree(batch)
ORDER BY (minute, topic, stream, shard, first_high, first_low)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Rows of expired raw days, kept after the events themselves are dropped. uv is a mergeable state.
CREATE TABLE IF NOT EXISTS daily
(
    day            Date,
    site           LowCardinality(String),
    topic          LowCardinality(String),
    category       LowCardinality(String),
    action         LowCardinality(String),
    label          String,
    value          String,
    source         UInt32,
    version        UInt64,
    pv             UInt64,
    uv             AggregateFunction(uniqCombined64(16), Nullable(UInt64))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, topic, category, action, label, value, day, source)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Values of a dimension counted for days that are over: a cache, made when asked for and thrown away at will.
-- An attempt is one whole day of one question, inserted as one part; `closed_days` says which attempt counts, and which days have too many values to be kept.
CREATE TABLE IF NOT EXISTS closed_days
(
    question       UInt64,
    day            Date,
    version        UInt64,
    attempt        UInt64,
    kept           Bool,
    rows           UInt64,
    spec           String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(attempt)
ORDER BY (question, day);

CREATE TABLE IF NOT EXISTS closed_values
(
    question       UInt64,
    value          String,
    attempt        UInt64,
    pv             UInt64,
    uv             AggregateFunction(uniqCombined64(16), Nullable(UInt64)) CODEC(NONE)
)
ENGINE = MergeTree
ORDER BY (question, value, attempt)
SETTINGS index_granularity = 512;
