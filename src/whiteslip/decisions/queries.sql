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

-- name: decision^
SELECT id, table_name, version, subject, facts, outcome, reasons, trace, at
FROM decisions.decision WHERE id = :id;

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

-- name: lock_model$
SELECT pg_advisory_xact_lock(hashtextextended('model ' || :name, 0))::text;

-- name: keep_model!
INSERT INTO decisions.model (name, version, artefact, horizon_months, kept_by, kept_at)
VALUES (:name, :version, :artefact, :horizon_months, :actor, :now) ON CONFLICT DO NOTHING;

-- name: add_model_step!
INSERT INTO decisions.model_step (name, version, step, actor, at)
VALUES (:name, :version, :step, :actor, :now);

-- name: model_standing
-- Each version's last step, with its bytes; the newest first.
SELECT m.name, m.version, m.artefact, s.step, s.actor, s.at
FROM decisions.model AS m
CROSS JOIN LATERAL (
    SELECT step, actor, at, seq FROM decisions.model_step
    WHERE name = m.name AND version = m.version ORDER BY seq DESC LIMIT 1
) AS s
WHERE :name::text IS NULL OR m.name = :name::text
ORDER BY m.name, s.seq DESC;

-- name: keep_scores!
INSERT INTO decisions.score (id, name, version, role, subject, facts, probability, points, reasons, at)
SELECT u.id, :name, :version, :role, u.subject, u.facts::jsonb, u.probability::double precision, u.points,
    u.reasons::text[], :now
FROM unnest(
    :id::uuid[], :subject::uuid[], :facts::text[], :probability::text[], :points::integer[], :reasons::text[]
) AS u (id, subject, facts, probability, points, reasons);

-- name: erase_scores$
SELECT store.erase('decisions.score', :subjects::uuid[]);

-- name: last_scores
-- Each version's newest score of each subject, with its facts.
SELECT v.version, u.subject, s.facts, s.probability, s.points, s.reasons
FROM unnest(:subjects::uuid[]) AS u (subject)
CROSS JOIN unnest(:versions::text[]) AS v (version)
CROSS JOIN LATERAL (
    SELECT facts, probability, points, reasons FROM decisions.score
    WHERE subject = u.subject AND name = :name AND version = v.version ORDER BY at DESC LIMIT 1
) AS s;

-- name: last_score^
SELECT id, name, version, role, subject, facts, probability, points, reasons, at FROM decisions.score
WHERE subject = :subject AND name = :name AND role = 'champion' ORDER BY at DESC, id DESC LIMIT 1;

-- name: scores_since
SELECT id, name, version, role, subject, facts, probability, points, reasons FROM decisions.score
WHERE :since::timestamptz IS NULL OR at >= :since::timestamptz;

-- name: scored_side_by_side
-- What champion and challenger said of the same subject at the same instant.
SELECT a.subject, a.at, a.probability AS champion, b.probability AS challenger
FROM decisions.score AS a
JOIN decisions.score AS b
    ON b.subject = a.subject AND b.at = a.at AND b.name = a.name AND b.role = 'challenger'
WHERE a.name = :name AND b.version = :version AND a.role = 'champion'
ORDER BY a.at, a.subject;
