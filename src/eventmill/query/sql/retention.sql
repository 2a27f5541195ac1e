-- Visitors by the period of their first event and how many periods later they were there; 65535 is everybody.
SELECT first, later, count() AS visitors
FROM
(
    SELECT
        minIf(period, base) AS first,
        arrayJoin(arrayPushBack(
            arrayFilter(x -> x < {periods:UInt16}, arrayMap(x -> toUInt16(x - first), groupUniqArrayIf(period, again))),
            65535)) AS later
    FROM (SELECT visitor, toUInt16($period) AS period, base, again FROM ($seen))
    WHERE base OR again
    GROUP BY visitor
    HAVING countIf(base) > 0
)
GROUP BY first, later
