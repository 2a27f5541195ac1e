-- Moves from step to step: at which place in the way, from where, whereto, how many sessions.
-- `next` below 16 is no page: 0 the session's end, 1 it goes on beyond what is shown, 2 the end that was asked for.
SELECT tied, move.1 AS step, move.2 AS at, move.3 AS next, count() AS sessions
FROM
(
    SELECT
        tied,
        arrayPushBack(arrayPopFront(way), toUInt64($last)) AS following,
        arrayJoin(if(tied != 0,
            [(toUInt8(0), toUInt64(0), toUInt64(0))],
            arrayMap(number -> (
                    toUInt8(number - 1 + $offset),
                    way[number],
                    if(number = {steps:UInt8} AND following[number] > 15, 1, following[number])),
                range(1, least(length(way), {steps:UInt8}) + 1)))) AS move
    FROM
    (
        SELECT
            tied,
            arrayCompact(steps) AS walk,
            $onward AS onward,
            $place AS place,
            if(place = 0, [], arraySlice(onward, 1, place)) AS upto,
            $way AS way
        FROM ($walks)
    )
    WHERE tied != 0 OR notEmpty(way)
)
GROUP BY tied, step, at, next
