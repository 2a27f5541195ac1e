-- Visitors and events by minute; the row of minute 0 is all of them.
SELECT
    toUInt32(toUnixTimestamp(toStartOfMinute(time))) AS minute,
    uniqExactIf(user_hash, user_hash != cityHash64('')),
    count()
FROM events
WHERE $conditions
GROUP BY minute WITH ROLLUP
