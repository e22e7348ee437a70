-- A book of any size, made inside PostgreSQL: N receivables (purchases in one or three instalments) on
-- N / 10 lines over twelve months, each fact a hash of its number and a salt, so that it is the same each
-- time. Most pay on the day, some late, one line in twenty-five stops; a few pay early, get money back, leave.
-- No transfer is later than the day, so the ledger needs balances alone.

-- name: rules
CREATE SCHEMA made;
CREATE FUNCTION made.die(n bigint, salt integer, sides integer) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN ((hashint8extended(n, salt) & 2147483647) % sides)::integer;
-- As UUIDv7: in the order they were made, and random behind.
CREATE FUNCTION made.uid(kind integer, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || substr(md5(kind || ':' || n), 1, 19))::uuid;
-- Indexes that serve one line or one event: none of the queries measured here has a use for them.
DROP INDEX billing.plan_line, billing.plan_purchase, billing.instalment_open, billing.instalment_to_bill,
    billing.instalment_due, billing.settlement_source, billing.settlement_line, billing.settlement_day,
    billing.settlement_instalment, billing.payment_value, purchases.purchase_line, purchases.purchase_expiry,
    decisions.decision_subject, decisions.decision_at, decisions.score_at;

-- name: lines
CREATE UNLOGGED TABLE made.line AS
SELECT n, made.uid(1, n) AS id, made.uid(2, n) AS customer, (n % 28 + 1)::integer AS statement_day,
    DATE '2025-11-01' + made.die(n, 1, 240) AS opened_on, made.die(n, 5, 1000) AS habit,
    DATE '2025-11-01' + made.die(n, 1, 240) + 60 + made.die(n, 6, 240) AS stops_on
FROM generate_series(0, %(lines)s::bigint - 1) AS n;

-- name: items
-- One row per instalment, with what came of it: when it was settled, how, and whether it was billed.
CREATE UNLOGGED TABLE made.item AS
WITH bought AS (
    SELECT r.n, l.id AS line, l.n AS line_no, l.statement_day, l.habit, l.stops_on,
        l.opened_on + made.die(r.n, 2, DATE '2026-10-31' - l.opened_on + 1) AS opened_on,
        3000 + made.die(r.n, 3, 57000) AS minor, CASE made.die(r.n, 4, 2) WHEN 0 THEN 1 ELSE 3 END AS parts
    FROM generate_series(0, %(receivables)s::bigint - 1) AS r (n)
    JOIN made.line AS l ON l.n = r.n % %(lines)s::bigint
), due AS (
    SELECT b.*, no, minor / parts + CASE WHEN no = parts THEN minor % parts ELSE 0 END AS principal,
        CASE parts WHEN 3 THEN minor / 300 ELSE 0 END AS interest,
        (date_trunc('month', opened_on) + make_interval(months => no, days => statement_day - 1))::date AS bill_on
    FROM bought AS b CROSS JOIN LATERAL generate_series(1, parts) AS no
), ended AS (
    SELECT d.*, bill_on + 20 AS due_on, CASE
        WHEN made.die(n, 7, 40) = 0 THEN opened_on + 10
        WHEN made.die(n, 7, 40) = 1 AND parts = 1 THEN opened_on + 5
        WHEN habit >= 960 AND bill_on + 20 >= stops_on THEN bill_on + 220
        WHEN habit >= 900 THEN bill_on + 25 + made.die(n, 9, 60)
        ELSE bill_on + 20 - made.die(n, 9, 5) END AS paid_on, CASE
        WHEN made.die(n, 7, 40) = 0 THEN 'payment'
        WHEN made.die(n, 7, 40) = 1 AND parts = 1 THEN 'refund'
        WHEN habit >= 960 AND bill_on + 20 >= stops_on THEN 'waiver'
        ELSE 'payment' END AS kind
    FROM due AS d
)
SELECT made.uid(3, n) AS plan, n, no, parts, line, line_no, opened_on, minor, bill_on, due_on, principal, interest,
    CASE WHEN paid_on <= DATE '2026-10-31' THEN paid_on END AS paid_on, kind,
    bill_on <= DATE '2026-10-31' AND paid_on >= bill_on AS billed,
    made.uid(7, line_no * 1000 + (bill_on - DATE '2025-11-01')) AS bill
FROM ended;

-- name: open_lines
INSERT INTO lines.terms (version, terms) VALUES ('made', '{}');
INSERT INTO lines.customer (id, language, opened_at) SELECT customer, 'en', opened_on FROM made.line;
INSERT INTO lines.line
SELECT id, customer, 'cn', 'CNY', 'Asia/Shanghai', 'made', 5000000, statement_day, 'active', opened_on, true, NULL,
    made.uid(11, n), made.uid(12, n), made.uid(13, n), made.uid(14, n)
FROM made.line;
INSERT INTO exits.exit (
    id, reference, line, customer, kind, channel, state, why, since, identity, requested_at, confirmed_at, plan)
SELECT made.uid(8, n), 'made-' || n, id, customer, 'close', 'app', 'run_off', 'made', at, 'verified', at, at, '{}'
FROM (
    SELECT *, (opened_on + 30 + made.die(n, 10, 90))::timestamp AT TIME ZONE 'Asia/Shanghai' AS at FROM made.line
    WHERE made.die(n, 11, 33) = 0
) AS l;

-- name: lock
-- One line in fifty pauses, every other of them for sixty days.
INSERT INTO lines.lock (id, line, kind, party, ground, reason, set_at, began_at, lifted_at)
SELECT made.uid(17, n), id, 'customer', 'customer', 'general', 'made', at, at,
    CASE made.die(n, 17, 2) WHEN 0 THEN at + interval '60 days' END
FROM (
    SELECT *, (opened_on + 10 + made.die(n, 18, 50))::timestamp AT TIME ZONE 'Asia/Shanghai' AS at FROM made.line
    WHERE made.die(n, 16, 50) = 0
) AS l;

-- name: buy
-- A third of a percent a month where it is paid in parts, as the instalments have it.
INSERT INTO billing.plan
SELECT plan, line, made.uid(4, n), 'purchase', minor, parts, CASE parts WHEN 3 THEN 33 ELSE 0 END, 0, opened_on
FROM made.item WHERE no = 1;

-- name: shops
INSERT INTO purchases.merchant SELECT made.uid(9, n), 'shop-' || n, 'CNY', made.uid(10, n)
FROM generate_series(0, 1999) AS n;
INSERT INTO purchases.purchase (
    id, line, merchant, instalments, authorised_minor, captured_minor, state, authorised_at, expires_at)
SELECT made.uid(4, n), line, made.uid(9, made.die(n, 12, 2000)), parts, minor, minor, 'captured',
    opened_on::timestamptz, opened_on::timestamptz + interval '7 days'
FROM made.item WHERE no = 1;

-- name: decide
INSERT INTO decisions.decision
SELECT made.uid(15, n), 'purchase', '000000000000', line, '{}', '"approved"', '{}', NULL, opened_on::timestamptz
FROM made.item WHERE no = 1;

-- name: score
-- Nine lines of ten are scored, at their last two statements; a model version without a model behind it, which
-- nobody asks to score.
INSERT INTO decisions.model VALUES ('behaviour', '000000000000', '', 12, 'made', '2025-11-01');
INSERT INTO decisions.model_step (name, version, step, actor, at)
VALUES ('behaviour', '000000000000', 'champion', 'made', '2025-11-01');
INSERT INTO decisions.score (id, name, version, role, subject, facts, probability, reasons, at)
SELECT made.uid(16, l.n * 2 + m.ago), 'behaviour', '000000000000', 'champion', l.id, '{}',
    made.die(l.n, 13 + m.ago, 400000) / 1e6, '{}',
    (DATE '2026-10-01' - make_interval(months => m.ago, days => 1 - l.statement_day) + interval '20 hours')
        AT TIME ZONE 'Asia/Shanghai'
FROM made.line AS l CROSS JOIN (VALUES (0), (1)) AS m (ago)
WHERE made.die(l.n, 15, 10) > 0
    AND l.opened_on <= DATE '2026-10-01' - make_interval(months => m.ago, days => 1 - l.statement_day);

-- name: schedule
INSERT INTO billing.instalment
SELECT plan, no, line, bill_on, due_on, principal, interest, 0,
    CASE WHEN parts = no THEN principal ELSE minor - (no - 1) * (minor / parts) END,
    CASE WHEN paid_on IS NOT NULL THEN principal ELSE 0 END,
    CASE WHEN paid_on IS NOT NULL THEN interest ELSE 0 END,
    0, CASE WHEN billed THEN bill END, billed
FROM made.item;

-- name: bills
INSERT INTO billing.bill
SELECT bill, line, bill_on, bill_on + 20, sum(principal), sum(interest), 0, sum(principal + interest)
FROM made.item WHERE billed GROUP BY bill, line, bill_on;

-- name: settle
INSERT INTO billing.settlement
SELECT CASE i.kind WHEN 'payment' THEN made.uid(5, i.line_no * 1000 + (i.paid_on - DATE '2025-11-01'))
    ELSE made.uid(6, i.n * 4 + i.no) END,
    i.line, i.plan, i.no, c.component, c.minor,
    CASE WHEN c.component = 'interest' AND NOT i.billed THEN 'unearned' ELSE i.kind END, i.paid_on, i.paid_on
FROM made.item AS i
CROSS JOIN LATERAL (VALUES ('principal', i.principal), ('interest', i.interest)) AS c (component, minor)
WHERE i.paid_on IS NOT NULL AND c.minor > 0;

-- name: pay
INSERT INTO billing.payment
SELECT made.uid(5, line_no * 1000 + (paid_on - DATE '2025-11-01')), line, paid_on::text, 'transfer',
    sum(principal + CASE WHEN billed THEN interest ELSE 0 END), paid_on, paid_on,
    paid_on::timestamp AT TIME ZONE 'Asia/Shanghai'
FROM made.item WHERE kind = 'payment' AND paid_on IS NOT NULL GROUP BY line_no, line, paid_on;

-- name: balances
INSERT INTO ledger.account (id, code, owner, currency, debits_posted)
SELECT made.uid(10 + c.place, l.n), 'line.' || c.code, l.id, 'CNY',
    CASE c.code WHEN 'principal' THEN coalesce(o.principal, 0) WHEN 'interest' THEN coalesce(o.interest, 0) ELSE 0 END
FROM made.line AS l
CROSS JOIN (VALUES (1, 'principal'), (2, 'interest'), (3, 'fee'), (4, 'credit')) AS c (place, code)
LEFT JOIN (
    SELECT line, sum(principal) AS principal, coalesce(sum(interest) FILTER (WHERE billed), 0) AS interest
    FROM made.item WHERE paid_on IS NULL GROUP BY line
) AS o ON o.line = l.id;
INSERT INTO ledger.sealed_day VALUES ('2026-10-31', '2026-11-01', '{}', 0, '');

-- name: done
DROP SCHEMA made CASCADE;
