-- Moves from step to step: at which place in the way, from where, whereto, how many sessions.
-- `next` below 16 is no page: 0 the session's end, 1 it goes on beyond what is shown, 2 the end that was asked for.
SELECT tied, move.1 AS step, move.2 AS at, move.3 AS next, count() AS sessions
FROM
(
    SELECT tied, arrayJoin(if(tied = 0,
        arrayMap((at, next, number) -> (toUInt8(number - 1 + $offset), at, next),
            arraySlice(way, 1, {steps:UInt8}),
            arraySlice(arrayPushBack(arrayPopFront(way), toUInt64($last)), 1, {steps:UInt8}),
            arrayEnumerate(arraySlice(way, 1, {steps:UInt8}))),
        [(toUInt8(0), toUInt64(0), toUInt64(0))])) AS move
    FROM (SELECT tied, arrayCompact(steps) AS walk, $way AS way FROM ($walks) WHERE tied != 0 OR notEmpty(way))
)
GROUP BY tied, step, at, next
