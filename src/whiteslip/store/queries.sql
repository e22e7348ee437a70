-- name: journal_append$
SELECT store.journal_append(:rows::jsonb);

-- name: journal_after
SELECT seq, at, kind, subject_kind, subject, actor, data
FROM store.journal
WHERE seq > :after AND (:kinds::text[] IS NULL OR kind = ANY(:kinds)) ORDER BY seq LIMIT :count;

-- name: journal_of
SELECT seq, at, kind, subject_kind, subject, actor, data
FROM store.journal WHERE subject = ANY(:subjects) ORDER BY seq;

-- name: journal_head^
SELECT seq, hash FROM store.journal_head;

-- name: journal_faults
-- Rows whose number, link or hash is wrong, in order; the row before is found by the window.
SELECT seq, fault FROM (
    SELECT
        j.seq,
        CASE
            WHEN j.seq <> lag(j.seq, 1, 0::bigint) OVER w + 1 THEN 'a row is missing before this one'
            WHEN j.previous <> lag(j.hash, 1, sha256('whiteslip journal')) OVER w
                THEN 'the link to the row before is broken'
            WHEN j.hash <> sha256(j.previous || store.journal_body(
                j.seq, j.at, j.kind, j.subject_kind, j.subject, j.actor, j.data))
                THEN 'the content does not match its hash'
        END AS fault
    FROM store.journal AS j
    WINDOW w AS (ORDER BY j.seq)
) AS checked WHERE fault IS NOT NULL ORDER BY seq LIMIT 20;

-- name: journal_hash$
SELECT hash FROM store.v_journal_hash WHERE seq = :seq;

-- name: journal_last^
SELECT seq, hash FROM store.journal ORDER BY seq DESC LIMIT 1;

-- name: timers_set!
INSERT INTO store.timer (id, kind, subject, due_at, set_at)
SELECT u.id, :kind, u.subject, :due_at, :now FROM unnest(:id::uuid[], :subject::uuid[]) AS u (id, subject)
ON CONFLICT (kind, subject) WHERE done_at IS NULL
DO UPDATE SET due_at = excluded.due_at, set_at = excluded.set_at, attempts = 0,
    place = DEFAULT;

-- name: timer_cancel!
UPDATE store.timer SET done_at = :now, outcome = 'cancelled'
WHERE kind = :kind AND subject = :subject AND done_at IS NULL;

-- name: timer_pop^
SELECT id, kind, subject, due_at, attempts FROM store.timer
WHERE done_at IS NULL AND due_at <= :now AND (:kinds::text[] IS NULL OR kind = ANY(:kinds::text[]))
ORDER BY due_at, place FOR UPDATE SKIP LOCKED LIMIT 1;

-- name: timer_take^
UPDATE store.timer SET done_at = :now, outcome = 'done'
WHERE id = (
    SELECT id FROM store.timer WHERE done_at IS NULL AND due_at <= :now AND kind = ANY(:kinds::text[])
    ORDER BY due_at, place FOR UPDATE SKIP LOCKED LIMIT 1
)
RETURNING id, kind, subject, due_at, attempts;

-- name: timer_done!
UPDATE store.timer SET done_at = :now, outcome = 'done' WHERE id = :id;

-- name: timer_retry!
UPDATE store.timer SET due_at = :due_at, attempts = attempts + 1, done_at = NULL, outcome = NULL WHERE id = :id;

-- name: timer_next$
SELECT min(due_at) FROM store.timer
WHERE done_at IS NULL AND (:kinds::text[] IS NULL OR kind = ANY(:kinds::text[]));

-- name: idempotency_claim$
INSERT INTO store.idempotency (scope, key, request_hash, at)
VALUES (:scope, :key, :request_hash, :now)
ON CONFLICT DO NOTHING RETURNING key;

-- name: idempotency_read^
SELECT request_hash, response FROM store.idempotency WHERE scope = :scope AND key = :key;

-- name: idempotency_answer!
UPDATE store.idempotency SET response = :response WHERE scope = :scope AND key = :key;

-- name: clock_read$
SELECT frozen_at FROM store.clock;

-- name: clock_and_last^
SELECT
    (SELECT frozen_at FROM store.clock) AS frozen_at,
    (SELECT at FROM store.journal ORDER BY seq DESC LIMIT 1) AS last_at;

-- name: clock_write!
INSERT INTO store.clock (frozen_at) VALUES (:at)
ON CONFLICT (one) DO UPDATE SET frozen_at = excluded.frozen_at
WHERE excluded.frozen_at >= store.clock.frozen_at;

-- name: keeps_migrations$
SELECT to_regclass('store.migration') IS NOT NULL;

-- name: migrations
SELECT name, sha256 FROM store.migration ORDER BY name;

-- name: note_migrations!
INSERT INTO store.migration (name, sha256) SELECT * FROM unnest(:names::text[], :texts::text[])
ON CONFLICT (name) DO NOTHING;

-- name: grant_rights$
SELECT store.grant_rights(:schemas::text[]);

-- name: app_role_exists$
SELECT EXISTS (
    SELECT FROM pg_roles WHERE rolname = 'whiteslip_app' AND pg_has_role(current_user, oid, 'MEMBER')
);

-- name: lock_alone$
SELECT pg_advisory_lock(hashtextextended(:what, 0))::text;

-- name: unlock_alone$
SELECT pg_advisory_unlock(hashtextextended(:what, 0));
