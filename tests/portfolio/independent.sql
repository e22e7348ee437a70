-- The portfolio's measures a second time, on PostgreSQL and without the lake. Each query gives columns
-- that the measure of its name gives too; ``seen`` is made first, a row per line and point, then ``pd``, the
-- chain's probabilities by bucket, and ``losses``, a row per line of the last point with its expected loss then
-- and a month before.

-- name: seen
CREATE TEMP TABLE seen AS
WITH days AS (
    SELECT ord - 1 AS point, day, lag(day) OVER (ORDER BY ord) AS before_on
    FROM unnest(%(days)s::date[]) WITH ORDINALITY AS d (day, ord)
), owed AS (
    SELECT d.point, m.line, sum(m.minor)::bigint AS minor
    FROM days AS d JOIN billing.v_movement AS m ON m.day <= d.day GROUP BY d.point, m.line
), late AS (
    SELECT d.point, a.line, min(a.due_on) AS since
    FROM days AS d JOIN billing.v_asked AS a ON a.due_on < d.day
    WHERE a.minor > coalesce((
        SELECT sum(s.amount_minor) FROM billing.v_settlement AS s
        WHERE (s.plan, s.no) = (a.plan, a.no) AND s.counts_from <= d.day), 0)
    GROUP BY d.point, a.line
), forborne AS (
    SELECT DISTINCT ON (d.point, h.line) d.point, h.line, h.agreed_on, h.frozen_days, h.distressed
    FROM days AS d JOIN billing.v_hardship AS h
        ON h.agreed_on <= d.day AND (h.ended_on IS NULL OR h.ended_on > d.day)
    ORDER BY d.point, h.line, h.agreed_on DESC, h.id DESC
), gone AS (
    SELECT e.line, min((e.stopped_at AT TIME ZONE l.timezone)::date) AS stopped_on, max(e.kind) AS kind
    FROM exits.v_case AS e JOIN lines.v_line AS l ON l.id = e.line
    WHERE e.stopped_at IS NOT NULL AND e.state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder', 'notice')
    GROUP BY e.line
), stood AS (
    SELECT d.point, d.day AS on_day, d.before_on, l.id AS line, l.opened_on, coalesce(o.minor, 0) AS owed,
        CASE WHEN t.since IS NULL THEN 0 ELSE d.day - greatest(t.since, f.agreed_on) END
            + CASE WHEN o.minor > 0 THEN coalesce(f.frozen_days, 0) ELSE 0 END AS dpd,
        f.line IS NOT NULL AND o.minor > 0 AS forborne, coalesce(f.distressed, false) AND o.minor > 0 AS distressed, f.line IS NOT NULL AS helped, l.limit_minor, l.closed_on, g.kind AS exit_kind,
        coalesce(g.stopped_on <= d.day, false) OR coalesce(l.closed_on <= d.day, false) AS leaving,
        EXISTS (SELECT FROM lines.v_lock AS k WHERE k.line = l.id AND k.feature = 'all'
            AND (k.set_at AT TIME ZONE l.timezone)::date <= d.day
            AND ((k.lifted_at AT TIME ZONE l.timezone)::date > d.day OR k.lifted_at IS NULL)) AS locked,
        (SELECT coalesce(sum(w.amount_minor), 0) FROM billing.v_settlement AS w
            WHERE w.line = l.id AND w.kind IN ('waiver', 'sold') AND w.on_day <= d.day
                AND (d.before_on IS NULL OR w.on_day > d.before_on))::bigint AS waived
    FROM days AS d
    JOIN lines.v_line AS l ON l.opened_on <= d.day
    LEFT JOIN owed AS o ON (o.point, o.line) = (d.point, l.id)
    LEFT JOIN late AS t ON (t.point, t.line) = (d.point, l.id)
    LEFT JOIN forborne AS f ON (f.point, f.line) = (d.point, l.id)
    LEFT JOIN gone AS g ON g.line = l.id
)
SELECT *, CASE WHEN owed <= 0 THEN 'none' WHEN dpd >= 90 THEN 'dpd_90_plus' WHEN dpd >= 60 THEN 'dpd_60_89'
    WHEN dpd >= 30 THEN 'dpd_30_59' WHEN dpd >= 1 THEN 'dpd_1_29' ELSE 'current' END AS bucket,
    leaving OR locked AS stopped, CASE WHEN leaving OR locked THEN 0 ELSE greatest(limit_minor - owed, 0) END AS undrawn,
    lag(owed) OVER w AS owed_before, lag(dpd) OVER w AS dpd_before
FROM stood WINDOW w AS (PARTITION BY line ORDER BY point);

-- name: npl
WITH month AS (
    SELECT on_day, point, count(*) FILTER (WHERE owed > 0) AS lines, sum(owed)::bigint AS book_minor,
        coalesce(sum(owed) FILTER (WHERE dpd > 90), 0)::bigint AS npl_minor,
        coalesce(sum(owed) FILTER (WHERE dpd > 90 AND coalesce(dpd_before, 0) <= 90), 0)::bigint AS new_npl_minor,
        coalesce(sum(owed_before) FILTER (WHERE dpd_before <= 90), 0)::bigint AS performing_before_minor
    FROM seen GROUP BY on_day, point
)
SELECT on_day, lines, book_minor, npl_minor, new_npl_minor, performing_before_minor,
    npl_minor / nullif(book_minor, 0)::float8 AS npl_ratio,
    new_npl_minor / nullif(performing_before_minor, 0)::float8 AS formation_rate, npl_minor::float8 / (
    SELECT e.book_minor FROM month AS e
    WHERE e.point BETWEEN m.point - 12 AND m.point AND e.book_minor > 0 ORDER BY e.point LIMIT 1
)::float8 AS constant_ratio
FROM month AS m;

-- name: npl_change
WITH moved AS (
    SELECT on_day, leaving, CASE WHEN dpd_before > 90 THEN owed_before ELSE 0 END AS n0,
        CASE WHEN dpd > 90 THEN owed ELSE 0 END AS n1, owed - coalesce(owed_before, 0) AS grown,
        greatest(least(coalesce(owed_before, 0), waived), 0) AS lost, coalesce(owed_before, 0) AS b0, owed AS b1
    FROM seen WHERE point > 0
), cause AS (
SELECT m.on_day, c.cause, sum(CASE c.cause
    WHEN '1_new_bad' THEN CASE WHEN n0 = 0 THEN n1 ELSE 0 END
    WHEN '2_cured' THEN CASE WHEN n0 > 0 AND n1 = 0 THEN lost - n0 ELSE 0 END
    WHEN '3_stays_bad' THEN CASE WHEN n0 > 0 AND n1 > 0 THEN n1 - n0 + lost ELSE 0 END
    WHEN '4_written_off' THEN CASE WHEN n0 > 0 THEN -lost ELSE 0 END
    ELSE 0 END)::bigint AS npl_change_minor, sum(CASE c.cause
    WHEN '4_written_off' THEN -lost
    WHEN '5_book_growth' THEN CASE WHEN leaving THEN 0 ELSE grown + lost END
    WHEN '6_exits' THEN CASE WHEN leaving THEN grown + lost ELSE 0 END
    ELSE 0 END)::bigint AS book_change_minor
FROM moved AS m, (VALUES ('1_new_bad'), ('2_cured'), ('3_stays_bad'), ('4_written_off'), ('5_book_growth'),
    ('6_exits')) AS c (cause)
GROUP BY m.on_day, c.cause
), ratio AS (
    SELECT on_day, coalesce(sum(n0) / nullif(sum(b0), 0), 0)::float8 AS r0, sum(n1) / nullif(sum(b1), 0)::float8 AS r1,
        nullif(sum(b1), 0)::float8 AS b1 FROM moved GROUP BY on_day
)
SELECT c.*, r.r0 AS ratio_before, r.r1 AS ratio_after,
    c.npl_change_minor / r.b1 - r.r0 * c.book_change_minor / r.b1 AS contribution
FROM cause AS c JOIN ratio AS r ON r.on_day = c.on_day;

-- name: dpd
SELECT on_day, coalesce(sum(owed) FILTER (WHERE dpd >= 30), 0)::bigint AS dpd_30_minor,
    coalesce(sum(owed) FILTER (WHERE dpd >= 60), 0)::bigint AS dpd_60_minor,
    coalesce(sum(owed) FILTER (WHERE dpd >= 90), 0)::bigint AS dpd_90_minor,
    count(*) FILTER (WHERE owed > 0) AS lines, sum(owed)::bigint AS book_minor,
    count(*) FILTER (WHERE owed > 0 AND dpd >= 30) AS lines_30, count(*) FILTER (WHERE owed > 0 AND dpd >= 60) AS lines_60,
    count(*) FILTER (WHERE owed > 0 AND dpd >= 90) AS lines_90,
    coalesce(sum(owed) FILTER (WHERE dpd >= 30), 0) / nullif(sum(owed), 0)::float8 AS dpd_30_share,
    coalesce(sum(owed) FILTER (WHERE dpd >= 60), 0) / nullif(sum(owed), 0)::float8 AS dpd_60_share,
    coalesce(sum(owed) FILTER (WHERE dpd >= 90), 0) / nullif(sum(owed), 0)::float8 AS dpd_90_share
FROM seen GROUP BY on_day;

-- name: roll_rates
SELECT s.on_day, b.bucket AS from_bucket, s.bucket AS to_bucket, count(*) AS lines,
    sum(b.owed)::bigint AS opening_minor, sum(s.owed)::bigint AS closing_minor,
    count(*) / sum(count(*)) OVER (PARTITION BY s.on_day, b.bucket)::float8 AS lines_share,
    sum(b.owed) / sum(sum(b.owed)) OVER (PARTITION BY s.on_day, b.bucket)::float8 AS opening_share,
    sum(s.owed) / sum(sum(b.owed)) OVER (PARTITION BY s.on_day, b.bucket)::float8 AS rate
FROM seen AS s JOIN seen AS b ON b.line = s.line AND b.point = s.point - 1
WHERE b.owed > 0 GROUP BY s.on_day, b.bucket, s.bucket;

-- name: classes
SELECT CASE WHEN dpd > 360 THEN '5_loss' WHEN dpd > 270 THEN '4_doubtful' WHEN dpd > 90 THEN '3_substandard'
    WHEN dpd > 0 OR forborne THEN '2_special_mention' ELSE '1_normal' END AS asset_class,
    count(*) AS lines, sum(owed)::bigint AS balance_minor, sum(owed) / sum(sum(owed)) OVER ()::float8 AS share
FROM seen WHERE point = (SELECT max(point) FROM seen) AND owed > 0 GROUP BY asset_class;

-- name: vintages
WITH pool AS (
SELECT (extract(year FROM s.opened_on) * 100 + extract(month FROM s.opened_on))::bigint AS opened, s.on_day,
    count(*) AS lines,
    coalesce(sum((SELECT sum(b.principal_minor) FROM billing.v_bought AS b
        WHERE b.line = s.line AND b.opened_on <= s.on_day)), 0)::bigint AS originated_minor,
    sum(s.owed)::bigint AS owed_minor,
    coalesce(sum(s.owed) FILTER (WHERE s.dpd >= 30), 0)::bigint AS dpd_30_minor,
    coalesce(sum(s.owed) FILTER (WHERE s.dpd >= 60), 0)::bigint AS dpd_60_minor,
    coalesce(sum(s.owed) FILTER (WHERE s.dpd >= 90), 0)::bigint AS dpd_90_minor,
    count(*) FILTER (WHERE EXISTS (SELECT FROM seen AS w WHERE w.line = s.line AND w.point <= s.point AND w.dpd > 90))
        AS defaulted_lines,
    coalesce(sum((SELECT w.owed FROM seen AS w WHERE w.line = s.line AND w.point <= s.point AND w.dpd > 90
        ORDER BY w.point LIMIT 1)), 0)::bigint AS defaulted_minor,
    coalesce(sum((SELECT sum(w.amount_minor) FROM billing.v_settlement AS w
        WHERE w.line = s.line AND w.kind IN ('waiver', 'sold') AND w.on_day <= s.on_day)), 0)::bigint
    - coalesce(sum((SELECT sum(x.price_minor) FROM billing.v_sale AS x
        WHERE x.line = s.line AND x.on_day <= s.on_day)), 0)::bigint AS net_loss_minor
FROM seen AS s GROUP BY opened, s.on_day
)
SELECT *, ((extract(year FROM on_day) - opened / 100) * 12 + extract(month FROM on_day) - mod(opened, 100))::bigint
        AS months_on_book,
    dpd_30_minor / nullif(originated_minor, 0)::float8 AS dpd_30_rate,
    dpd_60_minor / nullif(originated_minor, 0)::float8 AS dpd_60_rate,
    dpd_90_minor / nullif(originated_minor, 0)::float8 AS dpd_90_rate,
    defaulted_minor / nullif(originated_minor, 0)::float8 AS default_rate,
    net_loss_minor / nullif(originated_minor, 0)::float8 AS net_loss_rate
FROM pool;

-- name: cdr
SELECT *, 1 - power(1 - mdr, 12) AS cdr FROM (
SELECT *, defaulted_minor / nullif(performing_before_minor, 0)::float8 AS mdr FROM (
SELECT on_day, coalesce(sum(owed_before) FILTER (WHERE dpd_before <= 90), 0)::bigint AS performing_before_minor,
    coalesce(sum(owed_before) FILTER (WHERE dpd_before <= 90 AND dpd > 90), 0)::bigint AS defaulted_minor
FROM seen WHERE point > 0 GROUP BY on_day) AS s) AS r;

-- name: prepayment
SELECT *, CASE WHEN smm >= 1 THEN 1 ELSE 1 - power(1 - smm, 12) END AS cpr FROM (
SELECT *, CASE WHEN opening_minor > scheduled_minor
    THEN prepaid_minor / (opening_minor - scheduled_minor)::float8 END AS smm
FROM (
SELECT d.on_day, d.opening AS opening_minor,
    (SELECT coalesce(sum(i.principal_minor), 0) FROM billing.v_instalment AS i
        WHERE i.statement_on > d.before_on AND i.statement_on <= d.on_day)::bigint AS scheduled_minor,
    (SELECT coalesce(sum(s.amount_minor), 0) FROM billing.v_settlement AS s
        JOIN billing.v_instalment AS i ON (i.plan, i.no) = (s.plan, s.no)
        WHERE s.kind IN ('payment', 'credit', 'return') AND s.component = 'principal'
            AND s.counts_from > d.before_on AND s.counts_from <= d.on_day
            AND (i.statement_on IS NULL OR s.counts_from < i.statement_on))::bigint AS prepaid_minor
FROM (
    SELECT on_day, max(before_on) AS before_on,
        coalesce(sum(owed_before), 0)::bigint AS opening
    FROM seen WHERE point > 0 GROUP BY on_day
) AS d) AS m) AS r;

-- name: payment_rate
SELECT *, collected_minor / nullif(opening_minor, 0)::float8 AS mpr FROM (
SELECT d.on_day, d.opening AS opening_minor, (SELECT coalesce(sum(s.amount_minor), 0) FROM billing.v_settlement AS s
    WHERE s.kind IN ('payment', 'credit', 'return')
        AND s.counts_from > d.before_on AND s.counts_from <= d.on_day)::bigint AS collected_minor
FROM (SELECT on_day, max(before_on) AS before_on, coalesce(sum(owed_before), 0)::bigint AS opening
    FROM seen WHERE point > 0 GROUP BY on_day) AS d) AS m;

-- name: dilution
SELECT *, refunded_minor / nullif(opening_minor, 0)::float8 AS dilution FROM (
SELECT d.on_day, d.opening AS opening_minor, (SELECT coalesce(sum(s.amount_minor), 0) FROM billing.v_settlement AS s
    WHERE s.kind = 'refund' AND s.counts_from > d.before_on AND s.counts_from <= d.on_day)::bigint
    AS refunded_minor
FROM (SELECT on_day, max(before_on) AS before_on, coalesce(sum(owed_before), 0)::bigint AS opening
    FROM seen WHERE point > 0 GROUP BY on_day) AS d) AS m;

-- name: excess_spread
SELECT *, 12 * charged_minor / nullif(opening_minor, 0)::float8 AS gross_yield,
    12 * written_off_minor / nullif(opening_minor, 0)::float8 AS loss_rate,
    12 * (charged_minor - written_off_minor) / nullif(opening_minor, 0)::float8 AS excess_spread
FROM (
SELECT d.on_day, d.opening AS opening_minor,
    (SELECT coalesce(sum(i.interest_minor + i.fee_minor), 0) FROM billing.v_instalment AS i
        WHERE i.charged_on > d.before_on AND i.charged_on <= d.on_day)::bigint
    -- What left a bill unearned, and what was paid or sold before there was one.
    + (SELECT coalesce(sum(CASE WHEN i.charged_on IS NULL THEN s.amount_minor ELSE -s.amount_minor END), 0)
        FROM billing.v_settlement AS s JOIN billing.v_instalment AS i ON (i.plan, i.no) = (s.plan, s.no)
        WHERE s.component IN ('interest', 'fee') AND CASE WHEN i.charged_on IS NULL
                THEN s.kind IN ('payment', 'credit', 'return', 'sold') ELSE s.kind IN ('carried', 'unearned', 'unpriced') END
            AND greatest(s.counts_from, i.charged_on) > d.before_on
            AND greatest(s.counts_from, i.charged_on) <= d.on_day)::bigint AS charged_minor,
    (SELECT coalesce(sum(s.amount_minor), 0) FROM billing.v_settlement AS s
        WHERE s.kind IN ('waiver', 'sold') AND s.on_day > d.before_on AND s.on_day <= d.on_day)::bigint
        AS written_off_minor
FROM (SELECT on_day, max(before_on) AS before_on, coalesce(sum(owed_before), 0)::bigint AS opening
    FROM seen WHERE point > 0 GROUP BY on_day) AS d) AS m;

-- name: concentration
WITH open AS (
    SELECT i.line, p.merchant, coalesce(p.category, '') AS category, sum(i.principal_minor - coalesce((
        SELECT sum(s.amount_minor) FROM billing.v_settlement AS s
        WHERE (s.plan, s.no) = (i.plan, i.no) AND s.component = 'principal'), 0))::bigint AS minor
    FROM billing.v_instalment AS i
    JOIN billing.v_plan AS b ON b.id = i.plan
    LEFT JOIN purchases.v_purchase AS p ON p.id = b.purchase
    GROUP BY i.line, p.merchant, 3
), told AS (
    SELECT b.by, CASE b.by WHEN 'merchant' THEN o.merchant::text WHEN 'category' THEN o.category
        WHEN 'obligor' THEN l.customer::text WHEN 'pack' THEN l.pack WHEN 'opened' THEN to_char(l.opened_on, 'YYYYMM')
        ELSE CASE WHEN l.limit_minor <= 100000 THEN '1' WHEN l.limit_minor <= 500000 THEN '2'
            WHEN l.limit_minor <= 2000000 THEN '3' ELSE '4' END END AS part, sum(o.minor)::bigint AS minor
    FROM open AS o JOIN lines.v_line AS l ON l.id = o.line
    CROSS JOIN (VALUES ('merchant'), ('category'), ('obligor'), ('pack'), ('opened'), ('limit')) AS b (by)
    GROUP BY 1, 2
)
SELECT by, count(*) AS groups, sum(minor)::bigint AS open_minor,
    (sum(power(minor::float8, 2)) / power(sum(minor)::float8, 2))::float8 AS hhi,
    (power(sum(minor)::float8, 2) / sum(power(minor::float8, 2)))::float8 AS effective_number,
    max(minor) / sum(minor)::float8 AS largest_share
FROM told WHERE minor > 0 GROUP BY by;

-- name: pd
CREATE TEMP TABLE bucket (i, name) AS
VALUES (0, 'none'), (1, 'current'), (2, 'dpd_1_29'), (3, 'dpd_30_59'), (4, 'dpd_60_89'), (5, 'dpd_90_plus');
CREATE TEMP TABLE moved AS
SELECT f.i, t.i AS j, count(*) AS n
FROM seen AS s JOIN seen AS b ON b.line = s.line AND b.point = s.point - 1
JOIN bucket AS f ON f.name = b.bucket JOIN bucket AS t ON t.name = s.bucket
WHERE b.owed > 0 GROUP BY f.i, t.i;
CREATE TEMP TABLE chance AS
WITH worst AS (
    -- Up to which bucket each is taken together with worse ones, until thirty lines were watched.
    SELECT a.i, coalesce(min(b.i) FILTER (WHERE (SELECT sum(m.n) FROM moved AS m WHERE m.i BETWEEN a.i AND b.i) >= 30), 4)
        AS upto
    FROM bucket AS a JOIN bucket AS b ON b.i BETWEEN a.i AND 4 WHERE a.i > 0 GROUP BY a.i
)
-- Paid off and 90+ stay; where nobody was, a late bucket rolls on, the current one stays.
SELECT a.i, b.i AS j, CASE
    WHEN a.i IN (0, 5) THEN (a.i = b.i)::int::float8
    WHEN NOT EXISTS (SELECT FROM moved AS m WHERE m.i BETWEEN a.i AND w.upto)
        THEN (b.i = CASE WHEN a.i = 1 THEN 1 ELSE a.i + 1 END)::int::float8
    ELSE coalesce((SELECT sum(m.n) FROM moved AS m WHERE m.i BETWEEN a.i AND w.upto AND m.j = b.i), 0)::float8
        / (SELECT sum(m.n) FROM moved AS m WHERE m.i BETWEEN a.i AND w.upto)::float8 END AS p
FROM bucket AS a CROSS JOIN bucket AS b LEFT JOIN worst AS w ON w.i = a.i;
CREATE TEMP TABLE pd AS
WITH RECURSIVE within (month, pd) AS (
    SELECT 0, ARRAY[0, 0, 0, 0, 0, 1]::float8[]
    UNION ALL
    SELECT month + 1, ARRAY(SELECT sum(c.p * within.pd[c.j + 1]) FROM chance AS c GROUP BY c.i ORDER BY c.i)
    FROM within WHERE month < 36
)
SELECT b.name, round(max(w.pd[greatest(b.i, 1) + 1]) FILTER (WHERE w.month = 12) * 1e6)::bigint AS year,
    round(max(w.pd[greatest(b.i, 1) + 1]) FILTER (WHERE w.month = 36) * 1e6)::bigint AS life,
    b.i < 5 AND coalesce((SELECT sum(m.n) FROM moved AS m WHERE m.i = greatest(b.i, 1)), 0) < 30 AS few
FROM bucket AS b CROSS JOIN within AS w GROUP BY b.name, b.i;

-- name: losses
CREATE TEMP TABLE losses AS
WITH staged AS (
    SELECT s.*, CASE WHEN dpd > 90 OR distressed THEN 3 WHEN dpd > 30 OR forborne THEN 2 ELSE 1 END AS stage
    FROM seen AS s WHERE point >= (SELECT max(point) - 1 FROM seen)
), said AS (
    -- The champion's last word on lines that live and were not given up, as of each of the two days.
    SELECT DISTINCT ON (g.point, s.subject) g.point, s.subject AS line, 
        round((1 - power(1 - round(s.probability * 1e6) / 1e6::float8, 12 / m.horizon_months::float8)) * 1e6)::bigint
            AS year,
        round((1 - power(1 - round(s.probability * 1e6) / 1e6::float8, 36 / m.horizon_months::float8)) * 1e6)::bigint
            AS life
    FROM (SELECT DISTINCT point, on_day FROM staged) AS g
    JOIN decisions.v_score AS s ON s.name = 'behaviour' AND s.role = 'champion'
    JOIN decisions.model AS m ON (m.name, m.version) = (s.name, s.version)
    JOIN lines.v_line AS l ON l.id = s.subject AND (s.at AT TIME ZONE l.timezone)::date <= g.on_day
    WHERE coalesce(l.closed_on > g.on_day, true)
        AND l.id NOT IN (SELECT c.line FROM billing.v_charge_off AS c WHERE c.on_day <= g.on_day)
    ORDER BY g.point, s.subject, s.at DESC
), owing AS (
    -- The yearly rate of what a line owes, weighted by what is left of each plan.
    SELECT line, floor(sum(minor * rate) / sum(minor))::bigint AS rate FROM (
        SELECT b.line, b.apr_bps + 12 * b.monthly_fee_bps AS rate, (
            SELECT sum(i.principal_minor) FROM billing.v_instalment AS i WHERE i.plan = b.id) - coalesce((
            SELECT sum(s.amount_minor) FROM billing.v_settlement AS s
            WHERE s.plan = b.id AND s.component = 'principal'), 0) AS minor
        FROM billing.v_plan AS b) AS p
    WHERE minor > 0 GROUP BY line
), chanced AS (
    SELECT g.*, d.line IS NOT NULL AS scored, pd.few, coalesce(o.rate, 0) AS rate,
        CASE stage WHEN 2 THEN 36 ELSE 12 END AS months, CASE stage WHEN 3 THEN 1000000
            WHEN 2 THEN coalesce(d.life, pd.life) ELSE coalesce(d.year, pd.year) END AS pd
    FROM staged AS g JOIN pd ON pd.name = g.bucket LEFT JOIN said AS d ON (d.point, d.line) = (g.point, g.line)
    LEFT JOIN owing AS o ON o.line = g.line
), rated AS (
    -- A default in month m is worth (1 + rate / 12) ^ -m of itself today.
    SELECT *, (CASE WHEN stage = 3 OR rate = 0 THEN pd ELSE (
        SELECT round(sum(power(1 - pd / 1e6::float8, (m - 1) / months::float8)
            * (1 - power(1 - pd / 1e6::float8, 1 / months::float8)) * power(1 + rate / 120000::float8, -m)) * 1e6)::bigint
        FROM generate_series(1, months) AS m) END * 6000 + 5000) / 10000 AS ppm
    FROM chanced
), lost AS (
    SELECT *, round(greatest(owed, 0) * ppm / 1e6::numeric)::bigint AS drawn,
        round(round(undrawn * 1000 / 10000::numeric) * ppm / 1e6::numeric)::bigint AS spare FROM rated
)
SELECT n.*, b.line IS NOT NULL AS known, b.stage AS stage_before, b.stopped AS stopped_before,
    coalesce(b.drawn, 0) AS drawn_before, coalesce(b.spare, 0) AS spare_before,
    round(greatest(n.owed, 0) * b.ppm / 1e6::numeric)::bigint
    + round(round(n.undrawn * 1000 / 10000::numeric) * b.ppm / 1e6::numeric)::bigint AS at_rate_before
FROM lost AS n LEFT JOIN lost AS b ON b.line = n.line AND b.point = n.point - 1
WHERE n.point = (SELECT max(point) FROM seen);

-- name: ecl
SELECT stage::bigint AS stage, count(*) AS lines, count(*) FILTER (WHERE scored AND stage < 3) AS lines_by_score,
    count(*) FILTER (WHERE NOT scored AND stage < 3) AS lines_by_roll_rates,
    count(*) FILTER (WHERE NOT scored AND stage < 3 AND few) AS lines_pooled,
    0::bigint AS lines_horizon_unknown, sum(owed)::bigint AS drawn_minor,
    sum(undrawn)::bigint AS undrawn_minor, sum(drawn)::bigint AS drawn_ecl_minor,
    sum(spare)::bigint AS undrawn_ecl_minor, sum(drawn + spare)::bigint AS ecl_minor
FROM losses WHERE owed > 0 OR undrawn > 0 GROUP BY stage;

-- name: ecl_movement
WITH step AS (
    SELECT *, drawn_before + spare_before AS opening, drawn + spare AS closing,
        CASE WHEN known AND stopped AND NOT stopped_before THEN -spare_before ELSE 0 END AS released,
        CASE WHEN known THEN -greatest(least(waived, drawn_before), 0) ELSE 0 END AS written
    FROM losses
)
SELECT sum(opening)::bigint AS opening_minor,
    coalesce(sum(closing) FILTER (WHERE NOT known), 0)::bigint AS new_lines_minor,
    sum(released)::bigint AS released_at_draw_stop_minor, sum(written)::bigint AS written_off_minor,
    coalesce(sum(rest) FILTER (WHERE known AND stage <> stage_before AND stage = 1), 0)::bigint
        AS to_stage_1_minor,
    coalesce(sum(rest) FILTER (WHERE known AND stage <> stage_before AND stage = 2), 0)::bigint
        AS to_stage_2_minor,
    coalesce(sum(rest) FILTER (WHERE known AND stage <> stage_before AND stage = 3), 0)::bigint
        AS to_stage_3_minor,
    coalesce(sum(closing - at_rate_before) FILTER (WHERE known AND stage = stage_before), 0)::bigint
        AS pd_changed_minor,
    coalesce(sum(at_rate_before - opening - released - written) FILTER (WHERE known AND stage = stage_before), 0)::bigint
        AS remeasured_minor,
    sum(closing)::bigint AS closing_minor
FROM (SELECT *, closing - opening - released - written AS rest FROM step) AS s;

-- name: freed
WITH gone AS (
    -- The first point of the stop that stands on the last day.
    SELECT s.on_day, s.limit_minor, greatest(s.limit_minor - s.owed, 0) AS undrawn
    FROM seen AS s
    WHERE s.point > 0 AND s.stopped
        AND NOT EXISTS (SELECT FROM seen AS o WHERE o.line = s.line AND o.point > s.point AND NOT o.stopped)
        AND NOT EXISTS (SELECT FROM seen AS o WHERE o.line = s.line AND o.point = s.point - 1 AND o.stopped)
)
SELECT on_day, count(*) AS lines, sum(limit_minor)::bigint AS limit_minor,
    sum(undrawn)::bigint AS undrawn_minor,
    sum(round(undrawn * 0.1))::bigint AS exposure_minor,
    sum(round(round(undrawn * 0.1) * 0.75))::bigint AS weighted_minor
FROM gone GROUP BY on_day;

-- name: cohorts
SELECT s.bucket, count(*) AS lines, sum(l.limit_minor)::bigint AS limit_minor, sum(s.owed)::bigint AS owed_minor,
    sum(s.undrawn)::bigint AS undrawn_minor,
    extract(year FROM age(s.on_day, least(l.opened_on, p.first_on)))::bigint * 12
    + extract(month FROM age(s.on_day, least(l.opened_on, p.first_on)))::bigint AS months_on_book,
    (EXISTS (SELECT FROM exits.v_case AS e WHERE e.line = s.line AND e.stopped_at IS NOT NULL
        AND e.state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder', 'notice')))::int::bigint AS leaving,
    count(*) FILTER (WHERE NOT s.stopped AND NOT s.helped AND s.dpd <= 0 AND NOT EXISTS (
        SELECT FROM purchases.v_dispute AS d WHERE d.line = s.line AND d.outcome = 'open')) AS may_be_asked
FROM seen AS s
JOIN lines.v_line AS l ON l.id = s.line
LEFT JOIN (SELECT line, min(opened_on) AS first_on FROM billing.v_plan GROUP BY line) AS p ON p.line = l.id
WHERE s.point = (SELECT max(point) FROM seen) AND (l.closed_on IS NULL OR l.closed_on > s.on_day)
GROUP BY s.bucket, months_on_book, 7;

-- name: coverage
SELECT sum(drawn + spare)::bigint AS allowance_minor,
    coalesce(sum(owed) FILTER (WHERE dpd > 90), 0)::bigint AS npl_minor,
    sum(drawn + spare)::float8 / nullif(sum(owed) FILTER (WHERE dpd > 90), 0)::float8 AS coverage
FROM losses;

-- name: survival
WITH RECURSIVE life AS (
    SELECT line, min(opened_on) AS opened, min(closed_on) AS closed, max(exit_kind) AS kind,
        min(on_day) FILTER (WHERE dpd > 90) AS bad, max(on_day) AS seen_until FROM seen GROUP BY line
), ended AS (
    SELECT *, least(bad, closed, (SELECT max(on_day) FROM seen)) AS at, CASE
        WHEN bad <= coalesce(closed, bad) THEN 'defaulted'
        WHEN closed IS NOT NULL AND kind IN ('close', 'withdraw') THEN 'customer'
        WHEN closed IS NOT NULL AND kind IN ('termination', 'inactivity') THEN 'us' END AS cause
    FROM life
), months AS (
    SELECT (extract(year FROM at) * 12 + extract(month FROM at) - extract(year FROM opened) * 12
        - extract(month FROM opened) - (extract(day FROM at) < extract(day FROM opened))::int)::bigint AS month,
        count(*) AS ended, count(*) FILTER (WHERE cause = 'customer') AS by_customer,
        count(*) FILTER (WHERE cause = 'us') AS by_us, count(*) FILTER (WHERE cause = 'defaulted') AS defaulted
    FROM ended GROUP BY 1
), risk AS (
    SELECT *, row_number() OVER (ORDER BY month) AS no,
        sum(ended) OVER (ORDER BY month DESC)::bigint AS at_risk FROM months
), curve AS (
    SELECT 0::bigint AS no, 1::float8 AS survival, 0::float8 AS c, 0::float8 AS u, 0::float8 AS d
    UNION ALL
    SELECT r.no, k.survival * (r.at_risk - r.by_customer - r.by_us - r.defaulted) / r.at_risk,
        k.c + k.survival * r.by_customer / r.at_risk, k.u + k.survival * r.by_us / r.at_risk,
        k.d + k.survival * r.defaulted / r.at_risk
    FROM curve AS k JOIN risk AS r ON r.no = k.no + 1
)
SELECT r.month, r.at_risk, r.ended, r.by_customer, r.by_us, r.defaulted, k.survival, k.c AS cif_by_customer,
    k.u AS cif_by_us, k.d AS cif_defaulted
FROM risk AS r JOIN curve AS k ON k.no = r.no;
