-- Sessions by the page that they began or ended with. A visitor whose steps have no order yet is one row with `tied`.
SELECT tied, if(tied = 0, steps[$place], 0) AS page, sum(sessions) AS sessions, sum(bounces) AS bounces
FROM ($walks)
WHERE notEmpty(steps)
GROUP BY tied, page
