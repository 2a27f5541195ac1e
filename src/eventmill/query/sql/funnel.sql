-- How many visitors came how far: `windowFunnel` in its mode `strict_once`.
SELECT reached, count() AS visitors
FROM
(
    SELECT windowFunnel({window_ms:UInt64}, 'strict_once')(toUInt64(toUnixTimestamp64Milli(time)), $steps) AS reached
    FROM events
    WHERE $conditions
    GROUP BY user_hash
)
WHERE reached > 0
GROUP BY reached
