-- Insight's measures a second time, in plain SQL and to the end: counts, shares, intervals. Each query gives
-- columns of the measure of its name, and two more: how many its group has (veil_count) and within what a
-- hidden one could be had by subtraction (veil_group); where it has none, nothing is hidden.

-- name: functions
CREATE FUNCTION pg_temp.byar(k float8, z float8) RETURNS float8 LANGUAGE sql AS $$
    SELECT CASE WHEN k = 0 THEN 0 ELSE k * power(greatest(0, 1 - 1 / (9 * k) + z / (3 * sqrt(k))), 3) END
$$;
-- Half the width of an interval that is valid at any time, between two arms of n with k events.
CREATE FUNCTION pg_temp.any_time(k1 bigint, n1 bigint, k2 bigint, n2 bigint) RETURNS float8 LANGUAGE sql AS $$
    SELECT CASE WHEN least(n1, n2) < 30 THEN 2 ELSE
        sqrt(v * 2 * (n * r + 1) / (n * r) * ln(sqrt(n * r + 1) / 0.05::float8)) END
    FROM (SELECT (n1 + n2)::float8 AS n, (ln(400::float8) + ln(1 + ln(400::float8))) / 1000 AS r,
        (k1 + 1) * (n1 - k1 + 1) / power(n1 + 2, 2) / nullif(n1, 0)
        + (k2 + 1) * (n2 - k2 + 1) / power(n2 + 2, 2) / nullif(n2, 0) AS v) AS f
$$;
CREATE FUNCTION pg_temp.wilson_low(k bigint, n bigint) RETURNS float8 LANGUAGE sql AS $$
    SELECT CASE WHEN n = 0 OR k = 0 THEN 0 ELSE
        (2 * k + z * z - z * sqrt(z * z + 4 * k * (1 - k::float8 / n))) / (2 * (n + z * z)) END
    FROM (VALUES (1.959963984540054::float8)) AS v (z)
$$;
CREATE FUNCTION pg_temp.wilson_high(k bigint, n bigint) RETURNS float8 LANGUAGE sql AS $$
    SELECT 1 - pg_temp.wilson_low(n - k, n)
$$;
CREATE FUNCTION pg_temp.asked(c text, s text) RETURNS boolean LANGUAGE sql AS $$
    SELECT c IN ('close', 'withdraw') AND s NOT IN ('lapsed', 'cancelled', 'rejected_not_holder')
$$;
CREATE TEMP TABLE walked AS
WITH place (journey, step, no) AS (
    VALUES ('leave', 'choose', 1), ('leave', 'identity', 2), ('leave', 'check', 3), ('outside', 'code', 1),
        ('withdraw', 'statement', 1)
), whole AS (
    SELECT s.*, p.no, min(s.at) OVER (PARTITION BY s.walk) AS began FROM insight.step AS s
    LEFT JOIN place AS p ON (p.journey, p.step) = (s.journey, s.step)
)
SELECT *, max(no) OVER (PARTITION BY walk) AS last_no,
    bool_or(step = 'done') OVER (PARTITION BY walk) AS is_done,
    coalesce(bool_or(no IS NULL AND step <> 'done') OVER (PARTITION BY walk), false) AS is_other,
    (SELECT extract(epoch FROM min(n.at) - w.at)::float8 FROM insight.step AS n WHERE n.walk = w.walk AND n.at > w.at)
        AS seconds
FROM whole AS w
WHERE began > %(since)s::timestamptz - INTERVAL '1 hour' AND began <= %(until)s::timestamptz - INTERVAL '1 hour';
CREATE TEMP TABLE gone AS
SELECT e.*, l.pack, l.closed_on FROM exits.v_case AS e JOIN lines.v_line AS l ON l.id = e.line;
CREATE TEMP TABLE did AS
WITH there AS (
    SELECT l.id, (
        SELECT s.probability FROM decisions.v_score AS s
        WHERE s.subject = l.id AND s.name = 'behaviour' AND s.role = 'champion' AND s.at <= %(start)s
        ORDER BY s.at DESC LIMIT 1) AS risk
    FROM lines.v_line AS l
    WHERE l.opened_on <= %(start_day)s AND coalesce(l.closed_on, 'infinity') > %(start_day)s
        AND l.id NOT IN (
            SELECT line FROM gone WHERE requested_at <= %(start)s
                AND state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder', 'notice'))
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY risk IS NULL ORDER BY risk, id) - 1 AS r,
        count(*) OVER (PARTITION BY risk IS NULL) AS n FROM there
)
SELECT id, CASE WHEN risk IS NULL THEN 'unscored'
    -- Fifths as even as they can be, the first ones larger by one.
    WHEN r < mod(n, 5) * (n / 5 + 1) THEN 'band_' || 1 + r / (n / 5 + 1)
    ELSE 'band_' || 1 + mod(n, 5) + (r - mod(n, 5) * (n / 5 + 1)) / (n / 5) END AS band,
    CASE WHEN EXISTS (
        SELECT FROM gone AS g WHERE g.line = t.id AND pg_temp.asked(g.kind, g.state)
            AND g.requested_at > %(start)s AND g.requested_at <= %(cut)s) THEN 'left'
    WHEN EXISTS (
        SELECT FROM store.v_journal AS j WHERE j.subject = t.id AND j.kind = 'line.limit_changed'
            AND j.at > %(start)s AND j.at <= %(cut)s AND j.actor = 'customer'
            AND (j.data ->> 'to_minor')::numeric < (j.data ->> 'from_minor')::numeric) THEN 'reduced'
    WHEN EXISTS (
        SELECT FROM lines.v_lock AS k WHERE k.line = t.id AND k.party = 'customer' AND k.feature = 'all'
            AND k.set_at > %(start)s AND k.set_at <= %(cut)s) THEN 'paused'
    ELSE 'stayed' END AS what,
    EXISTS (
        SELECT FROM billing.v_asked AS a
        CROSS JOIN generate_series(%(cut_day)s::date + 1, %(until_day)s::date, INTERVAL '1 day') AS d (day)
        WHERE a.line = t.id AND d.day::date - a.due_on >= 30 AND a.due_on <= %(until_day)s::date - 30
            AND a.minor > (
                SELECT coalesce(sum(s.amount_minor), 0) FROM billing.v_settlement AS s
                WHERE (s.line, s.plan, s.no) = (a.line, a.plan, a.no) AND s.counts_from <= d.day)) AS was_late
FROM ranked AS t;
CREATE TEMP TABLE looked AS
SELECT o.*, get_byte(uuid_send(o.id), 15) %% 2 AS half, o.shown_at + INTERVAL '30 days' <= %(until)s AS known_30,
    o.shown_at + INTERVAL '180 days' <= %(until)s AS known_180,
    coalesce(g.asked <= o.shown_at + INTERVAL '30 days', false)::int AS left_30,
    coalesce(g.asked <= o.shown_at + INTERVAL '180 days', false)::int AS left_180,
    EXISTS (
        SELECT FROM complaints.v_complaint AS k WHERE k.customer = l.customer AND k.filed_at > o.shown_at
            AND k.filed_at <= o.shown_at + INTERVAL '180 days')::int AS complained,
    EXISTS (
        SELECT FROM billing.v_asked AS a WHERE a.line = o.line
            AND a.due_on < (o.shown_at AT TIME ZONE 'Asia/Shanghai')::date
            AND a.minor > (
                SELECT coalesce(sum(s.amount_minor), 0) FROM billing.v_settlement AS s
                WHERE (s.line, s.plan, s.no) = (a.line, a.plan, a.no)
                    AND s.counts_from <= (o.shown_at AT TIME ZONE 'Asia/Shanghai')::date))::int AS troubled
FROM exits.v_offer AS o
JOIN lines.v_line AS l ON l.id = o.line
LEFT JOIN LATERAL (
    SELECT min(e.requested_at) AS asked FROM gone AS e
    WHERE e.line = o.line AND e.requested_at >= o.shown_at AND pg_temp.asked(e.kind, e.state)
) AS g ON true
WHERE o.shown_at <= %(until)s;

-- name: funnel
SELECT 'all' AS segment, w.journey, w.no || '_' || w.step AS screen, count(*) AS walks,
    count(*) FILTER (WHERE w.no < w.last_no OR w.is_done) AS went_on,
    count(*) FILTER (WHERE w.no = w.last_no AND NOT w.is_done AND w.is_other) AS other_way,
    count(*) FILTER (WHERE w.no = w.last_no AND NOT w.is_done AND NOT w.is_other) AS went_away,
    pg_temp.wilson_low(count(*) FILTER (WHERE w.no = w.last_no AND NOT w.is_done AND NOT w.is_other), count(*))
        AS drop_low,
    count(*) FILTER (WHERE w.no = w.last_no AND NOT w.is_done AND NOT w.is_other)::float8 / count(*) AS drop,
    pg_temp.wilson_high(count(*) FILTER (WHERE w.no = w.last_no AND NOT w.is_done AND NOT w.is_other), count(*))
        AS drop_high,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY w.seconds) AS median_seconds,
    count(*) AS veil_count, w.journey || w.step AS veil_group
FROM walked AS w WHERE w.no IS NOT NULL GROUP BY w.journey, w.no, w.step;

-- name: flows
SELECT 'all' AS segment, journey, step AS from_step, to_step, count(*) AS walks,
    count(*) AS veil_count, journey || step AS veil_group
FROM (
    SELECT w.journey, w.step, coalesce(
        (SELECT n.step FROM walked AS n WHERE n.walk = w.walk AND n.no > w.no ORDER BY n.no LIMIT 1),
        CASE WHEN w.is_done THEN 'done' END,
        (SELECT o.step FROM walked AS o WHERE o.walk = w.walk AND o.no IS NULL ORDER BY o.at DESC LIMIT 1),
        'went_away') AS to_step
    FROM walked AS w WHERE w.no IS NOT NULL
) AS f GROUP BY journey, step, to_step;

-- name: reasons
SELECT 'all' AS segment, reason, exits, exits::float8 / whole AS share, pg_temp.wilson_low(exits, whole) AS share_low,
    pg_temp.wilson_high(exits, whole) AS share_high, exits AS veil_count, '' AS veil_group
FROM (
    SELECT coalesce(reason, 'not_said') AS reason, count(*) AS exits, sum(count(*)) OVER ()::bigint AS whole
    FROM gone WHERE pg_temp.asked(kind, state) AND requested_at > %(since)s AND requested_at <= %(until)s GROUP BY 1
) AS r;

-- name: complaints
WITH leaver AS (
    SELECT * FROM gone WHERE pg_temp.asked(kind, state) AND requested_at > %(since)s AND requested_at <= %(until)s
), filed AS (
    SELECT DISTINCT k.id, k.topic FROM complaints.v_complaint AS k
    WHERE EXISTS (
        SELECT FROM leaver AS e WHERE e.customer = k.customer
            AND k.filed_at - e.requested_at >= INTERVAL '0' AND k.filed_at < e.requested_at + INTERVAL '90 days')
), counted AS (
    SELECT topic, count(*) AS complaints, count(*) AS veil_count, 'topics' AS veil_group FROM filed GROUP BY topic
    UNION ALL
    SELECT 'any', (SELECT count(*) FROM filed), (SELECT count(*) FROM leaver), 'any'
)
SELECT 'all' AS segment, c.topic, e.exits, c.complaints, c.complaints * 1000 / e.exits::float8 AS per_thousand,
    pg_temp.byar(c.complaints, -1.959963984540054) * 1000 / e.exits AS per_thousand_low,
    pg_temp.byar(c.complaints + 1, 1.959963984540054) * 1000 / e.exits AS per_thousand_high,
    c.veil_count, c.veil_group
FROM counted AS c CROSS JOIN (SELECT count(*) AS exits FROM leaver) AS e;

-- name: rejoins
SELECT 'all' AS segment, 'within_' || to_char(m.months, 'FM00') AS within, count(*) AS leavers,
    count(b.line) AS rejoined, count(b.line)::float8 / count(*) AS share,
    pg_temp.wilson_low(count(b.line), count(*)) AS share_low, pg_temp.wilson_high(count(b.line), count(*)) AS share_high,
    count(*) AS veil_count, m.months::text AS veil_group
FROM unnest(ARRAY[1, 3, 6, 12]) AS m (months)
JOIN gone AS g ON g.state = 'closed' AND g.kind IN ('close', 'withdraw')
    AND g.closed_on + make_interval(months => m.months) <= %(until_day)s
LEFT JOIN LATERAL (
    SELECT o.id AS line FROM lines.v_line AS o
    WHERE o.customer = g.customer AND o.id <> g.line AND o.opened_on >= g.closed_on
        AND o.opened_on < g.closed_on + make_interval(months => m.months) LIMIT 1
) AS b ON true
GROUP BY m.months;

-- name: hazard
WITH asked AS (
    SELECT line, min(requested_at AT TIME ZONE 'Asia/Shanghai')::date AS day FROM gone
    WHERE pg_temp.asked(kind, state) GROUP BY line
)
SELECT 'all' AS segment, m.month, count(*) AS at_risk, count(*) FILTER (WHERE date_trunc('month', a.day) = m.month) AS asked,
    count(*) FILTER (WHERE date_trunc('month', a.day) = m.month)::float8 / count(*) AS hazard,
    pg_temp.wilson_low(count(*) FILTER (WHERE date_trunc('month', a.day) = m.month), count(*)) AS hazard_low,
    pg_temp.wilson_high(count(*) FILTER (WHERE date_trunc('month', a.day) = m.month), count(*)) AS hazard_high,
    count(*) AS veil_count, m.month::text AS veil_group
FROM (SELECT (DATE '2025-02-01' + make_interval(months => n))::date AS month FROM generate_series(0, 10) AS n) AS m
CROSS JOIN lines.v_line AS l LEFT JOIN asked AS a ON a.line = l.id
WHERE l.opened_on < m.month AND coalesce(l.closed_on, 'infinity') >= m.month AND coalesce(a.day, 'infinity') >= m.month
GROUP BY m.month;

-- name: leavers
SELECT 'all' AS segment, band, count(*) AS lines, count(*) FILTER (WHERE what = 'left') AS left,
    count(*) FILTER (WHERE what <> 'left') AS stayed, avg((what = 'left')::int)::float8 AS share_left,
    pg_temp.wilson_low(count(*) FILTER (WHERE what = 'left'), count(*)) AS share_low,
    pg_temp.wilson_high(count(*) FILTER (WHERE what = 'left'), count(*)) AS share_high,
    count(*) AS veil_count, '' AS veil_group
FROM did GROUP BY band;

-- name: outcomes
SELECT 'all' AS segment, what AS did, count(*) AS lines, count(*) FILTER (WHERE was_late) AS late,
    avg(was_late::int)::float8 AS late_rate, pg_temp.wilson_low(count(*) FILTER (WHERE was_late), count(*)) AS late_low,
    pg_temp.wilson_high(count(*) FILTER (WHERE was_late), count(*)) AS late_high,
    count(*) AS veil_count, '' AS veil_group
FROM did GROUP BY what;

-- name: drivers
WITH part AS (
    SELECT p.value ->> 'fact' AS fact, p.value -> 'cuts' AS cuts, p.value -> 'scores' AS scores,
        (SELECT min(s::float8) FROM jsonb_array_elements_text(p.value -> 'scores') AS s) AS best
    FROM jsonb_array_elements(%(model)s::jsonb -> 'parts') AS p
), fact AS (
    SELECT l.id, f.name, f.value FROM lines.v_line AS l
    CROSS JOIN LATERAL (
        SELECT max(b.opened_on) AS last_on, count(*) FILTER (WHERE %(until_day)s - b.opened_on < 365) AS year
        FROM billing.v_bought AS b WHERE b.line = l.id) AS b
    CROSS JOIN LATERAL (VALUES ('limit_minor', l.limit_minor), ('purchases_12m', b.year),
        ('months_idle', floor((%(until_day)s - coalesce(b.last_on, l.opened_on)) / 30.0)::bigint)) AS f (name, value)
    WHERE l.opened_on <= %(until_day)s AND coalesce(l.closed_on, 'infinity') > %(until_day)s AND NOT EXISTS (
        SELECT FROM gone AS g WHERE g.line = l.id AND g.requested_at <= %(until)s
            AND g.state IN ('stopped', 'confirmed', 'run_off', 'clearing', 'held', 'closed'))
), weighed AS (
    SELECT f.id, p.fact, p.best, (p.scores ->> (
        SELECT count(*)::int FROM jsonb_array_elements_text(p.cuts) AS c WHERE c::float8 <= f.value))::float8 AS w
    FROM fact AS f JOIN part AS p ON p.fact = f.name
), line AS (
    SELECT id, 1 / (1 + exp(-((%(model)s::jsonb ->> 'bias')::float8 + sum(w)))) AS chance,
        (array_agg(fact ORDER BY w - best DESC, fact) FILTER (WHERE w > best))[1] AS top
    FROM weighed GROUP BY id
), told AS (SELECT count(*) AS n, avg(chance) AS hazard, stddev_samp(chance) AS spread FROM line)
SELECT w.fact AS driver, t.n AS lines, sum(w.w - w.best) / t.n AS weight, t.hazard,
    greatest(0, t.hazard - 1.959963984540054 * t.spread / sqrt(t.n)) AS hazard_low,
    least(1, t.hazard + 1.959963984540054 * t.spread / sqrt(t.n)) AS hazard_high,
    (SELECT count(*) FROM line AS l WHERE l.top = w.fact)::float8 / t.n AS share,
    pg_temp.wilson_low((SELECT count(*) FROM line AS l WHERE l.top = w.fact), t.n) AS share_low,
    pg_temp.wilson_high((SELECT count(*) FROM line AS l WHERE l.top = w.fact), t.n) AS share_high
FROM weighed AS w CROSS JOIN told AS t GROUP BY w.fact, t.n, t.hazard, t.spread HAVING sum(w.w - w.best) > 0;

-- name: offers
WITH arm AS (
    SELECT offer, max(kind) AS kind, CASE WHEN bool_or(ended_at IS NOT NULL) THEN 'yes' ELSE 'no' END AS ended,
        count(*) FILTER (WHERE NOT held_out) AS shown, count(*) FILTER (WHERE held_out) AS held_out,
        coalesce(sum(troubled) FILTER (WHERE NOT held_out), 0)::bigint AS troubled FROM looked GROUP BY offer
), outcome AS (
    SELECT offer, 'left_30' AS name, held_out, left_30 AS came FROM looked WHERE known_30
    UNION ALL SELECT offer, 'left_180', held_out, left_180 FROM looked WHERE known_180
    UNION ALL SELECT offer, 'complained', held_out, complained FROM looked WHERE known_180
), counted AS (
    SELECT a.offer, n.name, count(o.came) FILTER (WHERE NOT o.held_out) AS n1, count(o.came) FILTER (WHERE o.held_out) AS n2,
        coalesce(sum(o.came) FILTER (WHERE NOT o.held_out), 0)::bigint AS k1,
        coalesce(sum(o.came) FILTER (WHERE o.held_out), 0)::bigint AS k2
    FROM arm AS a CROSS JOIN (VALUES ('left_30'), ('left_180'), ('complained')) AS n (name)
    LEFT JOIN outcome AS o ON (o.offer, o.name) = (a.offer, n.name) GROUP BY a.offer, n.name
), gap AS (
    SELECT *, coalesce(k1::float8 / nullif(n1, 0) - k2::float8 / nullif(n2, 0), 0) AS gap,
        pg_temp.any_time(k1, n1, k2, n2) AS half FROM counted
), told AS (
    SELECT a.*, s.gap AS left_30_uplift, greatest(-1, s.gap - s.half) AS left_30_low, least(1, s.gap + s.half) AS left_30_high,
        l.gap AS left_180_uplift, greatest(-1, l.gap - l.half) AS left_180_low, least(1, l.gap + l.half) AS left_180_high,
        c.gap AS complained_uplift, greatest(-1, c.gap - c.half) AS complained_low,
        least(1, c.gap + c.half) AS complained_high, l.n1 + l.n2 AS followed
    FROM arm AS a JOIN gap AS s ON (s.offer, s.name) = (a.offer, 'left_30')
    JOIN gap AS l ON (l.offer, l.name) = (a.offer, 'left_180') JOIN gap AS c ON (c.offer, c.name) = (a.offer, 'complained')
)
SELECT *, troubled::float8 / nullif(shown, 0) AS in_difficulty, CASE
    WHEN kind <> 'hardship_help' AND pg_temp.wilson_low(troubled, shown) > 0.05 THEN 'reaches_difficulty'
    WHEN complained_low > 0 THEN 'harms'
    WHEN left_180_high < 0 THEN 'works'
    WHEN left_30_high < 0 AND followed >= 200 AND left_180_uplift > left_30_uplift / 2 THEN 'only_delays'
    WHEN followed >= 4000 THEN 'no_effect' ELSE 'running' END AS verdict,
    least(shown, held_out) AS veil_count, offer AS veil_group
FROM told;

-- name: qini
WITH cell AS (
    SELECT offer, h.half AS half, CASE WHEN months < 12 THEN 'new_' ELSE 'old_' END
        || CASE WHEN drawn_bps < 3000 THEN 'low' WHEN drawn_bps < 7000 THEN 'middle' ELSE 'high' END AS stratum,
        count(*) FILTER (WHERE NOT held_out) AS a, coalesce(sum(left_180) FILTER (WHERE NOT held_out), 0) AS b,
        count(*) FILTER (WHERE held_out) AS c, coalesce(sum(left_180) FILTER (WHERE held_out), 0) AS d
    FROM looked CROSS JOIN (VALUES (0), (1), (2)) AS h (half)
    WHERE known_180 AND (h.half = 2 OR h.half = looked.half) GROUP BY 1, 2, 3
), guess AS (
    SELECT offer, half, stratum, (d + 1) / (c + 2) - (b + 1) / (a + 2) AS moved FROM (
        SELECT offer, half, stratum, a::float8 AS a, b::float8 AS b, c::float8 AS c, d::float8 AS d FROM cell) AS f
), point AS (
    -- A half is put in order by the other half; all (2) by all.
    SELECT t.offer, t.half, t.stratum, sum(t.a + t.c) OVER w / sum(t.a + t.c) OVER (PARTITION BY t.offer, t.half) AS people,
        (coalesce(sum(t.d) OVER w * sum(t.a) OVER w / nullif(sum(t.c) OVER w, 0), 0) - sum(t.b) OVER w)
        / nullif(sum(t.a) OVER (PARTITION BY t.offer, t.half), 0) AS fewer_leave
    FROM cell AS t LEFT JOIN guess AS g ON (g.offer, g.stratum) = (t.offer, t.stratum)
        AND g.half = CASE t.half WHEN 0 THEN 1 WHEN 1 THEN 0 ELSE 2 END
    WINDOW w AS (PARTITION BY t.offer, t.half ORDER BY coalesce(g.moved, 0) DESC, t.stratum)
), area AS (
    SELECT offer, half, sum((people - before) * (fewer_leave + gain_before) / 2)
        - (array_agg(fewer_leave ORDER BY people DESC))[1] / 2 AS area
    FROM (
        SELECT *, lag(people, 1, 0) OVER v AS before, lag(fewer_leave, 1, 0) OVER v AS gain_before
        FROM (SELECT offer, half, people::float8 AS people, fewer_leave::float8 AS fewer_leave FROM point) AS p
        WINDOW v AS (PARTITION BY offer, half ORDER BY people)
    ) AS p GROUP BY offer, half
)
SELECT p.offer, p.people::float8 AS people, p.fewer_leave::float8 AS fewer_leave,
    (SELECT avg(area) FROM area AS r WHERE r.offer = p.offer AND r.half < 2) AS qini
FROM (SELECT offer, half, people, fewer_leave FROM point UNION ALL SELECT DISTINCT offer, 2, 0, 0 FROM point) AS p
WHERE p.half = 2 AND (SELECT count(*) FROM looked AS l WHERE l.offer = p.offer AND l.known_180) >= 20;
