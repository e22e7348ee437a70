-- What a snapshot holds, as of the end of :day (its last microsecond is :until, days are days in
-- :timezone). Read by ADBC, so parameters are written into the text; they are days, an instant and
-- the name of a zone. Columns that end in _id leave as keyed hashes.

-- name: line
WITH stood AS MATERIALIZED (SELECT id, net_debit, debits_pending FROM ledger.balances_on(:day))
SELECT l.id::text AS line_id, l.customer::text AS customer_id, l.pack, l.currency, l.timezone,
    l.opened_on, CASE WHEN l.closed_on <= :day THEN l.closed_on END AS closed_on, l.lifecycle,
    l.statement_day::integer AS statement_day, l.limit_minor,
    p.net_debit AS principal_minor, i.net_debit AS interest_minor, f.net_debit AS fee_minor,
    -c.net_debit AS credit_minor, p.debits_pending AS held_minor
FROM lines.v_line AS l
JOIN stood AS p ON p.id = l.principal
JOIN stood AS i ON i.id = l.interest
JOIN stood AS f ON f.id = l.fee
JOIN stood AS c ON c.id = l.credit
WHERE l.opened_on <= :day;

-- name: plan
SELECT p.id::text AS plan_id, p.line::text AS line_id, s.merchant::text AS merchant_id, p.kind, p.opened_on,
    p.instalments::integer AS instalments, p.principal_minor
FROM billing.v_plan AS p LEFT JOIN purchases.v_purchase AS s ON s.id = p.purchase
WHERE p.opened_on <= :day;

-- name: instalment
SELECT line::text AS line_id, plan::text AS plan_id, no::integer AS no, kind, opened_on, due_on,
    CASE WHEN statement_on <= :day THEN statement_on END AS statement_on,
    CASE WHEN charged_on <= :day THEN charged_on END AS charged_on,
    principal_minor, interest_minor, fee_minor
FROM billing.v_instalment WHERE opened_on <= :day;

-- name: settlement
SELECT line::text AS line_id, plan::text AS plan_id, no::integer AS no, component, kind, on_day, counts_from,
    amount_minor
FROM billing.v_settlement WHERE on_day <= :day;

-- name: payment
SELECT p.id::text AS payment_id, p.line::text AS line_id, p.method, p.amount_minor, p.value_on,
    (p.received_at AT TIME ZONE l.timezone)::date AS received_on,
    CASE WHEN p.returned_at <= :until THEN (p.returned_at AT TIME ZONE l.timezone)::date END AS returned_on
FROM billing.v_payment AS p JOIN lines.v_line AS l ON l.id = p.line
WHERE p.received_at <= :until;

-- name: hardship
SELECT line::text AS line_id, plan::text AS plan_id, relief, agreed_on, frozen_days::integer AS frozen_days,
    CASE WHEN ended_on <= :day THEN ended_on END AS ended_on
FROM billing.v_hardship WHERE agreed_on <= :day;

-- name: decision
SELECT id::text AS decision_id, subject::text AS subject_id, table_name, version,
    (at AT TIME ZONE :timezone)::date AS decided_on, outcome::text AS outcome,
    array_to_string(reasons, ' ') AS reasons
FROM decisions.v_decision WHERE at <= :until;

-- name: exit
SELECT e.id::text AS exit_id, e.line::text AS line_id, e.kind, e.state,
    (e.requested_at AT TIME ZONE l.timezone)::date AS requested_on,
    (e.stopped_at AT TIME ZONE l.timezone)::date AS stopped_on,
    (e.closed_at AT TIME ZONE l.timezone)::date AS closed_on
FROM exits.v_case AS e JOIN lines.v_line AS l ON l.id = e.line
WHERE e.requested_at <= :until;

-- name: ledger_totals
-- What the ledger says of obligors at the end of the day.
SELECT currency, code, sum(net_debit)::bigint AS net_debit, sum(debits_pending)::bigint AS held
FROM ledger.balances_on(:day) WHERE starts_with(code, 'line.') GROUP BY currency, code;
