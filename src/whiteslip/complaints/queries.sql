-- name: add!
INSERT INTO complaints.complaint (
    id, reference, customer, pack, topic, channel, filed_at, due_at, line, words, extensions, overdue_at,
    answered_at, outcome, why
) VALUES (
    :id, :reference, :customer, :pack, :topic, :channel, :filed_at, :due_at, :line, :words, :extensions,
    :overdue_at, :answered_at, :outcome, :why
);

-- name: save!
UPDATE complaints.complaint SET
    due_at = :due_at, extensions = :extensions, overdue_at = :overdue_at, answered_at = :answered_at,
    outcome = :outcome, why = :why
WHERE id = :id;

-- name: by_id^
SELECT * FROM complaints.complaint WHERE id = :id;

-- name: lock_one^
SELECT * FROM complaints.complaint WHERE id = :id FOR UPDATE;

-- name: by_reference^
SELECT * FROM complaints.complaint WHERE reference = :reference;

-- name: queue
SELECT * FROM complaints.complaint WHERE outcome IS NULL ORDER BY due_at, id LIMIT :count;

-- name: of_customer
SELECT * FROM complaints.complaint WHERE customer = :customer ORDER BY filed_at DESC, id DESC LIMIT 100;

-- name: page
SELECT * FROM complaints.complaint WHERE id > :after ORDER BY id LIMIT :count;
