-- Sessions by the day and hour of their first event: count, bounces, page views, ms from first to last event.
-- An event is one number: its time in ms, then one bit, whether it is a page view.
SELECT
    toDate(begun, '$zone') AS day,
    toUnixTimestamp(toStartOfHour(begun, '$zone')) AS hour,
    count(),
    countIf(views = 1),
    sum(views),
    sum(length_ms)
FROM
(
    SELECT
        bitShiftRight(visit[1], 1) AS first,
        fromUnixTimestamp64Milli(toInt64(first), 'UTC') AS begun,
        if(visit[-1] - visit[1] < 2 * {longest:UInt64},
            visit, arrayFilter(x -> bitShiftRight(x, 1) - first < {longest:UInt64}, visit)) AS counted,
        arraySum(x -> bitAnd(x, 1), counted) AS views,
        bitShiftRight(counted[-1], 1) - first AS length_ms
    FROM
    (
        SELECT
            arraySort(groupArray(bitOr(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(time)), 1), $page_view))) AS events,
            any(if(session = '', {silence:UInt64}, {given_silence:UInt64})) AS silence,
            arrayJoin(arraySplit(
                (x, before) -> bitOr(x, 1) - bitOr(before, 1) >= 2 * silence,
                events, arrayPopBack(arrayPushFront(events, events[1])))) AS visit
        FROM events
        WHERE $conditions
        GROUP BY $group
    )
    WHERE first >= {since:Int64} AND first < {until:Int64}
)
GROUP BY day, hour
