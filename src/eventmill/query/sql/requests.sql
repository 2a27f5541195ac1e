-- Requests by time, value and bucket of duration.
SELECT
    $at AS at,
    $value AS named,
    $bucket AS bucket,
    count() AS count,
    countIf($error) AS errors,
    sum(ifNull(bytes, 0)) AS size
FROM events
WHERE $conditions
GROUP BY at, named, bucket
