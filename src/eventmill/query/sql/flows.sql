-- Moves from step to step: at which place in the way, from where, whereto, how many sessions.
-- `next` below 16 is no page: 0 the session's end, 1 it goes on beyond what is shown, 2 the end that was asked for.
-- A row of step `$tied` is no move: `at` is a visitor whose steps have no order yet.
-- A move is grouped as one number (step, from, to): 16 bytes are hashed faster than three columns.
SELECT
    toUInt8(bitShiftRight(move, 112)) AS step,
    toUInt64(bitShiftRight(move, 48)) AS at,
    bitAnd(toUInt64(move), 0xFFFFFFFFFFFF) AS next,
    sum(sessions) AS sessions
FROM
(
    SELECT sessions, bitOr(
        bitOr(bitShiftLeft(toUInt128(if(tied != 0, $tied, toUInt8(number - 1 + offset))), 112),
            bitShiftLeft(toUInt128(at), 48)),
        if(number = {steps:UInt8} AND next > 15, 1, next)) AS move
    FROM
    (
        SELECT
            tied,
            sessions,
            $offset AS offset,
            if(tied != 0, [tied], arraySlice(way, 1, {steps:UInt8})) AS pages,
            arrayPushBack(arrayPopFront(arraySlice(way, 1, {steps:UInt8} + 1)), toUInt64($last)) AS after,
            if(tied != 0, [toUInt64(0)], arraySlice(after, 1, {steps:UInt8})) AS nexts
        FROM
        (
            SELECT
                tied,
                sessions,
                steps AS walk,
                $onward AS onward,
                $place AS place,
                $upto AS upto,
                $way AS way
            FROM ($walks)
        )
        WHERE tied != 0 OR notEmpty(way)
    )
    ARRAY JOIN pages AS at, nexts AS next, arrayEnumerate(pages) AS number
)
GROUP BY move
