-- Six months of lines as they are defined: every movement and every bill there ever was, up to each day.
-- The watch reads the same figures from what is open and what was settled since; a test compares the two.
WITH ending AS (
    SELECT l.id AS line, l.timezone, m.k,
        (m.this - make_interval(months => m.k - 1))::date AS on_day,
        (m.this - make_interval(months => m.k))::date AS after_day
    FROM lines.v_line AS l
    CROSS JOIN LATERAL (
        SELECT k, date_trunc('month', %(day)s::date) + make_interval(days => l.statement_day - 1)
            - CASE WHEN extract(day FROM %(day)s::date) < l.statement_day THEN interval '1 month'
                ELSE interval '0' END AS this
        FROM generate_series(1, 6) AS k
    ) AS m
    WHERE l.id = ANY(%(lines)s::uuid[])
), moved AS MATERIALIZED (
    SELECT line, day, sum(minor) AS minor FROM billing.v_movement
    WHERE line = ANY(%(lines)s::uuid[]) GROUP BY line, day
), settled AS MATERIALIZED (
    SELECT plan, no, counts_from, sum(amount_minor) AS minor FROM billing.v_settlement
    WHERE line = ANY(%(lines)s::uuid[]) GROUP BY plan, no, counts_from
), item AS (
    SELECT e.line, e.k, e.on_day, a.due_on,
        a.minor - coalesce(sum(s.minor) FILTER (WHERE s.counts_from <= e.on_day), 0) AS minor
    FROM billing.v_asked AS a
    JOIN ending AS e ON e.line = a.line AND e.on_day > a.statement_on
    LEFT JOIN settled AS s ON s.plan = a.plan AND s.no = a.no
    WHERE a.line = ANY(%(lines)s::uuid[])
    GROUP BY e.line, e.k, e.on_day, a.plan, a.no, a.due_on, a.minor
), left_open AS (
    SELECT line, k, sum(minor) AS minor, min(due_on) FILTER (WHERE due_on < on_day) AS due_on
    FROM item WHERE minor > 0 GROUP BY line, k
)
SELECT e.line, e.k, e.on_day, o.due_on, coalesce(o.minor, 0)::bigint AS open_minor,
    (coalesce((SELECT sum(m.minor) FROM moved AS m WHERE m.line = e.line AND m.day <= e.on_day), 0)
    + coalesce((
        SELECT sum(d.amount_minor) FROM billing.v_suspended AS d JOIN purchases.v_dispute AS p ON p.id = d.dispute
        WHERE d.line = e.line AND d.counts_from <= e.on_day
            AND (p.resolved_at IS NULL OR (p.resolved_at AT TIME ZONE e.timezone)::date > e.on_day)
    ), 0))::bigint AS owed_minor,
    coalesce((
        SELECT sum(p.amount_minor) FROM billing.v_payment AS p
        WHERE p.line = e.line AND p.value_on > e.after_day AND p.value_on <= e.on_day
            AND (p.returned_at IS NULL OR p.returned_at > %(now)s)
    ), 0)::bigint AS paid_minor
FROM ending AS e LEFT JOIN left_open AS o ON o.line = e.line AND o.k = e.k
ORDER BY e.line, e.k
