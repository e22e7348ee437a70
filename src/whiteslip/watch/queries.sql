-- name: lock_cursor$
SELECT seq FROM watch.cursor FOR UPDATE;

-- name: move_cursor!
UPDATE watch.cursor SET seq = :seq;

-- name: lines_of
SELECT id AS line, customer, timezone FROM lines.v_line WHERE id = ANY(:ids::uuid[])
UNION
SELECT id, customer, timezone FROM lines.v_line WHERE customer = ANY(:ids::uuid[]);

-- name: page_of_lines
SELECT id AS line, customer, timezone FROM lines.v_line WHERE id > :after ORDER BY id LIMIT :count;

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
SELECT * FROM watch.alert WHERE id > :after ORDER BY id LIMIT :count;

-- name: waiting
-- What nobody has acknowledged comes first, the strongest act on top.
SELECT * FROM watch.alert WHERE state <> 'labelled'
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
