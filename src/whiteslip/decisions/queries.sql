-- name: keep_version!
INSERT INTO decisions.table_version (name, version, content, contract, seen_at)
VALUES (:name, :version, :content, :contract, :now)
ON CONFLICT DO NOTHING;

-- name: keep_decisions!
-- All of them, or none while their version is not kept yet; stands for a foreign key.
INSERT INTO decisions.decision
    (id, table_name, version, subject, facts, outcome, reasons, trace, at)
SELECT
    b.id, v.name, v.version, b.subject, b.facts::jsonb, b.outcome::jsonb,
    string_to_array(b.reasons, ' '), b.trace::jsonb, :now::timestamptz
FROM unnest(
    :ids::uuid[], :subjects::uuid[], :facts::text[], :outcomes::text[], :reasons::text[], :traces::text[]
) AS b (id, subject, facts, outcome, reasons, trace)
CROSS JOIN decisions.table_version AS v
WHERE v.name = :table_name AND v.version = :version;

-- name: decisions_about
SELECT id, table_name, version, subject, facts, outcome, reasons, trace, at
FROM decisions.decision WHERE subject = :subject ORDER BY at, id;

-- name: kept_versions
SELECT name, version, content, contract FROM decisions.table_version ORDER BY name, version;

-- name: decisions_since
SELECT id, table_name, version, facts, outcome, reasons
FROM decisions.decision
WHERE :since::timestamptz IS NULL OR at >= :since::timestamptz;
