-- name: keep_version!
INSERT INTO decisions.table_version (name, version, content, contract, seen_at)
VALUES (:name, :version, :content, :contract, :now)
ON CONFLICT DO NOTHING;

-- name: keep_decisions!
-- All of them, or none: while their version is not kept yet, which stands for a foreign key, and when
-- an activation was recorded that the caller has not heard of.
INSERT INTO decisions.decision
    (id, table_name, version, subject, facts, outcome, reasons, trace, at)
SELECT
    b.id, v.name, v.version, b.subject, b.facts::jsonb, b.outcome::jsonb,
    string_to_array(b.reasons, ' '), b.trace::jsonb, :now::timestamptz
FROM unnest(
    :ids::uuid[], :subjects::uuid[], :facts::text[], :outcomes::text[], :reasons::text[], :traces::text[]
) AS b (id, subject, facts, outcome, reasons, trace)
CROSS JOIN decisions.table_version AS v
WHERE v.name = :table_name AND v.version = :version
AND :last_activation::uuid IS NOT DISTINCT FROM (
    SELECT s.id FROM decisions.policy_step AS s
    WHERE s.effective_at IS NOT NULL ORDER BY s.seq DESC LIMIT 1
);

-- name: decisions_about
SELECT id, table_name, version, subject, facts, outcome, reasons, trace, at
FROM decisions.decision WHERE subject = :subject ORDER BY at, id;

-- name: kept_versions
SELECT name, version, content, contract FROM decisions.table_version ORDER BY name, version;

-- name: decisions_since
SELECT id, table_name, version, facts, outcome, reasons
FROM decisions.decision
WHERE :since::timestamptz IS NULL OR at >= :since::timestamptz;

-- name: keep_step^
INSERT INTO decisions.policy_step (id, name, version, step, actor, note, effective_at, result, at)
VALUES (:id, :name, :version, :step, :actor, :note, :effective_at, :result, :now)
RETURNING seq;

-- name: lock_policy
SELECT pg_advisory_xact_lock(hashtextextended('policy ' || :name, 0));

-- name: policy_steps
SELECT seq, id, name, version, step, actor, note, effective_at, result, at
FROM decisions.policy_step WHERE name = :name ORDER BY seq;

-- name: activations
SELECT seq, id, name, version, step, actor, note, effective_at, result, at
FROM decisions.policy_step WHERE effective_at IS NOT NULL ORDER BY seq;

-- name: activated_versions
SELECT v.name, v.version, v.content, v.contract
FROM decisions.table_version AS v
WHERE EXISTS (
    SELECT FROM decisions.policy_step AS s
    WHERE s.name = v.name AND s.version = v.version AND s.effective_at IS NOT NULL
);

-- name: kept_version^
SELECT name, version, content, contract FROM decisions.table_version
WHERE name = :name AND version = :version;

-- name: versions_like
SELECT version FROM decisions.table_version WHERE name = :name AND starts_with(version, :start) LIMIT 2;

-- name: decisions_between
SELECT id, subject, at, facts, outcome
FROM decisions.decision
WHERE table_name = :name
    AND (:since::timestamptz IS NULL OR at >= :since::timestamptz)
    AND (:until::timestamptz IS NULL OR at < :until::timestamptz);
