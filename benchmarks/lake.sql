-- The yardstick in plain PostgreSQL: every measure of the night from the live views, each table read as
-- rarely as the question allows. ``settled``, ``seen``, ``flows`` and ``losses`` are made first and kept in
-- temporary tables, as the panel is on the other side; a row of ``seen`` is a line at a monthly point.

-- name: settled
CREATE TEMP TABLE settled AS
SELECT s.line, s.plan, s.no, s.component, s.kind, s.amount_minor, s.on_day, s.counts_from,
    i.opened_on, i.due_on, i.statement_on, i.charged_on
FROM billing.v_settlement AS s JOIN billing.v_instalment AS i ON i.plan = s.plan AND i.no = s.no;

-- name: seen
CREATE TEMP TABLE seen AS
WITH days AS (
    SELECT ord - 1 AS point, day, lag(day) OVER (ORDER BY ord) AS before_on
    FROM unnest(%(days)s::date[]) WITH ORDINALITY AS d (day, ord)
), owed AS (
    SELECT line, width_bucket(day - 1, %(days)s::date[]) AS point, sum(minor)::bigint AS minor
    FROM (
        SELECT line, opened_on AS day, principal_minor AS minor FROM billing.v_instalment
        UNION ALL
        SELECT line, charged_on, interest_minor + fee_minor FROM billing.v_instalment
        WHERE charged_on IS NOT NULL
        UNION ALL
        SELECT line, greatest(counts_from, CASE component WHEN 'principal' THEN opened_on ELSE charged_on END),
            -amount_minor
        FROM settled WHERE component = 'principal' OR charged_on IS NOT NULL
    ) AS m GROUP BY line, 2
), moved AS (
    SELECT line, plan, no, due_on, width_bucket(day - 1, %(days)s::date[]) AS point, sum(minor) AS minor
    FROM (
        SELECT line, plan, no, due_on, due_on + 1 AS day, principal_minor + interest_minor + fee_minor AS minor
        FROM billing.v_instalment WHERE statement_on IS NOT NULL
        UNION ALL
        SELECT line, plan, no, due_on, greatest(counts_from, due_on + 1), -amount_minor
        FROM settled WHERE statement_on IS NOT NULL
    ) AS m GROUP BY line, plan, no, due_on, 5 HAVING sum(minor) <> 0
), unpaid AS (
    SELECT line, due_on, point AS begins, sum(minor) OVER w AS minor,
        coalesce(lead(point) OVER w, cardinality(%(days)s::date[])) AS ends
    FROM moved WINDOW w AS (PARTITION BY plan, no ORDER BY point)
), late AS (
    SELECT u.line, d.point, min(u.due_on) AS since
    FROM unpaid AS u JOIN days AS d ON d.point >= u.begins AND d.point < u.ends
    WHERE u.minor > 0 GROUP BY u.line, d.point
), waived AS (
    SELECT line, width_bucket(on_day - 1, %(days)s::date[]) AS point, sum(amount_minor)::bigint AS minor
    FROM settled WHERE kind IN ('waiver', 'sold') GROUP BY line, 2
), forborne AS (
    SELECT DISTINCT ON (d.point, h.line) d.point, h.line, h.agreed_on, h.frozen_days
    FROM days AS d JOIN billing.v_hardship AS h
        ON h.agreed_on <= d.day AND (h.ended_on IS NULL OR h.ended_on > d.day)
    ORDER BY d.point, h.line, h.agreed_on DESC, h.id DESC
), gone AS (
    SELECT e.line, min((e.stopped_at AT TIME ZONE l.timezone)::date) AS stopped_on, max(e.kind) AS kind
    FROM exits.v_case AS e JOIN lines.v_line AS l ON l.id = e.line
    WHERE e.stopped_at IS NOT NULL AND e.state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder', 'notice')
    GROUP BY e.line
), locked AS (
    SELECT DISTINCT d.point, k.line
    FROM days AS d JOIN lines.v_lock AS k ON k.feature = 'all'
        AND (k.set_at AT TIME ZONE 'Asia/Shanghai')::date <= d.day
        AND (k.lifted_at IS NULL OR (k.lifted_at AT TIME ZONE 'Asia/Shanghai')::date > d.day)
), stood AS (
    SELECT d.point, d.day AS on_day, d.before_on, l.id AS line, l.opened_on, l.limit_minor, l.closed_on,
        sum(coalesce(o.minor, 0)) OVER w::bigint AS owed, t.since, f.agreed_on, f.frozen_days,
        f.line IS NOT NULL AS agreed, g.kind AS exit_kind, coalesce(v.minor, 0) AS waived,
        coalesce(g.stopped_on <= d.day, false) OR coalesce(l.closed_on <= d.day, false) AS leaving,
        coalesce(g.stopped_on <= d.day, false) OR coalesce(l.closed_on <= d.day, false) OR k.line IS NOT NULL
            AS stopped
    FROM days AS d
    JOIN lines.v_line AS l ON l.opened_on <= d.day
    LEFT JOIN owed AS o ON o.point = d.point AND o.line = l.id
    LEFT JOIN late AS t ON t.point = d.point AND t.line = l.id
    LEFT JOIN waived AS v ON v.point = d.point AND v.line = l.id
    LEFT JOIN forborne AS f ON f.point = d.point AND f.line = l.id
    LEFT JOIN gone AS g ON g.line = l.id
    LEFT JOIN locked AS k ON k.point = d.point AND k.line = l.id
    WINDOW w AS (PARTITION BY l.id ORDER BY d.point)
), told AS (
    SELECT *, agreed AND owed > 0 AS forborne, CASE WHEN stopped THEN 0 ELSE greatest(limit_minor - owed, 0) END AS undrawn,
        CASE WHEN since IS NULL THEN 0 ELSE on_day - greatest(since, agreed_on) END
            + CASE WHEN owed > 0 THEN coalesce(frozen_days, 0) ELSE 0 END AS dpd
    FROM stood
), named AS (
    SELECT *, CASE WHEN owed <= 0 THEN 'none' WHEN dpd >= 90 THEN 'dpd_90_plus' WHEN dpd >= 60 THEN 'dpd_60_89'
        WHEN dpd >= 30 THEN 'dpd_30_59' WHEN dpd >= 1 THEN 'dpd_1_29' ELSE 'current' END AS bucket
    FROM told
)
SELECT *, lag(owed) OVER w AS owed_before, lag(dpd) OVER w AS dpd_before, lag(bucket) OVER w AS bucket_before,
    lag(stopped) OVER w AS stopped_before
FROM named WINDOW w AS (PARTITION BY line ORDER BY point);

-- name: flows
CREATE TEMP TABLE flows AS
WITH moved AS (
    SELECT width_bucket(counts_from - 1, %(days)s::date[]) AS point,
        sum(amount_minor) FILTER (WHERE kind IN ('payment', 'credit', 'return')) AS collected,
        sum(amount_minor) FILTER (WHERE kind IN ('payment', 'credit', 'return') AND component = 'principal'
            AND (statement_on IS NULL OR counts_from < statement_on)) AS prepaid,
        sum(amount_minor) FILTER (WHERE kind = 'refund') AS refunded
    FROM settled GROUP BY 1
), otherwise AS (
    -- What left a bill unearned, and what was paid or sold before there was one.
    SELECT width_bucket(greatest(counts_from, charged_on) - 1, %(days)s::date[]) AS point,
        sum(CASE WHEN charged_on IS NULL THEN amount_minor ELSE -amount_minor END) AS earned
    FROM settled
    WHERE component <> 'principal' AND CASE WHEN charged_on IS NULL
        THEN kind IN ('payment', 'credit', 'return', 'sold') ELSE kind IN ('carried', 'unearned', 'unpriced') END
    GROUP BY 1
), billed AS (
    SELECT width_bucket(statement_on - 1, %(days)s::date[]) AS point, sum(principal_minor) AS scheduled
    FROM billing.v_instalment WHERE statement_on IS NOT NULL GROUP BY 1
), earned AS (
    SELECT width_bucket(charged_on - 1, %(days)s::date[]) AS point, sum(interest_minor + fee_minor) AS charged
    FROM billing.v_instalment WHERE charged_on IS NOT NULL GROUP BY 1
), stood AS (
    SELECT point, on_day, coalesce(sum(owed_before), 0)::bigint AS opening, sum(waived)::bigint AS written
    FROM seen WHERE point > 0 GROUP BY point, on_day
)
SELECT s.*, coalesce(collected, 0)::bigint AS collected, coalesce(prepaid, 0)::bigint AS prepaid,
    coalesce(refunded, 0)::bigint AS refunded, coalesce(scheduled, 0)::bigint AS scheduled,
    (coalesce(charged, 0) + coalesce(o.earned, 0))::bigint AS charged
FROM stood AS s LEFT JOIN moved USING (point) LEFT JOIN billed USING (point) LEFT JOIN earned USING (point)
LEFT JOIN otherwise AS o USING (point);

-- name: losses
CREATE TEMP TABLE losses AS
WITH RECURSIVE bucket (i, name) AS (
    VALUES (0, 'none'), (1, 'current'), (2, 'dpd_1_29'), (3, 'dpd_30_59'), (4, 'dpd_60_89'), (5, 'dpd_90_plus')
), counted AS (
    SELECT bucket_before, bucket, count(*) AS n FROM seen WHERE owed_before > 0 GROUP BY bucket_before, bucket
), moved AS (
    SELECT f.i, t.i AS j, c.n FROM counted AS c
    JOIN bucket AS f ON f.name = c.bucket_before JOIN bucket AS t ON t.name = c.bucket
), worst AS (
    -- Up to which bucket each is taken together with worse ones, until thirty lines were watched.
    SELECT a.i, coalesce(min(b.i) FILTER (WHERE (SELECT sum(m.n) FROM moved AS m WHERE m.i BETWEEN a.i AND b.i) >= 30), 4)
        AS upto
    FROM bucket AS a JOIN bucket AS b ON b.i BETWEEN a.i AND 4 WHERE a.i > 0 GROUP BY a.i
), chance AS (
    SELECT a.i, b.i AS j, CASE
        WHEN a.i IN (0, 5) THEN (a.i = b.i)::int::float8
        WHEN NOT EXISTS (SELECT FROM moved AS m WHERE m.i BETWEEN a.i AND w.upto)
            THEN (b.i = CASE WHEN a.i = 1 THEN 1 ELSE a.i + 1 END)::int::float8
        ELSE coalesce((SELECT sum(m.n) FROM moved AS m WHERE m.i BETWEEN a.i AND w.upto AND m.j = b.i), 0)::float8
            / (SELECT sum(m.n) FROM moved AS m WHERE m.i BETWEEN a.i AND w.upto)::float8 END AS p
    FROM bucket AS a CROSS JOIN bucket AS b LEFT JOIN worst AS w ON w.i = a.i
), within (month, pd) AS (
    SELECT 0, ARRAY[0, 0, 0, 0, 0, 1]::float8[]
    UNION ALL
    SELECT month + 1, ARRAY(SELECT sum(c.p * within.pd[c.j + 1]) FROM chance AS c GROUP BY c.i ORDER BY c.i)
    FROM within WHERE month < 36
), pd AS (
    SELECT b.name, round(max(w.pd[greatest(b.i, 1) + 1]) FILTER (WHERE w.month = 12) * 1e6)::bigint AS year,
        round(max(w.pd[greatest(b.i, 1) + 1]) FILTER (WHERE w.month = 36) * 1e6)::bigint AS life,
        b.i < 5 AND coalesce((SELECT sum(m.n) FROM moved AS m WHERE m.i = greatest(b.i, 1)), 0) < 30 AS few
    FROM bucket AS b CROSS JOIN within AS w GROUP BY b.name, b.i
), staged AS (
    SELECT s.*, CASE WHEN dpd > 90 THEN 3 WHEN dpd > 30 OR forborne THEN 2 ELSE 1 END AS stage
    FROM seen AS s WHERE point >= (SELECT max(point) - 1 FROM seen)
), said AS (
    -- The champion's last word as of each of the two days; the book has one version.
    SELECT g.point, s.line, s.year, round((1 - power(1 - s.year / 1e6::float8, 3)) * 1e6)::bigint AS life
    FROM (SELECT DISTINCT point, on_day FROM staged) AS g CROSS JOIN LATERAL (
        SELECT DISTINCT ON (subject) subject AS line, round(probability * 1e6)::bigint AS year
        FROM decisions.v_score
        WHERE name = 'behaviour' AND role = 'champion' AND (at AT TIME ZONE 'Asia/Shanghai')::date <= g.on_day
        ORDER BY subject, at DESC
    ) AS s
), paid AS (
    SELECT plan, sum(amount_minor) AS minor FROM billing.v_settlement WHERE component = 'principal' GROUP BY plan
), owing AS (
    -- The yearly rate of what a line owes, weighted by what is left of each plan.
    SELECT line, floor(sum(minor * rate) / sum(minor))::bigint AS rate FROM (
        SELECT b.line, b.apr_bps + 12 * b.monthly_fee_bps AS rate, b.principal_minor - coalesce(p.minor, 0) AS minor
        FROM billing.v_plan AS b LEFT JOIN paid AS p ON p.plan = b.id) AS p
    WHERE minor > 0 GROUP BY line
), chanced AS (
    SELECT g.*, d.line IS NOT NULL AS scored, pd.few, 1 / (1 + coalesce(o.rate, 0) / 120000::float8) AS worth,
        CASE stage WHEN 2 THEN 36 ELSE 12 END AS months, CASE stage WHEN 3 THEN 1000000
            WHEN 2 THEN coalesce(d.life, pd.life) ELSE coalesce(d.year, pd.year) END AS pd
    FROM staged AS g JOIN pd ON pd.name = g.bucket LEFT JOIN said AS d ON d.point = g.point AND d.line = g.line
    LEFT JOIN owing AS o ON o.line = g.line
), survived AS (
    SELECT *, power(1 - pd / 1e6::float8, 1 / months::float8) AS alive FROM chanced
), rated AS (
    -- Defaults by a constant hazard, each worth what it is today at the line's rate: a geometric series.
    SELECT *, (CASE WHEN stage = 3 OR worth = 1 THEN pd ELSE round((1 - alive) * worth
        * (1 - power(alive * worth, months)) / (1 - alive * worth) * 1e6)::bigint END * 6000 + 5000) / 10000 AS ppm
    FROM survived
), lost AS (
    SELECT *, round(greatest(owed, 0) * ppm / 1e6::numeric)::bigint AS drawn,
        round(round(undrawn * 1000 / 10000::numeric) * ppm / 1e6::numeric)::bigint AS spare FROM rated
), paired AS (
    SELECT *, lag(stage) OVER w AS stage_before, lag(drawn) OVER w AS drawn_was, lag(spare) OVER w AS spare_was,
        lag(ppm) OVER w AS ppm_was
    FROM lost WINDOW w AS (PARTITION BY line ORDER BY point)
)
SELECT *, stage_before IS NOT NULL AS known, coalesce(drawn_was, 0) AS drawn_before,
    coalesce(spare_was, 0) AS spare_before,
    round(greatest(owed, 0) * ppm_was / 1e6::numeric)::bigint
    + round(round(undrawn * 1000 / 10000::numeric) * ppm_was / 1e6::numeric)::bigint AS at_rate_before
FROM paired WHERE point = (SELECT max(point) FROM seen);

-- name: npl
SELECT on_day, count(*) FILTER (WHERE owed > 0) AS lines, sum(owed)::bigint AS book_minor,
    coalesce(sum(owed) FILTER (WHERE dpd > 90), 0)::bigint AS npl_minor,
    coalesce(sum(owed) FILTER (WHERE dpd > 90 AND coalesce(dpd_before, 0) <= 90), 0)::bigint AS new_npl_minor
FROM seen GROUP BY on_day;

-- name: npl_change
WITH moved AS (
    SELECT on_day, leaving, CASE WHEN dpd_before > 90 THEN owed_before ELSE 0 END AS n0,
        CASE WHEN dpd > 90 THEN owed ELSE 0 END AS n1, owed - coalesce(owed_before, 0) AS grown,
        greatest(least(coalesce(owed_before, 0), waived), 0) AS lost
    FROM seen WHERE point > 0
)
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
GROUP BY m.on_day, c.cause;

-- name: dpd
SELECT on_day, coalesce(sum(owed) FILTER (WHERE dpd >= 30), 0)::bigint AS dpd_30_minor,
    coalesce(sum(owed) FILTER (WHERE dpd >= 60), 0)::bigint AS dpd_60_minor,
    coalesce(sum(owed) FILTER (WHERE dpd >= 90), 0)::bigint AS dpd_90_minor
FROM seen GROUP BY on_day;

-- name: roll_rates
SELECT on_day, bucket_before AS from_bucket, bucket AS to_bucket, count(*) AS lines,
    sum(owed_before)::bigint AS opening_minor, sum(owed)::bigint AS closing_minor
FROM seen WHERE owed_before > 0 GROUP BY on_day, bucket_before, bucket;

-- name: classes
SELECT CASE WHEN dpd > 360 THEN '5_loss' WHEN dpd > 270 THEN '4_doubtful' WHEN dpd > 90 THEN '3_substandard'
    WHEN dpd > 0 OR forborne THEN '2_special_mention' ELSE '1_normal' END AS asset_class,
    count(*) AS lines, sum(owed)::bigint AS balance_minor
FROM seen WHERE point = (SELECT max(point) FROM seen) AND owed > 0 GROUP BY asset_class;

-- name: vintages
WITH bought AS (
    SELECT line, width_bucket(opened_on - 1, %(days)s::date[]) AS point, sum(principal_minor) AS minor
    FROM billing.v_bought GROUP BY line, 2
), got AS (
    SELECT line, width_bucket(on_day - 1, %(days)s::date[]) AS point, sum(price_minor) AS minor
    FROM billing.v_sale GROUP BY line, 2
), told AS (
    SELECT s.opened_on, s.on_day, s.owed, s.dpd, s.waived - coalesce(x.minor, 0) AS waived, b.minor,
        count(*) FILTER (WHERE s.dpd > 90) OVER (PARTITION BY s.line ORDER BY s.point) AS bad_so_far
    FROM seen AS s LEFT JOIN bought AS b ON b.line = s.line AND b.point = s.point
    LEFT JOIN got AS x ON x.line = s.line AND x.point = s.point
), summed AS (
    SELECT (extract(year FROM opened_on) * 100 + extract(month FROM opened_on))::bigint AS opened, on_day,
        count(*) AS lines, sum(minor) AS bought, sum(owed)::bigint AS owed_minor,
        coalesce(sum(owed) FILTER (WHERE dpd >= 90), 0)::bigint AS dpd_90_minor,
        sum(owed) FILTER (WHERE dpd > 90 AND bad_so_far = 1) AS defaulted, sum(waived) AS lost
    FROM told GROUP BY 1, on_day
)
SELECT opened, on_day, lines, coalesce(sum(bought) OVER w, 0)::bigint AS originated_minor, owed_minor, dpd_90_minor,
    coalesce(sum(defaulted) OVER w, 0)::bigint AS defaulted_minor, coalesce(sum(lost) OVER w, 0)::bigint AS net_loss_minor
FROM summed WINDOW w AS (PARTITION BY opened ORDER BY on_day);

-- name: cdr
SELECT on_day, coalesce(sum(owed_before) FILTER (WHERE dpd_before <= 90), 0)::bigint AS performing_before_minor,
    coalesce(sum(owed_before) FILTER (WHERE dpd_before <= 90 AND dpd > 90), 0)::bigint AS defaulted_minor
FROM seen WHERE point > 0 GROUP BY on_day;

-- name: prepayment
SELECT on_day, opening AS opening_minor, scheduled AS scheduled_minor, prepaid AS prepaid_minor FROM flows;

-- name: payment_rate
SELECT on_day, opening AS opening_minor, collected AS collected_minor FROM flows;

-- name: dilution
SELECT on_day, refunded AS refunded_minor FROM flows;

-- name: excess_spread
SELECT on_day, charged AS charged_minor, written AS written_off_minor FROM flows;

-- name: concentration
WITH taken AS (
    SELECT plan, sum(amount_minor) AS minor FROM settled WHERE component = 'principal' GROUP BY plan
), put AS (
    SELECT plan, sum(principal_minor) AS minor FROM billing.v_instalment GROUP BY plan
), open AS MATERIALIZED (
    SELECT b.line, p.merchant, coalesce(p.category, '') AS category,
        sum(put.minor - coalesce(taken.minor, 0))::bigint AS minor
    FROM put LEFT JOIN taken ON taken.plan = put.plan
    JOIN billing.v_plan AS b ON b.id = put.plan
    LEFT JOIN purchases.v_purchase AS p ON p.id = b.purchase
    WHERE put.minor > coalesce(taken.minor, 0)
    GROUP BY b.line, p.merchant, 3
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
    (sum(power(minor::float8, 2)) / power(sum(minor)::float8, 2))::float8 AS hhi
FROM told WHERE minor > 0 GROUP BY by;

-- name: ecl
SELECT stage::bigint AS stage, count(*) AS lines, count(*) FILTER (WHERE scored AND stage < 3) AS lines_by_score,
    count(*) FILTER (WHERE NOT scored AND stage < 3) AS lines_by_roll_rates,
    count(*) FILTER (WHERE NOT scored AND stage < 3 AND few) AS lines_pooled, sum(owed)::bigint AS drawn_minor,
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

-- name: coverage
SELECT sum(drawn + spare)::bigint AS allowance_minor,
    coalesce(sum(owed) FILTER (WHERE dpd > 90), 0)::bigint AS npl_minor,
    sum(drawn + spare)::float8 / nullif(sum(owed) FILTER (WHERE dpd > 90), 0)::float8 AS coverage
FROM losses;

-- name: survival
WITH RECURSIVE life AS (
    SELECT line, min(opened_on) AS opened, min(closed_on) AS closed, max(exit_kind) AS kind,
        min(on_day) FILTER (WHERE dpd > 90) AS bad FROM seen GROUP BY line
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

-- name: freed
WITH gone AS (
    -- The stop that still stands on the last day.
    SELECT on_day, limit_minor, greatest(limit_minor - owed, 0) AS undrawn
    FROM (
        SELECT *, count(*) FILTER (WHERE NOT stopped) OVER (PARTITION BY line ORDER BY point DESC) AS open_later
        FROM seen
    ) AS s
    WHERE point > 0 AND stopped AND NOT coalesce(stopped_before, false) AND open_later = 0
)
SELECT on_day, count(*) AS lines, sum(limit_minor)::bigint AS limit_minor,
    sum(undrawn)::bigint AS undrawn_minor, sum(round(undrawn * 0.1))::bigint AS exposure_minor,
    sum(round(round(undrawn * 0.1) * 0.75))::bigint AS weighted_minor
FROM gone GROUP BY on_day;

-- name: cohorts
SELECT bucket, leaving::int::bigint AS leaving, count(*) AS lines, sum(limit_minor)::bigint AS limit_minor,
    sum(owed)::bigint AS owed_minor,
    (extract(year FROM age(on_day, opened_on)) * 12 + extract(month FROM age(on_day, opened_on)))::bigint
        AS months_on_book
FROM seen WHERE point = (SELECT max(point) FROM seen) AND (closed_on IS NULL OR closed_on > on_day)
GROUP BY bucket, months_on_book, leaving;
