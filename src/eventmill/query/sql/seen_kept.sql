-- The same of days that are over: one row for a visitor's day.
INSERT INTO closed_visitors (question, attempt, visitor, base, again)
SELECT {_question:UInt64}, {_attempt:UInt64} + toUInt16(seen_on) AS attempt, visitor, max(base), max(again)
FROM ($seen)
WHERE base OR again
GROUP BY attempt, visitor
$limits
