-- What a snapshot holds, as of the end of :day (its last microsecond is :until, days are days in
-- :timezone). Read by ADBC, so parameters are written into the text; they are days, an instant and
-- the name of a zone. Columns that end in _id leave as keyed hashes. :day_before and :until_before are the
-- same of a month before.

-- name: line_ids
SELECT id::text AS id FROM lines.v_line WHERE opened_on <= :day;

-- name: plan_ids
SELECT id::text AS id FROM billing.v_plan WHERE opened_on <= :day;

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
SELECT p.id::text AS plan_id, p.line::text AS line_id, s.merchant::text AS merchant_id, s.category, p.kind, p.opened_on,
    p.instalments::integer AS instalments, p.principal_minor,
    (p.apr_bps + 12 * p.monthly_fee_bps)::bigint AS rate_bps
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
    distressed, CASE WHEN ended_on <= :day THEN ended_on END AS ended_on
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

-- name: lock
-- Spells in which all drawing was stopped. Who stopped it and why stays out: no figure asks.
SELECT k.line::text AS line_id, (k.set_at AT TIME ZONE l.timezone)::date AS set_on,
    CASE WHEN k.lifted_at <= :until THEN (k.lifted_at AT TIME ZONE l.timezone)::date END AS lifted_on
FROM lines.v_lock AS k JOIN lines.v_line AS l ON l.id = k.line
WHERE k.feature = 'all' AND k.set_at <= :until;

-- name: dispute
-- Spells in which something of a line was disputed. What, and who was right, stays out: no figure asks.
SELECT d.line::text AS line_id, (d.opened_at AT TIME ZONE l.timezone)::date AS opened_on,
    CASE WHEN d.resolved_at <= :until THEN (d.resolved_at AT TIME ZONE l.timezone)::date END AS settled_on
FROM purchases.v_dispute AS d JOIN lines.v_line AS l ON l.id = d.line
WHERE d.opened_at <= :until;

-- name: sale
-- Debts that were sold, and for how much. To whom stays out: no figure asks.
SELECT line::text AS line_id, on_day, price_minor FROM billing.v_sale WHERE on_day <= :day;

-- name: score
-- What the champion of the night said of each line that it scores, and the one of a month before: probabilities
-- in millionths, over the months that the model looks ahead. A score is kept when its facts have changed, so the
-- newest is what that night would say again.
WITH night (on_day, until) AS (
    VALUES (:day::date, :until::timestamptz), (:day_before::date, :until_before::timestamptz)
), champion AS (
    SELECT n.on_day, n.until, s.name, s.version, s.horizon_months
    FROM night AS n CROSS JOIN LATERAL (
        SELECT DISTINCT ON (version) name, version, step, horizon_months FROM decisions.v_model_step
        WHERE name = 'behaviour' AND at <= n.until ORDER BY version, seq DESC
    ) AS s
    WHERE s.step = 'champion'
)
SELECT l.id::text AS line_id, c.on_day, c.name AS model, c.version AS model_version,
    c.horizon_months, (s.at AT TIME ZONE :timezone)::date AS scored_on, round(s.probability * 1000000)::bigint AS pd_ppm
FROM champion AS c JOIN lines.v_line AS l
    ON l.opened_on <= c.on_day AND (l.closed_on IS NULL OR l.closed_on > c.on_day)
CROSS JOIN LATERAL (
    SELECT probability, at FROM decisions.v_score
    WHERE subject = l.id AND name = c.name AND version = c.version AND at <= c.until
    ORDER BY at DESC, id DESC LIMIT 1
) AS s
WHERE NOT EXISTS (SELECT FROM billing.v_charge_off AS x WHERE x.line = l.id AND x.on_day <= c.on_day);

-- name: score_totals
-- How many lines have a score of that night, and their sum, by currency: counted where they are kept.
SELECT l.currency, count(*)::bigint AS scored_lines, sum(round(s.probability * 1000000))::bigint AS pd_ppm
FROM (
    SELECT DISTINCT ON (version) name, version, step FROM decisions.v_model_step
    WHERE name = 'behaviour' AND at <= :until ORDER BY version, seq DESC
) AS c
CROSS JOIN lines.v_line AS l
CROSS JOIN LATERAL (
    SELECT probability FROM decisions.v_score
    WHERE subject = l.id AND name = c.name AND version = c.version AND at <= :until
    ORDER BY at DESC, id DESC LIMIT 1
) AS s
WHERE c.step = 'champion' AND l.opened_on <= :day AND (l.closed_on IS NULL OR l.closed_on > :day)
    AND NOT EXISTS (SELECT FROM billing.v_charge_off AS x WHERE x.line = l.id AND x.on_day <= :day)
GROUP BY l.currency;

-- name: ledger_totals
-- What the ledger says of obligors at the end of the day.
SELECT currency, code, sum(net_debit)::bigint AS net_debit, sum(debits_pending)::bigint AS held
FROM ledger.balances_on(:day) WHERE starts_with(code, 'line.') GROUP BY currency, code;
