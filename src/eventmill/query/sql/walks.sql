-- Each session's steps in their order, as 48-bit hashes of their names; one that is repeated at once counts as one.
-- An event is one number: time in ms, where `$shift` leaves room for it its receipt, and its step, 0 where it is none.
-- Without the receipt two steps of the same ms have no order: what such a visitor did there is not told, but who it is (`tied`).
SELECT
    tied,
    toDate(fromUnixTimestamp64Milli(first, 'UTC'), '$zone') AS day,
    arrayFilter(step -> step != 0, arrayMap(x -> bitAnd(toUInt64(x), 0xFFFFFFFFFFFF), counted)) AS seen,
    arrayCompact(seen) AS steps,
    toUInt64(1) AS sessions,
    toUInt64(length(seen) = 1) AS bounces
FROM
(
    SELECT
        tied,
        toInt64(bitShiftRight(visit[1], $shift)) AS first,
        if(visit[-1] - visit[1] < bitShiftLeft($number({longest:UInt64}), $shift),
            visit, arrayFilter(x -> toInt64(bitShiftRight(x, $shift)) - first < {longest:UInt64}, visit)) AS counted
    FROM
    (
        SELECT
            arraySort(groupArray(bitOr(bitShiftLeft($number(toUnixTimestamp64Milli(time)), $shift), $rest))) AS events,
            -- The first one is always 0.
            arrayDifference(arrayMap(x -> toUInt64(bitShiftRight(x, $shift)), events)) AS gaps,
            if($tied, any(user_hash), 0) AS tied,
            any(if(session = '', {silence:UInt64}, {given_silence:UInt64})) AS silence,
            arrayJoin(arraySplit((x, gap) -> gap >= silence, events, gaps)) AS visit
        FROM events
        WHERE $conditions
        GROUP BY $group
        HAVING $wanted
    )
    WHERE first >= {since:Int64} AND first < {until:Int64}
)
