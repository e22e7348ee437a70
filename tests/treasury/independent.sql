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

-- name: offer
-- What one offer uses and brings in each segment that may be asked; amounts are rounded against us.
CREATE TEMP TABLE offer AS
SELECT row_number() OVER (ORDER BY s.name) AS place, s.name, drawn, weighted, loss, s.pd_ppm,
    trunc(drawn * (s.yield_bps - a.funding_cost_bps) / 10000) - loss AS brings,
    floor(s.lines * a.take_up_bps / 10000 + 0.5) AS demand,
    greatest(0, floor(whole * a.share_at_most_bps / 10000 + 0.5) - s.limit_minor) AS room
FROM jsonb_to_recordset(%(segments)s) AS s(
    name text, lines numeric, limit_minor numeric, owed_minor numeric, pd_ppm numeric, yield_bps numeric)
CROSS JOIN jsonb_to_record(%(appetite)s) AS a(
    step_minor numeric, take_up_bps numeric, share_at_most_bps numeric, ccf_bps numeric, risk_weight_bps numeric,
    lgd_bps numeric, funding_cost_bps numeric)
CROSS JOIN LATERAL (SELECT least(a.step_minor, ceil(a.step_minor * s.owed_minor / greatest(1, s.limit_minor))) AS drawn)
CROSS JOIN LATERAL (SELECT drawn + floor((a.step_minor - drawn) * a.ccf_bps / 10000 + 0.5) AS exposure)
CROSS JOIN LATERAL (SELECT ceil(exposure * a.risk_weight_bps / 10000) AS weighted)
CROSS JOIN LATERAL (SELECT ceil(exposure * s.pd_ppm * a.lgd_bps / 10000000000) AS loss)
CROSS JOIN (
    SELECT sum(each.limit_minor) AS whole FROM jsonb_to_recordset(%(segments)s) AS each(limit_minor numeric)
)
WHERE s.lines >= 10;

-- name: bound
-- Every limit with what an offer in the first and in the second segment counts against it.
CREATE TEMP TABLE bound AS
WITH a AS (SELECT * FROM jsonb_to_record(%(appetite)s) AS a(
    step_minor numeric, reuse_bps numeric, funding_minor numeric, loss_at_most_minor numeric, pd_at_most_ppm numeric,
    share_at_most_bps numeric)
), f AS (
    SELECT sum(undrawn_minor) AS undrawn, sum(weighted_minor) AS weighted
    FROM jsonb_to_recordset(%(freed)s) AS f(undrawn_minor numeric, weighted_minor numeric)
), one AS (SELECT * FROM offer WHERE place = 1), two AS (SELECT * FROM offer WHERE place = 2)
SELECT * FROM (
    SELECT 'limit', '', step_minor, step_minor, floor(undrawn * reuse_bps / 10000 + 0.5), 100000 FROM a, f
    UNION ALL SELECT 'weighted', '', one.weighted, two.weighted, floor(f.weighted * reuse_bps / 10000 + 0.5), 100000
    FROM a, f, one, two
    UNION ALL SELECT 'funding', '', one.drawn, two.drawn, funding_minor, 100000 FROM a, one, two
    UNION ALL SELECT 'loss', '', one.loss, two.loss, loss_at_most_minor, 100000 FROM a, one, two
    UNION ALL SELECT 'pd', '', one.pd_ppm - pd_at_most_ppm, two.pd_ppm - pd_at_most_ppm, 0, 1000 FROM a, one, two
    UNION ALL SELECT 'share', name, (place = 1)::int * step_minor, (place = 2)::int * step_minor, room, 100000
    FROM a, offer WHERE share_at_most_bps < 10000
    UNION ALL SELECT 'demand', name, (place = 1)::int, (place = 2)::int, demand, 1 FROM offer
) AS every(name, segment, one, two, at_most, per);

-- name: offers
-- Every plan that breaks no limit is counted out, and the best kept.
WITH every AS (
    SELECT x, y, x * one.brings + y * two.brings - ((x > 0)::int + (y > 0)::int) * %(campaign)s AS worth
    FROM offer AS one, offer AS two, generate_series(0, one.demand) AS x, generate_series(0, two.demand) AS y
    WHERE (one.place, two.place) = (1, 2) AND (x = 0 OR x >= %(least)s) AND (y = 0 OR y >= %(least)s)
)
SELECT max(worth)::bigint AS worth_minor FROM every
WHERE NOT EXISTS (SELECT FROM bound AS b WHERE b.one * x + b.two * y > b.at_most);

-- name: limits
-- A linear programme of two unknowns has its optimum in a corner: each corner, with each limit let out by a
-- millionth of the little more, and what that brings a million times.
WITH moved AS (
    SELECT 0 AS of, 0::numeric AS by UNION ALL
    SELECT row_number() OVER (ORDER BY name, segment), CASE name WHEN 'pd' THEN per * (%(x)s + %(y)s) ELSE per END / 1e6
    FROM bound
), line AS (
    SELECT m.of, b.one, b.two, b.at_most + CASE WHEN b.no = m.of THEN m.by ELSE 0 END AS at_most
    FROM (SELECT *, row_number() OVER (ORDER BY name, segment) AS no FROM bound) AS b, moved AS m
    UNION ALL SELECT of, -1, 0, 0 FROM moved UNION ALL SELECT of, 0, -1, 0 FROM moved
    -- What was not chosen stays so.
    UNION ALL SELECT of, 1, 0, 0 FROM moved WHERE %(x)s = 0 UNION ALL SELECT of, 0, 1, 0 FROM moved WHERE %(y)s = 0
), corner AS (
    SELECT p.of, (p.at_most * q.two - q.at_most * p.two) / (p.one * q.two - q.one * p.two) AS x,
        (p.one * q.at_most - q.one * p.at_most) / (p.one * q.two - q.one * p.two) AS y
    FROM line AS p JOIN line AS q ON q.of = p.of AND p.one * q.two <> q.one * p.two
), best AS (
    SELECT c.of, max(c.x * one.brings + c.y * two.brings) AS worth FROM corner AS c, offer AS one, offer AS two
    WHERE (one.place, two.place) = (1, 2) AND NOT EXISTS (
        SELECT FROM line AS l WHERE l.of = c.of AND l.one * c.x + l.two * c.y > l.at_most + 1e-9)
    GROUP BY c.of
)
SELECT b.name, b.segment, (b.one * %(x)s + b.two * %(y)s)::bigint AS used, b.at_most::bigint AS bound, b.per::bigint,
    round((m.worth - (SELECT worth FROM best WHERE of = 0)) * 1e6)::bigint AS worth_minor
FROM (SELECT *, row_number() OVER (ORDER BY name, segment) AS no FROM bound) AS b JOIN best AS m ON m.of = b.no
ORDER BY b.name, b.segment;
