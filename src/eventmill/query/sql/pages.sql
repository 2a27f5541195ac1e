-- Sessions by the page that they began or ended with. A row of kind `$tied` is a visitor whose steps have no order yet.
SELECT
    if(tied = 0, 0, $tied) AS kind,
    if(tied = 0, steps[$place], tied) AS page,
    sum(sessions) AS sessions,
    sum(bounces) AS bounces
FROM ($walks)
WHERE tied != 0 OR notEmpty(steps)
GROUP BY kind, page
