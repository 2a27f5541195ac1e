-- Who was seen on which day: by an event that may be the first one, by one that counts as coming back.
SELECT user_hash AS visitor, toDate(time, '$zone') AS seen_on, $base AS base, $again AS again
FROM events
WHERE $conditions
