-- name: add_plan!
INSERT INTO treasury.plan (id, basis, appetite, answer, proposed_by, proposed_at)
VALUES (:id, :basis::jsonb, :appetite::jsonb, :answer::jsonb, :proposed_by, :proposed_at);

-- name: plans
SELECT * FROM treasury.plan ORDER BY outcome IS NOT NULL, proposed_at DESC, id LIMIT 100;

-- name: plan^
SELECT * FROM treasury.plan WHERE id = :id;

-- name: lock_plan^
SELECT * FROM treasury.plan WHERE id = :id FOR UPDATE;

-- name: save_plan!
UPDATE treasury.plan SET outcome = :outcome, decided_by = :decided_by, decided_at = :decided_at WHERE id = :id;
