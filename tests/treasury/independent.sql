-- What a plan starts from a second time, in plain SQL: ``seen``, ``moved`` and ``chance`` are of the portfolio's queries.

-- name: freed
SELECT count(*) AS lines, sum(limit_minor)::bigint AS limit_minor, sum(undrawn)::bigint AS undrawn_minor,
    sum(round(undrawn * 0.1))::bigint AS exposure_minor, sum(round(round(undrawn * 0.1) * 0.75))::bigint AS weighted_minor
FROM (
    -- As each line stood at the first point of the stop that is still on.
    SELECT DISTINCT ON (s.line) s.limit_minor, greatest(s.limit_minor - s.owed, 0) AS undrawn FROM seen AS s
    WHERE s.stopped AND s.point > 0 AND s.point > coalesce((
        SELECT max(o.point) FROM seen AS o WHERE o.line = s.line AND NOT o.stopped), -1)
    ORDER BY s.line, s.point
) AS gone;

-- name: segments
WITH RECURSIVE mixed AS (
    -- The whole book's rates count like a hundred lines, beside the segment's own.
    SELECT c.i, c.j, CASE WHEN c.i IN (0, 5) THEN c.p ELSE (100 * c.p + coalesce(m.n, 0))
        / (100 + coalesce((SELECT sum(o.n) FROM moved AS o WHERE o.i = c.i), 0))::float8 END AS p
    FROM chance AS c LEFT JOIN moved AS m ON (m.i, m.j) = (c.i, c.j)
), within (month, pd) AS (
    SELECT 0, ARRAY[0, 0, 0, 0, 0, 1]::float8[]
    UNION ALL
    SELECT month + 1, ARRAY(SELECT sum(m.p * within.pd[m.j + 1]) FROM mixed AS m GROUP BY m.i ORDER BY m.i)
    FROM within WHERE month < 12
), open AS (
    SELECT s.*, EXISTS (SELECT FROM exits.v_case AS e WHERE e.line = s.line AND e.stopped_at IS NOT NULL
            AND e.state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder', 'notice')) AS gone
    FROM seen AS s WHERE point = (SELECT max(point) FROM seen) AND coalesce(closed_on > on_day, true)
), month AS (
    SELECT p.point, (SELECT sum(owed) FROM seen AS s WHERE s.point = p.point - 1) AS opening, (
        SELECT coalesce(sum(i.interest_minor + i.fee_minor), 0) FROM billing.v_instalment AS i
        WHERE i.charged_on > p.before_on AND i.charged_on <= p.on_day) + (
        SELECT coalesce(sum(CASE WHEN i.charged_on IS NULL THEN s.amount_minor ELSE -s.amount_minor END), 0)
        FROM billing.v_settlement AS s JOIN billing.v_instalment AS i ON (i.plan, i.no) = (s.plan, s.no)
        WHERE s.component <> 'principal' AND greatest(s.counts_from, i.charged_on) > p.before_on
            AND greatest(s.counts_from, i.charged_on) <= p.on_day
            AND ((i.charged_on IS NULL AND s.kind IN ('payment', 'credit', 'return', 'sold'))
                OR (i.charged_on IS NOT NULL AND s.kind IN ('carried', 'unearned', 'unpriced')))) AS charged
    FROM (SELECT DISTINCT point, on_day, before_on FROM seen WHERE point > 0 ORDER BY point DESC LIMIT 12) AS p
)
SELECT count(*) FILTER (WHERE NOT stopped AND NOT helped AND dpd <= 0 AND NOT EXISTS (
        SELECT FROM purchases.v_dispute AS d WHERE d.line = open.line AND d.outcome = 'open')) AS lines,
    (sum(limit_minor) FILTER (WHERE NOT gone))::bigint AS limit_minor,
    (sum(owed) FILTER (WHERE NOT gone))::bigint AS owed_minor,
    (SELECT round(pd[2] * 1e6)::bigint FROM within WHERE month = 12) AS pd_ppm,
    (SELECT floor(sum(charged) * 12 * 10000 / sum(opening))::bigint FROM month) AS yield_bps
FROM open;
