-- name: add_application!
INSERT INTO applications.application (
    id, reference, customer, pack, currency, channel, language, state, consent_version, applied_at, due_at,
    raises
)
VALUES (
    :id, :reference, :customer, :pack, :currency, :channel, :language, :state, :consent_version,
    :applied_at, :due_at, :raises
);

-- name: add_facts!
INSERT INTO applications.fact (application, name, value, source, at)
SELECT :application, *, :now FROM unnest(:names::text[], :values::bigint[], :sources::text[]);

-- name: facts
SELECT name, value, source, at FROM applications.fact WHERE application = :application ORDER BY name;

-- name: application^
SELECT id, reference, customer, pack, currency, channel, language, state, consent_version, applied_at,
    due_at, proven_at, decision, outcome, limit_minor, reasons, score, scorecard_version, decided_at,
    decided_by, line, raises
FROM applications.application WHERE id = :id;

-- name: lock_application$
SELECT id FROM applications.application WHERE id = :id FOR UPDATE;

-- name: id_of_reference$
SELECT id FROM applications.application WHERE reference = :reference;

-- name: of_customer
SELECT id, reference, customer, pack, currency, channel, language, state, consent_version, applied_at,
    due_at, proven_at, decision, outcome, limit_minor, reasons, score, scorecard_version, decided_at,
    decided_by, line, raises
FROM applications.application WHERE customer = :customer ORDER BY applied_at DESC, id DESC;

-- name: open_of_customer$
SELECT id FROM applications.application
WHERE customer = :customer AND state IN ('offered', 'referred', 'in_review');

-- name: recent
SELECT id, reference, customer, pack, currency, channel, language, state, consent_version, applied_at,
    due_at, proven_at, decision, outcome, limit_minor, reasons, score, scorecard_version, decided_at,
    decided_by, line, raises
FROM applications.application
WHERE (:state::text IS NULL OR state = :state) AND (:before::uuid IS NULL OR id < :before)
ORDER BY id DESC LIMIT :count;

-- name: waiting
SELECT id, reference, customer, pack, currency, channel, language, state, consent_version, applied_at,
    due_at, proven_at, decision, outcome, limit_minor, reasons, score, scorecard_version, decided_at,
    decided_by, line, raises
FROM applications.application WHERE state IN ('referred', 'in_review')
ORDER BY due_at, id LIMIT :count;

-- name: counts
SELECT state, count(*) AS count FROM applications.application GROUP BY state;

-- name: save!
UPDATE applications.application SET
    customer = :customer, state = :state, due_at = :due_at, proven_at = :proven_at, decision = :decision,
    outcome = :outcome, limit_minor = :limit_minor, reasons = :reasons, score = :score,
    scorecard_version = :scorecard_version, decided_at = :decided_at, decided_by = :decided_by, line = :line
WHERE id = :id;

-- name: keep_scorecard!
INSERT INTO applications.scorecard (version, content) VALUES (:version, :content)
ON CONFLICT (version) DO NOTHING;

-- name: scorecard$
SELECT content FROM applications.scorecard WHERE version = :version;

-- name: add_review!
INSERT INTO applications.review (id, application, note, requested_at, due_at)
VALUES (:id, :application, :note, :requested_at, :due_at);

-- name: reviews
SELECT id, application, note, requested_at, due_at, decided_by, decided_at, outcome, why
FROM applications.review WHERE application = :application ORDER BY requested_at;

-- name: decide_review!
UPDATE applications.review SET decided_by = :actor, decided_at = :now, outcome = :outcome, why = :why
WHERE application = :application AND outcome IS NULL;
