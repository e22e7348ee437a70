-- name: add_facility!
INSERT INTO funding.facility (id, name, currency) VALUES (:id, :name, :currency) ON CONFLICT (id) DO NOTHING;

-- name: facilities
-- Deals in force, by name, each with what was last stated of it.
SELECT f.id, f.name, f.currency, f.deficient_since, f.amortising_since, d.version, d.content,
    coalesce(p.debt_minor, 0) AS debt_minor, coalesce(p.cash_minor, 0) AS cash_minor,
    coalesce(p.reserve_minor, 0) AS reserve_minor
FROM funding.facility AS f
JOIN LATERAL (
    SELECT version, content FROM funding.deal WHERE facility = f.id ORDER BY seq DESC LIMIT 1
) AS d ON true
LEFT JOIN LATERAL (
    SELECT debt_minor, cash_minor, reserve_minor FROM funding.position
    WHERE facility = f.id ORDER BY seq DESC LIMIT 1
) AS p ON true
WHERE :name::text IS NULL OR f.name = :name ORDER BY f.name;

-- name: lock_facility!
SELECT FROM funding.facility WHERE id = :id FOR UPDATE;

-- name: add_deal!
INSERT INTO funding.deal (facility, version, content, loaded_at, actor)
VALUES (:facility, :version, :content::jsonb, :now, :actor);

-- name: deal$
SELECT content FROM funding.deal WHERE facility = :facility AND version = :version ORDER BY seq LIMIT 1;

-- name: versions
SELECT version, loaded_at, actor FROM funding.deal WHERE facility = :facility ORDER BY seq;

-- name: add_position!
INSERT INTO funding.position (facility, debt_minor, cash_minor, reserve_minor, stated_at, actor)
VALUES (:facility, :debt_minor, :cash_minor, :reserve_minor, :now, :actor);

-- name: receivables
-- Plans that a facility lends against or, with :candidates, that nobody lends against yet. Days past
-- due are counted as billing counts them: a restructured debt keeps the days it had.
SELECT p.id AS plan, l.customer AS obligor, coalesce(u.merchant::text, '') AS merchant,
    coalesce(u.category, '') AS category, l.pack AS jurisdiction, l.currency, p.kind,
    coalesce(u.cash, false) AS cash, p.instalments::integer AS instalments,
    p.apr_bps + 12 * p.monthly_fee_bps AS rate_bps, p.opened_on,
    (SELECT max(i.due_on) FROM billing.v_instalment AS i WHERE i.plan = p.id) - p.opened_on AS term_days,
    p.principal_minor AS original_minor,
    coalesce(o.principal_minor, 0)::bigint AS principal_minor,
    CASE WHEN o.principal_minor IS NULL THEN 0 ELSE coalesce(f.frozen_days, 0) END
    + CASE WHEN o.since IS NULL THEN 0 ELSE :day::date - greatest(o.since, f.agreed_on) END AS days_past_due,
    EXISTS (SELECT FROM billing.v_charge_off AS c WHERE c.line = p.line) AS charged_off,
    (
        SELECT count(*)::integer FROM billing.v_hardship AS h
        WHERE h.line = p.line AND h.state <> 'observed' AND h.agreed_on <= :day
    ) AS forbearances,
    coalesce(u.disputed, false) AS disputed,
    EXISTS (SELECT FROM exits.v_estate AS e WHERE e.line = l.id) AS estate,
    EXISTS (
        SELECT FROM lines.v_lock AS k WHERE k.line = l.id AND k.kind = 'legal' AND k.lifted_at IS NULL
    ) AS legal_hold,
    EXISTS (
        SELECT FROM exits.v_case AS e
        WHERE e.line = l.id AND e.kind = 'withdraw' AND e.state NOT IN ('cancelled', 'lapsed', 'rejected_not_holder')
    ) AS withdrawn,
    coalesce(l.credit_minor, 0)::bigint AS credit_minor,
    (
        SELECT round(s.probability * 10000)::integer FROM decisions.v_score AS s
        WHERE s.subject = l.id AND s.name = 'behaviour' AND s.role = 'champion'
        ORDER BY s.at DESC, s.id DESC LIMIT 1
    ) AS pd_bps,
    l.lifecycle = 'active' AS account_open, g.facility AS pledged_to
FROM billing.v_plan AS p
JOIN lines.v_line AS l ON l.id = p.line
LEFT JOIN billing.v_pledge AS g ON g.plan = p.id AND g.until IS NULL
LEFT JOIN LATERAL (
    SELECT sum(i.principal_minor) AS principal_minor,
        min(i.due_on) FILTER (WHERE i.billed AND i.due_on < :day) AS since
    FROM billing.v_open AS i WHERE i.plan = p.id
) AS o ON true
LEFT JOIN purchases.v_purchase AS u ON u.id = p.purchase
LEFT JOIN billing.v_forborne AS f ON f.line = p.line AND f.agreed_on <= :day
WHERE CASE WHEN :candidates::boolean
    THEN g.plan IS NULL AND l.currency = :currency AND o.principal_minor > 0
    ELSE g.facility = :facility END
ORDER BY p.id;

-- name: receivable^
SELECT p.id AS plan, l.currency, coalesce(sum(o.principal_minor), 0)::bigint AS principal_minor
FROM billing.v_plan AS p JOIN lines.v_line AS l ON l.id = p.line
LEFT JOIN billing.v_open AS o ON o.plan = p.id
WHERE p.id = :plan GROUP BY p.id, l.currency;

-- name: flows^
-- What came in on a day from the plans of a facility: principal, interest and fees, and principal on instalments
-- that were as late as a charge-off.
SELECT coalesce(sum(s.amount_minor) FILTER (WHERE s.component = 'principal'), 0)::bigint AS collected_minor,
    coalesce(sum(s.amount_minor) FILTER (WHERE s.component <> 'principal'), 0)::bigint AS yield_minor,
    coalesce(sum(s.amount_minor) FILTER (
        WHERE s.component = 'principal' AND :day - i.due_on >= :charged_off_from), 0)::bigint AS recovered_minor
FROM billing.v_settlement AS s JOIN billing.v_pledge AS g ON g.plan = s.plan AND g.until IS NULL
JOIN billing.v_instalment AS i ON i.plan = s.plan AND i.no = s.no
WHERE g.facility = :facility AND s.on_day = :day AND s.kind IN ('payment', 'credit', 'return');

-- name: pledged$
SELECT coalesce(sum(p.principal_minor), 0)::bigint FROM billing.v_plan AS p
WHERE p.id IN (SELECT g.plan FROM billing.v_pledge AS g WHERE g.facility = :facility);

-- name: dilution
-- Principal of pledged plans that shops gave back on a day.
SELECT s.plan, sum(s.amount_minor)::bigint AS minor
FROM billing.v_settlement AS s JOIN billing.v_pledge AS g ON g.plan = s.plan AND g.until IS NULL
WHERE g.facility = :facility AND s.on_day = :day AND s.kind = 'refund' AND s.component = 'principal'
GROUP BY s.plan HAVING sum(s.amount_minor) > 0 ORDER BY s.plan;

-- name: falling_due^
-- Principal of a pool that falls due within some days, and how much of it is owed on lines that can
-- no longer be drawn on. What is past due is not waited for.
SELECT coalesce(sum(o.principal_minor), 0)::bigint AS due_minor,
    coalesce(sum(o.principal_minor) FILTER (WHERE l.lifecycle <> 'active'), 0)::bigint AS leavers_minor
FROM billing.v_pledge AS g
JOIN billing.v_open AS o ON o.plan = g.plan
JOIN lines.v_line AS l ON l.id = o.line
WHERE g.facility = :facility AND g.until IS NULL
    AND o.due_on BETWEEN :day::date AND :day::date + :days::integer;

-- name: add_night!
INSERT INTO funding.night (
    facility, day, version, position, base, performance, pool_minor, delinquent_minor, charged_off_minor,
    collected_minor, yield_minor, recovered_minor, headroom, receivables, proof, sha256
) VALUES (
    :facility, :day, :version, :position::jsonb, :base::jsonb, :performance::jsonb, :pool_minor,
    :delinquent_minor, :charged_off_minor, :collected_minor, :yield_minor, :recovered_minor, :headroom::jsonb,
    :receivables, :proof, :sha256);

-- name: nights
SELECT day, version, position, base, performance, pool_minor, delinquent_minor, charged_off_minor,
    collected_minor, yield_minor, recovered_minor, headroom, receivables, sha256
FROM funding.night WHERE facility = :facility AND day > :after ORDER BY day;

-- name: last_night$
SELECT max(day) FROM funding.night WHERE facility = :facility;

-- name: proof^
SELECT day, version, position, base, performance, proof, sha256 FROM funding.night
WHERE facility = :facility AND (:day::date IS NULL OR day = :day) ORDER BY day DESC LIMIT 1;

-- name: set_facility!
UPDATE funding.facility SET deficient_since = :deficient_since, amortising_since = :amortising_since
WHERE id = :id;

-- name: add_remedy!
INSERT INTO funding.remedy (id, facility, kind, plan, instead, price_minor, why, proposed_by, proposed_at)
VALUES (:id, :facility, :kind, :plan, :instead, :price_minor, :why, :proposed_by, :proposed_at)
ON CONFLICT DO NOTHING;

-- name: remedies
SELECT id, facility, kind, plan, instead, price_minor, why, proposed_by, proposed_at, endorsed_by, outcome,
    decided_by, decided_at
FROM funding.remedy WHERE facility = :facility AND (outcome IS NULL OR NOT :open_only)
ORDER BY outcome IS NOT NULL, proposed_at, id;

-- name: lock_remedy^
SELECT id, facility, kind, plan, instead, price_minor, why, proposed_by, proposed_at, endorsed_by, outcome,
    decided_by, decided_at
FROM funding.remedy WHERE id = :id FOR UPDATE;

-- name: save_remedy!
UPDATE funding.remedy SET price_minor = :price_minor, endorsed_by = :endorsed_by, outcome = :outcome, decided_by = :decided_by,
    decided_at = :decided_at
WHERE id = :id;
