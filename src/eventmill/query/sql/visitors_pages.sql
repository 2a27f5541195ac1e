-- The pages with the most visitors.
SELECT $page AS page, uniqExact(user_hash) AS visitors
FROM events
WHERE $conditions AND $page_view AND user_hash != cityHash64('')
GROUP BY page
ORDER BY visitors DESC, page
LIMIT {pages:UInt16}
