-- Walks of days that are over: as many rows as there are different ones. Of a visitor whose steps have no order yet, who
-- it is.
INSERT INTO closed_walks (question, attempt, tied, steps, sessions, bounces)
SELECT
    {_question:UInt64},
    {_attempt:UInt64} + toUInt16(day) AS attempt,
    tied,
    if(tied = 0, steps, []) AS way,
    sum(sessions),
    sum(bounces)
FROM ($walks)
WHERE tied != 0 OR notEmpty(steps)
GROUP BY attempt, tied, way
$limits
