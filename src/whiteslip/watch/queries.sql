-- name: lock_cursor$
SELECT seq FROM watch.cursor FOR UPDATE;

-- name: move_cursor!
UPDATE watch.cursor SET seq = :seq;

-- name: lines_of
SELECT l.id AS line, l.customer, l.timezone
FROM (
    SELECT id, customer, timezone FROM lines.v_line WHERE id = ANY(:ids::uuid[])
    UNION
    SELECT id, customer, timezone FROM lines.v_line WHERE customer = ANY(:ids::uuid[])
) AS l
WHERE NOT EXISTS (SELECT FROM watch.forgotten AS f WHERE f.line = l.id);

-- name: page_of_lines
SELECT l.id AS line, l.customer, l.timezone FROM lines.v_line AS l
WHERE l.id > :after AND NOT EXISTS (SELECT FROM watch.forgotten AS f WHERE f.line = l.id)
ORDER BY l.id LIMIT :count;

-- name: forget_memory$
WITH over AS (
    SELECT id FROM lines.v_line WHERE customer = :customer AND closed_on IS NOT NULL
), noted AS (
    INSERT INTO watch.forgotten (line, at) SELECT id, :now FROM over ON CONFLICT DO NOTHING
), gone AS (
    DELETE FROM watch.memory AS m USING over WHERE m.line = over.id RETURNING 1
)
SELECT count(*) FROM gone;

-- name: forget_alerts$
WITH gone AS (
    DELETE FROM watch.alert AS a USING lines.v_line AS l
    WHERE a.line = l.id AND l.customer = :customer AND l.closed_on IS NOT NULL RETURNING 1
)
SELECT count(*) FROM gone;

-- name: shops_of
SELECT purchase, merchant FROM purchases.v_shop WHERE purchase = ANY(:purchases::uuid[]);

-- name: memories
SELECT line, memory FROM watch.memory WHERE line = ANY(:lines::uuid[]);

-- name: save_memories!
INSERT INTO watch.memory (line, memory)
SELECT u.line, u.memory::jsonb FROM unnest(:line::uuid[], :memory::text[]) AS u (line, memory)
ON CONFLICT (line) DO UPDATE SET memory = excluded.memory;

-- name: add_alert!
INSERT INTO watch.alert (
    id, reference, line, seq, rule, reasons, act, feature, tells, demoted, decision, shown, happened_at, raised_at
) VALUES (
    :id, :reference, :line, :seq, :rule, :reasons::text[], :act, :feature, :tells, :demoted, :decision,
    :shown::jsonb, :happened_at, :raised_at
);

-- name: last_of_rules
-- When each rule last fired for each line.
SELECT line, rule, max(happened_at) AS at FROM watch.alert WHERE line = ANY(:lines::uuid[]) GROUP BY line, rule;

-- name: false_alarms
-- Of the labels given since: how many, and how many of them false, by rule.
SELECT rule, count(*) AS labelled, count(*) FILTER (WHERE NOT label) AS wrong
FROM watch.alert WHERE label IS NOT NULL AND labelled_at >= :since GROUP BY rule;

-- name: alerts
SELECT * FROM watch.alert
WHERE (:state::text IS NULL OR state = :state) AND (:line::uuid IS NULL OR line = :line)
ORDER BY raised_at DESC, id DESC LIMIT :count;

-- name: page
SELECT * FROM watch.alert WHERE id > :after AND (:rule::text IS NULL OR rule = :rule) ORDER BY id LIMIT :count;

-- name: waiting
-- What nobody has acknowledged comes first, the strongest act on top; of one rule also what is labelled.
SELECT * FROM watch.alert
WHERE (state <> 'labelled' OR rule = :rule) AND (:rule::text IS NULL OR rule = :rule)
    AND (:tells::text IS NULL OR tells = :tells)
ORDER BY
    state = 'open' DESC,
    array_position(ARRAY['stop', 'pause_feature', 'lower_cap', 'step_up', 'watch'], act),
    raised_at DESC, id
LIMIT :count;

-- name: labelled
SELECT * FROM watch.alert WHERE label IS NOT NULL ORDER BY labelled_at, id;

-- name: alert^
SELECT * FROM watch.alert WHERE id = :id;

-- name: alert_by_reference^
SELECT * FROM watch.alert WHERE reference = :reference;

-- name: lock_alert^
SELECT * FROM watch.alert WHERE id = :id FOR UPDATE;

-- name: save_alert!
UPDATE watch.alert SET state = :state, acknowledged_by = :acknowledged_by, acknowledged_at = :acknowledged_at,
    label = :label, labelled_by = :labelled_by, labelled_at = :labelled_at
WHERE id = :id;

-- name: lines_to_score
-- Lines that still live, and whose debt was not given up, above an id; with the highest limit they had.
SELECT l.id AS line, l.highest_limit_minor AS limit_minor FROM lines.v_line AS l
WHERE l.id > :after AND l.lifecycle <> 'closed' AND l.opened_on <= :day
    AND NOT EXISTS (SELECT FROM billing.v_charge_off AS c WHERE c.line = l.id AND c.on_day <= :day)
ORDER BY l.id LIMIT :count;

-- name: plan_each_time$
-- A plan for any page of lines takes half as long again as one for this page, and making it a hundredth of that.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: months
-- At the end of each of the last six statement days: what was owed, what was paid in the month to it, what
-- of earlier bills was open, and since when the oldest was past due. A sum that is disputed counts as owed
-- while it is, so that disputing moves no score, and never as past due.
--
-- What was left of an instalment on a day is what is left of it now and what was settled since. So only
-- those are read, by index, that are open or of which something was booked since the first of the months:
-- one that was settled to its end before adds nothing to any. No month of six began 220 days ago, and
-- nothing counts from a day after it was booked.
WITH ending AS MATERIALIZED (
    SELECT l.id AS line, l.timezone, ARRAY(
        SELECT (
            date_trunc('month', :day::date) + make_interval(months => 1 - k, days => l.statement_day - 1)
            - CASE WHEN extract(day FROM :day::date) < l.statement_day THEN interval '1 month' ELSE interval '0' END
        )::date
        FROM generate_series(1, 7) AS k ORDER BY k
    ) AS days
    FROM lines.v_line AS l WHERE l.id = ANY(:lines::uuid[])
), since AS MATERIALIZED (
    -- What was settled of an instalment after each of the six days.
    SELECT s.plan, s.no,
        ARRAY[
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component = 'principal' AND s.counts_from > e.days[1]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component = 'principal' AND s.counts_from > e.days[2]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component = 'principal' AND s.counts_from > e.days[3]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component = 'principal' AND s.counts_from > e.days[4]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component = 'principal' AND s.counts_from > e.days[5]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component = 'principal' AND s.counts_from > e.days[6]), 0)
        ]::bigint[] AS principal_minor,
        ARRAY[
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component <> 'principal' AND s.counts_from > e.days[1]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component <> 'principal' AND s.counts_from > e.days[2]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component <> 'principal' AND s.counts_from > e.days[3]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component <> 'principal' AND s.counts_from > e.days[4]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component <> 'principal' AND s.counts_from > e.days[5]), 0),
            coalesce(sum(s.amount_minor) FILTER (WHERE s.component <> 'principal' AND s.counts_from > e.days[6]), 0)
        ]::bigint[] AS price_minor
    FROM billing.v_settlement AS s JOIN ending AS e ON e.line = s.line
    WHERE s.line = ANY(:lines::uuid[]) AND s.on_day > :day::date - 220
    GROUP BY s.plan, s.no
), standing AS MATERIALIZED (
    SELECT plan, no, principal_minor, interest_minor + fee_minor AS price_minor
    FROM billing.v_open WHERE line = ANY(:lines::uuid[])
), item AS (
    SELECT i.line, i.opened_on, i.charged_on, i.statement_on, i.due_on,
        coalesce(o.principal_minor, 0) AS principal_minor, coalesce(o.price_minor, 0) AS price_minor,
        s.principal_minor AS principal_since, s.price_minor AS price_since
    FROM since AS s FULL JOIN standing AS o ON o.plan = s.plan AND o.no = s.no
    JOIN billing.v_instalment AS i ON i.plan = coalesce(s.plan, o.plan) AND i.no = coalesce(s.no, o.no)
), left_then AS (
    -- A price is owed from the day it is asked for; nothing is before the plan is opened.
    SELECT i.line, k.k, i.due_on, i.statement_on < e.days[k.k] AS asked, i.due_on < e.days[k.k] AS due,
        i.principal_minor + coalesce(i.principal_since[k.k], 0)
        + CASE WHEN i.charged_on <= e.days[k.k] THEN i.price_minor + coalesce(i.price_since[k.k], 0) ELSE 0 END
            AS minor
    FROM item AS i JOIN ending AS e ON e.line = i.line CROSS JOIN generate_series(1, 6) AS k (k)
    WHERE i.opened_on <= e.days[k.k]
), owed AS (
    SELECT line, k, sum(minor) AS minor,
        sum(minor) FILTER (WHERE asked AND minor > 0) AS open_minor,
        min(due_on) FILTER (WHERE asked AND due AND minor > 0) AS due_on
    FROM left_then GROUP BY line, k
), suspended AS (
    SELECT e.line, k.k, sum(d.amount_minor) AS minor
    FROM purchases.v_dispute AS p
    JOIN ending AS e ON e.line = p.line CROSS JOIN generate_series(1, 6) AS k (k)
    JOIN billing.v_suspended AS d ON d.dispute = p.id AND d.counts_from <= e.days[k.k]
    WHERE p.line = ANY(:lines::uuid[])
        AND (p.resolved_at IS NULL OR (p.resolved_at AT TIME ZONE e.timezone)::date > e.days[k.k])
    GROUP BY e.line, k.k
), paid AS (
    SELECT e.line, k.k, sum(p.amount_minor) AS minor
    FROM billing.v_payment AS p
    JOIN ending AS e ON e.line = p.line CROSS JOIN generate_series(1, 6) AS k (k)
    WHERE p.line = ANY(:lines::uuid[]) AND p.value_on > :day::date - 220
        AND p.value_on > e.days[k.k + 1] AND p.value_on <= e.days[k.k]
        AND (p.returned_at IS NULL OR p.returned_at > :now)
    GROUP BY e.line, k.k
)
SELECT e.line, e.days[k.k] AS on_day, o.due_on, coalesce(o.open_minor, 0)::bigint AS open_minor,
    (coalesce(o.minor, 0) + coalesce(d.minor, 0))::bigint AS owed_minor, coalesce(p.minor, 0)::bigint AS paid_minor
FROM ending AS e CROSS JOIN generate_series(1, 6) AS k (k)
LEFT JOIN owed AS o ON o.line = e.line AND o.k = k.k
LEFT JOIN suspended AS d ON d.line = e.line AND d.k = k.k
LEFT JOIN paid AS p ON p.line = e.line AND p.k = k.k
ORDER BY e.line, k.k;

-- name: forget_night!
DELETE FROM watch.band WHERE day = :day;

-- name: add_bands!
INSERT INTO watch.band (day, name, version, item, band, lines)
SELECT :day, :name, u.version, u.item, u.band, u.lines
FROM unnest(:version::text[], :item::text[], :band::integer[], :lines::integer[]) AS u (version, item, band, lines)
ON CONFLICT (day, name, version, item, band) DO UPDATE SET lines = band.lines + excluded.lines;

-- name: bands
SELECT version, item, band, lines FROM watch.band WHERE day = :day AND name = :name ORDER BY version, item, band;

-- name: keep_stability!
INSERT INTO watch.stability (day, name, version, item, index, lines)
SELECT :day, :name, :version, u.item, u.index::double precision, :lines
FROM unnest(:item::text[], :index::text[]) AS u (item, index)
ON CONFLICT (day, name, version, item) DO UPDATE SET index = excluded.index, lines = excluded.lines;

-- name: stability_since
SELECT day, version, item, index, lines FROM watch.stability
WHERE name = :name AND version = :version AND day > :since AND day <= :until ORDER BY day, item;

-- name: add_shift!
INSERT INTO watch.shift (id, kind, name, version, figures, decision, at)
VALUES (:id, :kind, :name, :version, :figures::jsonb, :decision, :now);

-- name: shifts
SELECT id, kind, name, version, figures, decision, at FROM watch.shift
WHERE :name::text IS NULL OR name = :name::text ORDER BY at DESC, id DESC LIMIT :count;

-- name: last_night$
SELECT max(day) FROM watch.band WHERE name = :name AND (:until::date IS NULL OR day <= :until::date);

-- name: last_scores
-- The newest score of each line by a version, as of an instant, with those whose probability is in a range.
SELECT s.id, s.subject AS line, s.probability, s.points, s.reasons, s.at
FROM (
    SELECT DISTINCT ON (subject) id, subject, probability, points, reasons, at FROM decisions.v_score
    WHERE name = :name AND version = :version AND at <= :until ORDER BY subject, at DESC
) AS s
JOIN lines.v_line AS l ON l.id = s.subject AND l.lifecycle <> 'closed'
WHERE (:low::double precision IS NULL OR s.probability >= :low::double precision)
    AND (:high::double precision IS NULL OR s.probability < :high::double precision)
    AND (:reason::text IS NULL OR s.reasons[1] = :reason::text)
ORDER BY s.probability DESC, s.subject LIMIT :count;

-- name: first_reasons
-- How many lines have each code as the first reason of their newest score.
SELECT s.reason, count(*)::integer AS lines
FROM (
    SELECT DISTINCT ON (subject) subject, reasons[1] AS reason FROM decisions.v_score
    WHERE name = :name AND version = :version AND at <= :until ORDER BY subject, at DESC
) AS s
JOIN lines.v_line AS l ON l.id = s.subject AND l.lifecycle <> 'closed'
WHERE s.reason IS NOT NULL GROUP BY s.reason ORDER BY lines DESC, s.reason;

-- name: outcomes
-- What was predicted by a version on a day, and whether a bill due in the time since was still open thirty
-- days after it was due.
SELECT s.probability, EXISTS (
    SELECT FROM billing.v_asked AS a
    WHERE a.line = s.subject AND a.due_on > :since::date - 10 AND a.due_on <= :until::date - 30
        AND a.minor > coalesce((
            SELECT sum(x.amount_minor) FROM billing.v_settlement AS x
            WHERE x.plan = a.plan AND x.no = a.no AND x.counts_from <= a.due_on + 30
        ), 0)
) AS late
FROM (
    SELECT DISTINCT ON (subject) subject, probability FROM decisions.v_score
    WHERE name = :name AND version = :version AND at < :since::date + 1 ORDER BY subject, at DESC
) AS s;

-- name: pairs
-- The newest pair of scores that champion and challenger gave a line at one instant.
SELECT DISTINCT ON (a.subject) a.subject AS line, a.probability AS champion, b.probability AS challenger, a.at
FROM decisions.v_score AS a
JOIN decisions.v_score AS b
    ON b.subject = a.subject AND b.name = a.name AND b.version = :challenger AND b.at = a.at
JOIN lines.v_line AS l ON l.id = a.subject AND l.lifecycle <> 'closed'
WHERE a.name = :name AND a.version = :version AND a.at <= :until ORDER BY a.subject, a.at DESC;

-- name: score_of^
SELECT id, version, facts, probability, points, reasons, at FROM decisions.v_score
WHERE subject = :line AND name = :name AND role = 'champion' ORDER BY at DESC, id DESC LIMIT 1;

-- name: streams
SELECT name, state FROM watch.stream ORDER BY name;

-- name: save_streams!
INSERT INTO watch.stream (name, state)
SELECT u.name, u.state::jsonb FROM unnest(:name::text[], :state::text[]) AS u (name, state)
ON CONFLICT (name) DO UPDATE SET state = excluded.state;
