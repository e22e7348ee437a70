-- name: page
-- Lines that a file may tell of, with how they were closed and what the newest file of an earlier
-- month said. A case that was called off, lapsed or waits for proof closes nothing.
SELECT l.id AS line, l.customer, l.opened_on, l.limit_minor, (t.terms ->> 'due_days')::integer AS due_days,
    CASE WHEN c.kind = 'inactivity' THEN 'inactivity' WHEN c.kind = 'estate' THEN 'estate'
        WHEN c.kind = 'termination' OR c.kind IS NULL AND l.lifecycle = 'closed' THEN 'grantor'
        WHEN c.kind IS NOT NULL THEN 'consumer' END AS closed_by,
    coalesce((c.stopped_at AT TIME ZONE l.timezone)::date, l.closed_on) AS drawing_ended_on,
    l.closed_on AS settled_on,
    -- Who withdrew has undone the contract; a lender may deem others never made by hand.
    coalesce(c.kind = 'withdraw', false)
        OR EXISTS (SELECT FROM bureau.never_made AS n WHERE n.line = l.id) AS never_made,
    EXISTS (SELECT FROM purchases.v_disputed AS d WHERE d.line = l.id) AS bill_disputed,
    -- Who says that they never opened it disputes the account, until that is cleared up and decided.
    EXISTS (
        SELECT FROM exits.v_case AS n WHERE n.line = l.id AND n.not_me AND (n.state IN ('stopped', 'held')
            OR EXISTS (SELECT FROM purchases.v_disputed AS d WHERE d.line = l.id))
    ) AS account_disputed,
    EXISTS (SELECT FROM exits.v_estate AS e WHERE e.line = l.id) AS deceased,
    o.amount_minor AS charged_off_minor, o.on_day AS charged_off_on,
    o.settled_on AS debt_settled_on, b.on_day AS sold_on, h.relief, h.first_due_on,
    p.made_at, p.status, p.compliance, p.first_delinquent_on, p.closed_on AS told_closed_on,
    p.special_comment
FROM lines.v_line AS l
JOIN lines.v_terms AS t ON t.version = l.terms_version
LEFT JOIN billing.v_charge_off AS o ON o.line = l.id AND o.on_day <= :as_of
-- Told once as sold, from the first sale on.
LEFT JOIN LATERAL (
    SELECT min(on_day) AS on_day FROM billing.v_sale WHERE line = l.id AND on_day <= :as_of
) AS b ON true
-- The hardship plan that is being kept, with its first due day.
LEFT JOIN LATERAL (
    SELECT k.relief, (SELECT min(i.due_on) FROM billing.v_instalment AS i
        WHERE i.line = l.id AND i.plan = k.plan) AS first_due_on
    FROM billing.v_hardship AS k
    WHERE k.line = l.id AND k.agreed_on <= :as_of AND (k.state = 'agreed' OR k.ended_on > :as_of)
    ORDER BY k.agreed_on DESC LIMIT 1
) AS h ON true
LEFT JOIN LATERAL (
    SELECT stopped_at, kind FROM exits.v_case
    WHERE line = l.id AND confirmed_at IS NOT NULL AND state NOT IN ('cancelled', 'lapsed')
    ORDER BY requested_at DESC LIMIT 1
) AS c ON true
LEFT JOIN LATERAL (
    SELECT s.made_at, r.status, r.compliance, r.first_delinquent_on, r.closed_on,
        r.account ->> 'special_comment' AS special_comment
    FROM bureau.record AS r JOIN bureau.submission AS s ON s.id = r.submission
    WHERE r.line = l.id AND s.month < :month
    ORDER BY s.month DESC, s.seq DESC LIMIT 1
) AS p ON true
WHERE l.id > :after AND l.pack = :pack AND l.currency = :currency AND l.opened_on <= :as_of
    AND (:only::uuid IS NULL OR l.id = :only)
ORDER BY l.id LIMIT :count;

-- name: movements
SELECT line, day, sum(minor)::bigint AS minor FROM billing.v_movement
WHERE line = ANY(:lines::uuid[]) GROUP BY line, day ORDER BY line, day;

-- name: asked
SELECT line, plan, no, statement_on, due_on, minor FROM billing.v_asked
WHERE line = ANY(:lines::uuid[]) ORDER BY line, due_on, plan, no;

-- name: settled
SELECT plan, no, counts_from, sum(amount_minor)::bigint AS minor FROM billing.v_settlement
WHERE line = ANY(:lines::uuid[]) GROUP BY plan, no, counts_from ORDER BY plan, no, counts_from;

-- name: paid
SELECT line, value_on, amount_minor, (returned_at AT TIME ZONE :timezone)::date AS returned_on
FROM billing.v_payment WHERE line = ANY(:lines::uuid[]) ORDER BY line, value_on;

-- name: bills
SELECT line, statement_on, minor FROM billing.v_bill
WHERE line = ANY(:lines::uuid[]) ORDER BY line, statement_on;

-- name: add_submission!
INSERT INTO bureau.submission (id, month, as_of, made_at, actor)
VALUES (:id, :month, :as_of, :now, :actor);

-- name: add_records!
INSERT INTO bureau.record (
    submission, line, status, compliance, first_delinquent_on, closed_on, account, sha256
)
SELECT :submission, line, status, compliance, first_delinquent_on, closed_on, account::jsonb, sha256
FROM unnest(
    :line::uuid[], :status::text[], :compliance::text[], :first_delinquent_on::date[], :closed_on::date[],
    :account::text[], :sha256::bytea[]
) AS u (line, status, compliance, first_delinquent_on, closed_on, account, sha256);

-- name: told_of_line
SELECT s.month, s.as_of, s.made_at, r.status, r.compliance, r.closed_on, r.account, r.sha256
FROM bureau.record AS r JOIN bureau.submission AS s ON s.id = r.submission
WHERE r.line = :line ORDER BY s.month, s.seq;

-- name: to_tell
-- Closings since a day that were not called off, and callings-off of closings that were told; of
-- agreements of a pack. Those told already come as they were told.
WITH happened AS (
    SELECT l.id AS line, c.id AS exit, 'agreement_closed' AS kind,
        (c.stopped_at AT TIME ZONE l.timezone)::date AS happened_on, c.kind AS exit_kind
    FROM exits.v_case AS c JOIN lines.v_line AS l ON l.id = c.line
    WHERE l.pack = :pack AND c.kind <> 'withdraw' AND c.confirmed_at IS NOT NULL AND c.stopped_at <= :now
        AND (c.state NOT IN ('cancelled', 'lapsed') OR EXISTS (
            SELECT FROM bureau.event AS e WHERE e.source = c.id AND e.kind = 'agreement_closed'))
    UNION ALL
    SELECT l.id, c.id, 'closing_called_off', (c.since AT TIME ZONE l.timezone)::date, c.kind
    FROM exits.v_case AS c JOIN lines.v_line AS l ON l.id = c.line
    JOIN bureau.event AS e ON e.source = c.id AND e.kind = 'agreement_closed'
    WHERE l.pack = :pack AND c.state = 'cancelled'
)
SELECT h.line, h.exit, h.kind, h.happened_on, h.exit_kind, l.opened_on, l.limit_minor, l.currency,
    l.principal_minor + l.interest_minor + l.fee_minor AS balance_minor,
    EXISTS (SELECT FROM exits.v_estate AS d WHERE d.line = h.line) AS deceased, t.said
FROM happened AS h
JOIN lines.v_line AS l ON l.id = h.line
LEFT JOIN bureau.event AS t ON t.source = h.exit AND t.kind = h.kind
WHERE h.happened_on >= :since
    AND NOT EXISTS (SELECT FROM bureau.never_made AS n WHERE n.line = h.line)
ORDER BY h.happened_on, h.exit, h.kind;

-- name: followed^
-- The row of the journal up to which told closings were followed, and the last one; one at a time follows them.
SELECT f.seq AS until, h.seq AS head FROM bureau.followed AS f, store.v_journal_head AS h FOR UPDATE OF f;

-- name: follow!
UPDATE bureau.followed SET seq = :head;

-- name: told_closings
-- Closings that were told and stand, and of whose line or case the journal has told after :until: as they are
-- known now, beside what was told of them last.
WITH touched AS MATERIALIZED (
    SELECT DISTINCT subject FROM store.v_journal WHERE seq > :until AND seq <= :head
)
SELECT t.line, t.source AS exit, 'agreement_closed' AS kind, t.no,
    (c.stopped_at AT TIME ZONE l.timezone)::date AS happened_on, c.kind AS exit_kind,
    l.opened_on, l.limit_minor, l.currency,
    greatest(0, (f.said ->> 'balance_to_run_off_minor')::bigint
        + bureau.learned(t.line, (f.told_at AT TIME ZONE l.timezone)::date)) AS balance_minor,
    EXISTS (SELECT FROM exits.v_estate AS d WHERE d.line = t.line) AS deceased, t.said_as, t.said
FROM (
    SELECT DISTINCT ON (source) line, source, no, kind AS said_as, said FROM bureau.event
    WHERE kind IN ('agreement_closed', 'agreement_corrected') AND source IN (
        SELECT e.source FROM touched JOIN bureau.event AS e ON e.line = touched.subject
        UNION ALL
        SELECT e.source FROM touched JOIN bureau.event AS e ON e.source = touched.subject
    )
    ORDER BY source, no DESC
) AS t
JOIN bureau.event AS f ON f.source = t.source AND f.kind = 'agreement_closed'
JOIN exits.v_case AS c ON c.id = t.source
JOIN lines.v_line AS l ON l.id = t.line
WHERE c.state NOT IN ('cancelled', 'lapsed') AND c.kind <> 'withdraw'
    AND NOT EXISTS (SELECT FROM bureau.never_made AS n WHERE n.line = t.line)
ORDER BY t.source;

-- name: objections_to_tell
-- Objections of a pack's lines that were opened or answered since a day and not told so yet.
SELECT o.id, o.line, o.field, o.ground, o.month, o.disputed_minor, o.opened_at, o.opened_on, o.due_at, o.outcome,
    o.resolved_at, o.resolved_on, l.currency,
    EXISTS (SELECT FROM bureau.event AS e WHERE e.source = o.id AND e.kind = 'objection_marked') AS marked,
    EXISTS (SELECT FROM bureau.event AS e WHERE e.source = o.id AND e.kind <> 'objection_marked') AS answered
FROM bureau.objection AS o JOIN lines.v_line AS l ON l.id = o.line
WHERE l.pack = :pack AND (o.opened_on >= :since OR o.resolved_on >= :since)
    AND NOT EXISTS (SELECT FROM bureau.never_made AS n WHERE n.line = o.line)
ORDER BY o.opened_at, o.id;

-- name: told_since
-- Events of a pack's agreements of a day and later, as they were told.
SELECT e.kind, e.said FROM bureau.event AS e JOIN lines.v_line AS l ON l.id = e.line
WHERE l.pack = :pack AND e.happened_on >= :since
    AND NOT EXISTS (SELECT FROM bureau.never_made AS n WHERE n.line = e.line)
ORDER BY e.happened_on, e.told_at, e.source, e.kind, e.no;

-- name: add_events!
INSERT INTO bureau.event (line, source, kind, no, happened_on, told_at, said)
SELECT line, source, kind, no, happened_on, :now, said::jsonb
FROM unnest(
    :line::uuid[], :source::uuid[], :kind::text[], :no::integer[], :happened_on::date[], :said::text[]
) AS u (line, source, kind, no, happened_on, said)
ON CONFLICT (source, kind, no) DO NOTHING;

-- name: add_objection!
INSERT INTO bureau.objection (
    id, line, field, ground, month, disputed_minor, opened_at, opened_on, due_at
)
VALUES (:id, :line, :field, :ground, :month, :disputed_minor, :opened_at, :opened_on, :due_at)
ON CONFLICT (line, field) WHERE outcome IS NULL DO NOTHING;

-- name: objection^
SELECT id, line, field, ground, month, disputed_minor, opened_at, opened_on, due_at, outcome,
    resolved_at, resolved_on
FROM bureau.objection WHERE id = :id;

-- name: lock_objection^
SELECT id, line, field, ground, month, disputed_minor, opened_at, opened_on, due_at, outcome,
    resolved_at, resolved_on
FROM bureau.objection WHERE id = :id FOR UPDATE;

-- name: resolve_objection!
UPDATE bureau.objection SET outcome = :outcome, resolved_at = :resolved_at, resolved_on = :resolved_on
WHERE id = :id;

-- name: objections_of
SELECT id, line, field, ground, month, disputed_minor, opened_at, opened_on, due_at, outcome,
    resolved_at, resolved_on
FROM bureau.objection WHERE line = ANY(:lines::uuid[]) ORDER BY opened_at, id;

-- name: objections
SELECT id, line, field, ground, month, disputed_minor, opened_at, opened_on, due_at, outcome,
    resolved_at, resolved_on
FROM bureau.objection WHERE outcome IS NULL OR NOT :open_only
ORDER BY outcome IS NOT NULL, due_at, id LIMIT :count;

-- name: add_never_made!
INSERT INTO bureau.never_made (line, at, actor) VALUES (:line, :now, :actor)
ON CONFLICT (line) DO NOTHING;

-- name: untold
SELECT o.line FROM billing.v_charge_off AS o JOIN lines.v_line AS l ON l.id = o.line
WHERE l.pack = :pack AND o.on_day < :before AND EXISTS (SELECT FROM bureau.submission)
    AND NOT EXISTS (
        SELECT FROM bureau.record AS r
        WHERE r.line = o.line AND (r.first_delinquent_on IS NOT NULL OR r.status = 'DA'))
ORDER BY o.line LIMIT 100;
