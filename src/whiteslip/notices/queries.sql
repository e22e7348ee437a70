-- name: add
-- Letters that were queued before under the same "dedupe" stay as they were.
INSERT INTO notices.notice (
    id, kind, subject_kind, subject, recipient, language, facts, dedupe, state, queued_at,
    to_former
)
SELECT u.id, u.kind, u.subject_kind, u.subject, u.recipient, u.language, u.facts::jsonb, u.dedupe, 'queued', :now,
    u.to_former
FROM unnest(
    :id::uuid[], :kind::text[], :subject_kind::text[], :subject::uuid[], :recipient::uuid[],
    :language::text[], :facts::text[], :dedupe::text[], :to_former::boolean[]
) AS u (id, kind, subject_kind, subject, recipient, language, facts, dedupe, to_former)
ON CONFLICT (dedupe) DO NOTHING
RETURNING id, kind;

-- name: notice^
SELECT id, kind, subject_kind, subject, recipient, language, facts, state, attempts, queued_at, sent_at, to_former
FROM notices.notice WHERE id = :id;

-- name: of_subject
SELECT id, kind, subject_kind, subject, recipient, language, facts, state, attempts, queued_at, sent_at, to_former
FROM notices.notice
WHERE subject = :subject
    AND (:after::uuid IS NULL OR seq > (SELECT a.seq FROM notices.notice AS a WHERE a.id = :after))
ORDER BY seq LIMIT :count;

-- name: of_recipient
SELECT id, kind, subject_kind, subject, recipient, language, facts, state, attempts, queued_at, sent_at, to_former
FROM notices.notice WHERE recipient = :recipient ORDER BY seq DESC LIMIT 200;

-- name: claim^
UPDATE notices.notice SET state = 'sending', attempts = attempts + 1, claimed_at = :now
WHERE id = :id AND state = 'queued'
RETURNING id, kind, subject_kind, subject, recipient, language, facts, state, attempts, queued_at, sent_at, to_former;

-- name: settle!
-- Whoever takes longer than the night has patience knows after all what became of it, also where somebody
-- has had it queued again meanwhile: one that was sent is not sent again.
WITH settled AS (
    UPDATE notices.notice SET state = :state, sent_at = :sent_at
    WHERE id = :id AND (state IN ('sending', 'unknown') OR (state = 'queued' AND :state = 'sent'))
)
INSERT INTO notices.proof (notice, at, outcome, reply, message_id, text_sha256, pdf_sha256)
VALUES (:id, :now, :outcome, :reply, :message_id, :text_sha256, :pdf_sha256);

-- name: put_back$
UPDATE notices.notice SET state = 'queued', attempts = attempts - 1
WHERE id = :id AND state IN ('sending', 'unknown') RETURNING true;

-- name: queue_again$
UPDATE notices.notice SET state = 'queued', attempts = 0
WHERE id = :id AND state = :state AND state IN ('failed', 'unknown') RETURNING true;

-- name: settle_as_taken$
-- What it was given is known where it was silent after that, and not after a crash of ours.
WITH settled AS (
    UPDATE notices.notice SET state = 'sent', sent_at = claimed_at
    WHERE id = :id AND state = 'unknown' RETURNING id
)
INSERT INTO notices.proof (notice, at, outcome, reply, message_id, text_sha256, pdf_sha256)
SELECT s.id, :now, 'sent', 'found by a person', '', coalesce(p.text_sha256, ''), coalesce(p.pdf_sha256, '')
FROM settled AS s LEFT JOIN LATERAL (
    SELECT x.text_sha256, x.pdf_sha256 FROM notices.proof AS x
    WHERE x.notice = s.id AND x.outcome = 'unknown' ORDER BY x.at DESC LIMIT 1
) AS p ON true
RETURNING true;

-- name: in_states
SELECT n.id, n.kind, n.state, n.attempts, n.queued_at, p.at AS tried_at, p.reply
FROM notices.notice AS n LEFT JOIN LATERAL (
    SELECT x.at, x.reply FROM notices.proof AS x WHERE x.notice = n.id ORDER BY x.at DESC LIMIT 1
) AS p ON true
WHERE n.state = ANY(:states::text[]) ORDER BY n.seq LIMIT :count;

-- name: proofs
SELECT notice, at, outcome, reply, message_id, text_sha256, pdf_sha256 FROM notices.proof
WHERE notice = ANY(:notices::uuid[]) ORDER BY at;

-- name: sent_pdf$
SELECT pdf_sha256 FROM notices.proof WHERE notice = :notice AND outcome = 'sent' ORDER BY at LIMIT 1;

-- name: sweep
UPDATE notices.notice SET state = 'unknown'
WHERE state = 'sending' AND claimed_at <= :before RETURNING id, kind;

-- name: show!
INSERT INTO notices.phone (id, recipient, notice, title, body, at)
VALUES (:id, :recipient, :notice, :title, :body, :now);

-- name: phone
SELECT id, notice, title, body, at FROM notices.phone
WHERE recipient = :recipient ORDER BY at DESC, id DESC LIMIT :count;

-- name: counts
SELECT state, count(*) AS count FROM notices.notice GROUP BY state;

-- name: waiting^
SELECT count(*) AS letters, min(queued_at) AS since FROM notices.notice WHERE state = 'queued';
