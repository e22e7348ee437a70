-- name: add_endpoint!
INSERT INTO webhooks.endpoint (id, url, kinds, state, sealed, after_seq, created_at)
VALUES (:id, :url, :kinds, 'active', :sealed, :after_seq, :now);

-- name: endpoint^
SELECT id, url, kinds, state, reason, after_seq, failures, failing_since, resting_until, created_at
FROM webhooks.endpoint WHERE id = :id AND state <> 'removed';

-- name: lock_endpoint^
SELECT id, url, kinds, state, reason, after_seq, failures, failing_since, resting_until, created_at
FROM webhooks.endpoint WHERE id = :id AND state <> 'removed' FOR NO KEY UPDATE;

-- name: endpoints
SELECT id, url, kinds, state, reason, after_seq, failures, failing_since, resting_until, created_at
FROM webhooks.endpoint WHERE id > :after AND state <> 'removed' ORDER BY id LIMIT :count;

-- name: active_endpoints
SELECT id, url, kinds, state, reason, after_seq, failures, failing_since, resting_until, created_at
FROM webhooks.endpoint WHERE state = 'active' ORDER BY id;

-- name: sealed^
SELECT sealed, CASE WHEN before_until > :now THEN sealed_before END AS before
FROM webhooks.endpoint WHERE id = :id;

-- name: set_state!
UPDATE webhooks.endpoint
SET
    state = :state, reason = :reason, after_seq = :after_seq,
    failures = 0, failing_since = NULL, resting_until = NULL
WHERE id = :id;

-- name: forget_secrets!
UPDATE webhooks.endpoint SET sealed = '', sealed_before = NULL, before_until = NULL WHERE id = :id;

-- name: rotate!
UPDATE webhooks.endpoint SET sealed_before = sealed, before_until = :before_until, sealed = :sealed
WHERE id = :id;

-- name: set_health!
UPDATE webhooks.endpoint
SET failures = :failures, failing_since = :failing_since, resting_until = :resting_until
WHERE id = :id;

-- name: drop_waiting!
UPDATE webhooks.delivery SET state = 'dropped', settled_at = :now
WHERE endpoint = :endpoint AND state = 'waiting';

-- name: lock_cursor$
SELECT seq FROM webhooks.cursor FOR UPDATE;

-- name: move_cursor!
UPDATE webhooks.cursor SET seq = :seq;

-- name: add_deliveries
-- What was queued for an endpoint before stays, unless it is asked for again.
INSERT INTO webhooks.delivery (id, endpoint, seq, kind, lane, state, due_at, created_at)
SELECT u.id, u.endpoint, u.seq, u.kind, u.lane, 'waiting', :now, :now
FROM unnest(
    :id::uuid[], :endpoint::uuid[], :seq::bigint[], :kind::text[], :lane::uuid[], :again::boolean[]
) AS u (id, endpoint, seq, kind, lane, again)
WHERE u.again OR NOT EXISTS (
    SELECT FROM webhooks.delivery AS d WHERE d.endpoint = u.endpoint AND d.seq = u.seq
)
ON CONFLICT (endpoint, seq)
DO UPDATE SET state = 'waiting', attempts = 0, due_at = excluded.due_at, settled_at = NULL
RETURNING id;

-- name: next_of_lane^
SELECT id, endpoint, seq, kind, lane, state, attempts, due_at, created_at, settled_at
FROM webhooks.delivery WHERE lane = :lane AND state = 'waiting' ORDER BY seq LIMIT 1;

-- name: settle!
UPDATE webhooks.delivery
SET state = :state, attempts = attempts + 1, due_at = :due_at, settled_at = :settled_at
WHERE id = :id AND state = 'waiting';

-- name: add_attempt!
INSERT INTO webhooks.attempt (delivery, at, status, ms, error)
VALUES (:delivery, :now, :status, :ms, :error);

-- name: deliveries
SELECT id, endpoint, seq, kind, lane, state, attempts, due_at, created_at, settled_at
FROM webhooks.delivery WHERE endpoint = :endpoint AND seq < :before ORDER BY seq DESC LIMIT :count;

-- name: attempts
SELECT delivery, at, status, ms, error FROM webhooks.attempt
WHERE delivery = ANY(:deliveries) ORDER BY delivery, at;
