-- The names behind hashes of steps: one event each, and no further once all are found.
SELECT $step AS hash, $name
FROM events
WHERE $conditions AND hash IN {hashes:Array(UInt64)}
LIMIT 1 BY hash
LIMIT {count:UInt64}
