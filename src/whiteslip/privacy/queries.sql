-- name: add_answer!
INSERT INTO privacy.answer (id, reference, customer, answered_at, actor, erased, kept)
VALUES (:id, :reference, :customer, :answered_at, :actor, :erased, :kept);

-- name: answers
SELECT id, reference, customer, answered_at, erased, kept FROM privacy.answer
WHERE customer = :customer ORDER BY answered_at DESC;

-- name: reference_taken$
SELECT EXISTS (SELECT FROM privacy.answer WHERE reference = :reference);

-- name: add_order!
INSERT INTO privacy.keep_order (id, customer, reference, until, set_by, set_at)
VALUES (:id, :customer, :reference, :until, :set_by, :set_at);

-- name: order_to_release^
SELECT id, customer, reference, until, set_by, set_at FROM privacy.keep_order
WHERE id = :id AND released_at IS NULL FOR UPDATE;

-- name: release_order!
UPDATE privacy.keep_order SET released_at = :now WHERE id = :id;

-- name: standing_orders
SELECT id, customer, reference, until, set_by, set_at FROM privacy.keep_order
WHERE customer = :customer AND released_at IS NULL ORDER BY set_at;

-- name: expired
-- Who left so long ago that the clocks of all their packs have run out; and who applied, never had a line, and
-- whose last application ended so long ago that its pack's clock has. Nobody whom an order keeps, who waits for
-- the desk or who holds an offer. Candidates first: on most nights nobody closed a line that long ago.
WITH law AS (
    SELECT * FROM unnest(:packs::text[], :last_days::date[], :last::timestamptz[]) AS k (pack, last_day, last_at)
), candidate AS MATERIALIZED (
    SELECT DISTINCT customer FROM lines.v_line WHERE closed_on <= :before
), ended AS (
    SELECT l.customer, max(l.closed_on) AS ended_on
    FROM candidate AS c
    JOIN lines.v_line AS l ON l.customer = c.customer
    JOIN law AS k ON k.pack = l.pack
    GROUP BY l.customer
    HAVING bool_and(l.closed_on IS NOT NULL) AND max(l.closed_on) <= min(k.last_day)
    UNION ALL
    SELECT a.customer, (max(coalesce(a.decided_at, a.applied_at)) AT TIME ZONE 'UTC')::date
    FROM applications.v_application AS a
    JOIN law AS k ON k.pack = a.pack
    WHERE a.proven_at IS NOT NULL AND NOT EXISTS (SELECT FROM lines.v_line AS l WHERE l.customer = a.customer)
    GROUP BY a.customer
    HAVING bool_and(
        a.state IN ('declined', 'withdrawn', 'lapsed') AND coalesce(a.decided_at, a.applied_at) <= k.last_at)
)
SELECT e.customer, e.ended_on FROM ended AS e
WHERE NOT EXISTS (SELECT FROM privacy.erased AS g WHERE g.customer = e.customer)
    AND NOT EXISTS (
        SELECT FROM privacy.keep_order AS o
        WHERE o.customer = e.customer AND o.released_at IS NULL AND o.until >= :today)
ORDER BY e.ended_on, e.customer LIMIT :count;

-- name: others
-- Whom the vault knows for a customer's sake alone: users of their lines, and contacts of their estate.
SELECT u.id FROM lines.v_user AS u JOIN lines.v_line AS l ON l.id = u.line WHERE l.customer = :customer
UNION
SELECT c.contact FROM exits.v_estate_contact AS c JOIN lines.v_line AS l ON l.id = c.line
WHERE l.customer = :customer;

-- name: add_erased!
INSERT INTO privacy.erased (customer, ended_on, erased_at) VALUES (:customer, :ended_on, :now);

-- name: add_request!
INSERT INTO privacy.request (
    id, reference, customer, pack, kind, channel, asked_at, due_at, words, delay, overdue_at, answered_at, outcome, why
) VALUES (
    :id, :reference, :customer, :pack, :kind, :channel, :asked_at, :due_at, :words, :delay, :overdue_at,
    :answered_at, :outcome, :why
);

-- name: save_request!
UPDATE privacy.request SET
    due_at = :due_at, delay = :delay, overdue_at = :overdue_at, answered_at = :answered_at, outcome = :outcome,
    why = :why
WHERE id = :id;

-- name: request^
SELECT * FROM privacy.request WHERE id = :id;

-- name: lock_request^
SELECT * FROM privacy.request WHERE id = :id FOR UPDATE;

-- name: request_by_reference^
SELECT * FROM privacy.request WHERE reference = :reference;

-- name: open_requests
SELECT * FROM privacy.request WHERE customer = :customer AND kind = :kind AND outcome IS NULL
ORDER BY id FOR UPDATE;

-- name: requests_waiting
SELECT * FROM privacy.request WHERE outcome IS NULL ORDER BY due_at, id LIMIT :count;

-- name: requests_of
SELECT * FROM privacy.request WHERE customer = :customer ORDER BY asked_at DESC, id DESC LIMIT 100;

-- name: requests_page
SELECT * FROM privacy.request WHERE id > :after ORDER BY id LIMIT :count;
