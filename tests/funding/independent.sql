-- The borrowing base and the covenants a second time, in plain SQL on the books' own tables: what is left
-- comes from settlements and not from instalments' running sums, credit from transfers, excess from
-- running totals of the oldest and not by taking from the newest.

-- name: nights
CREATE TEMP TABLE second_night (
    facility uuid, day date, pool numeric, late numeric, charged_off numeric, collected numeric, earned numeric,
    recovered numeric);

-- name: pool
-- What a facility holds and the rule that keeps it out, by the deal's newest version.
CREATE TEMP TABLE pool AS
WITH agreed AS (
    SELECT content, content -> 'eligibility' AS rules FROM funding.deal
    WHERE facility = %(facility)s ORDER BY seq DESC LIMIT 1
), settled AS (
    SELECT plan, no, component, sum(amount_minor)::bigint AS minor FROM billing.settlement
    WHERE component IN ('principal', 'interest', 'fee') GROUP BY plan, no, component
), item AS (
    SELECT i.plan, i.no, i.due_on, i.bill, i.principal_minor - coalesce(p.minor, 0) AS principal,
        i.interest_minor - coalesce(n.minor, 0) AS interest, i.fee_minor - coalesce(f.minor, 0) AS fee
    FROM billing.instalment AS i
    LEFT JOIN settled AS p ON (p.plan, p.no, p.component) = (i.plan, i.no, 'principal')
    LEFT JOIN settled AS n ON (n.plan, n.no, n.component) = (i.plan, i.no, 'interest')
    LEFT JOIN settled AS f ON (f.plan, f.no, f.component) = (i.plan, i.no, 'fee')
), owed AS (
    SELECT plan, sum(principal)::bigint AS left_minor, max(due_on) AS ends_on,
        min(due_on) FILTER (WHERE principal + interest + fee > 0 AND bill IS NOT NULL AND due_on < %(day)s)
        AS since,
        bool_or(principal + interest + fee > 0) AS is_open
    FROM item GROUP BY plan
), help AS (
    SELECT DISTINCT ON (line) line, agreed_on, frozen_days FROM billing.hardship
    WHERE state <> 'observed' AND agreed_on <= %(day)s ORDER BY line, agreed_on DESC, id DESC
), credit AS (
    SELECT account, sum(minor)::bigint AS minor FROM (
        SELECT credit_account AS account, amount AS minor FROM ledger.transfer WHERE phase IN ('single', 'post')
        UNION ALL
        SELECT debit_account, -amount FROM ledger.transfer WHERE phase IN ('single', 'post')
    ) AS moved GROUP BY account
), fact AS (
    SELECT p.id AS plan, l.customer, m.merchant, coalesce(m.category, '') AS category, coalesce(m.cash, false) AS cash,
        l.pack, l.currency, p.kind, p.instalments, p.apr_bps + p.monthly_fee_bps * 12 AS rate, p.opened_on,
        o.ends_on, p.principal_minor AS lent_minor, o.left_minor,
        CASE WHEN o.is_open THEN coalesce(h.frozen_days, 0) ELSE 0 END
        + CASE WHEN o.since IS NULL THEN 0 ELSE %(day)s - greatest(o.since, h.agreed_on) END AS late,
        (SELECT count(*) FROM billing.hardship AS x
            WHERE x.line = l.id AND x.state <> 'observed' AND x.agreed_on <= %(day)s) AS helped,
        (SELECT probability FROM decisions.score AS s WHERE s.subject = l.id AND s.name = 'behaviour'
            AND s.role = 'champion' ORDER BY s.at DESC LIMIT 1) AS pd,
        coalesce(c.minor, 0) AS credit, l.lifecycle, l.id AS line, p.purchase
    FROM billing.pledge AS g
    JOIN billing.plan AS p ON p.id = g.plan
    JOIN lines.line AS l ON l.id = p.line
    JOIN owed AS o ON o.plan = p.id
    LEFT JOIN purchases.purchase AS m ON m.id = p.purchase
    LEFT JOIN help AS h ON h.line = l.id
    LEFT JOIN credit AS c ON c.account = l.credit
    WHERE g.facility = %(facility)s AND g.until IS NULL
)
SELECT f.*, CASE
    WHEN %(day)s >= (a.content ->> 'ends_on')::date THEN 'matured'
    WHEN f.currency <> a.content ->> 'currency' THEN 'currency'
    WHEN EXISTS (SELECT FROM purchases.dispute AS d WHERE d.purchase = f.purchase AND d.outcome = 'open')
        THEN 'disputed'
    WHEN f.left_minor <= 0 THEN 'paid'
    WHEN f.late >= (a.rules ->> 'charged_off_from_days')::integer THEN 'charged_off'
    WHEN EXISTS (SELECT FROM billing.charge_off AS x WHERE x.line = f.line AND x.on_day IS NOT NULL)
        THEN 'charged_off'
    WHEN f.late >= (a.rules ->> 'days_past_due_below')::integer THEN 'past_due'
    WHEN EXISTS (SELECT FROM exits.estate AS e WHERE e.line = f.line AND e.ended_at IS NULL) THEN 'estate'
    WHEN EXISTS (SELECT FROM lines.lock AS k WHERE k.line = f.line AND k.kind = 'legal' AND k.lifted_at IS NULL)
        THEN 'legal_hold'
    WHEN EXISTS (SELECT FROM exits.exit AS e WHERE e.line = f.line AND e.kind = 'withdraw'
        AND e.state NOT IN ('cancelled', 'lapsed', 'rejected_not_holder')) THEN 'withdrawn'
    WHEN f.helped > (a.rules ->> 'forbearances_at_most')::integer THEN 'forborne'
    WHEN NOT a.rules -> 'kinds' ? f.kind THEN 'kind'
    WHEN jsonb_array_length(a.rules -> 'jurisdictions') > 0 AND NOT a.rules -> 'jurisdictions' ? f.pack
        THEN 'jurisdiction'
    WHEN f.cash AND NOT (a.rules ->> 'cash_eligible')::boolean THEN 'cash'
    WHEN a.rules -> 'categories_excluded' ? f.category THEN 'category'
    WHEN NOT f.instalments BETWEEN coalesce((a.rules ->> 'instalments_at_least')::integer, 0)
        AND coalesce((a.rules ->> 'instalments_at_most')::integer, 999) THEN 'instalments'
    WHEN NOT f.rate BETWEEN coalesce((a.rules ->> 'rate_at_least_bps')::integer, 0)
        AND coalesce((a.rules ->> 'rate_at_most_bps')::integer, 10 ^ 9) THEN 'rate'
    WHEN f.ends_on - f.opened_on > (a.rules ->> 'term_days_at_most')::integer THEN 'term'
    WHEN f.ends_on - %(day)s < (a.rules ->> 'remaining_days_at_least')::integer
        OR f.ends_on - %(day)s > (a.rules ->> 'remaining_days_at_most')::integer THEN 'remaining_term'
    WHEN f.left_minor < (a.rules ->> 'balance_from_minor')::bigint THEN 'too_small'
    WHEN f.left_minor > (a.rules ->> 'balance_to_minor')::bigint THEN 'too_large'
    WHEN %(day)s - f.opened_on < (a.rules ->> 'seasoned_days_at_least')::integer THEN 'unseasoned'
    WHEN f.credit > (a.rules ->> 'set_off_at_most_minor')::bigint THEN 'set_off'
    WHEN f.lifecycle <> 'active' AND NOT (a.rules ->> 'closed_account_eligible')::boolean THEN 'account_closed'
    END AS rule,
    f.left_minor AS counted_minor
FROM fact AS f CROSS JOIN agreed AS a;

-- name: limit
-- One limit: of each bucket the oldest fill what may be counted, and the rest is taken.
WITH bucket AS (
    SELECT plan, counted_minor, opened_on,
        (SELECT sum(left_minor) FROM pool WHERE rule IS NULL) * %(at_most_bps)s::bigint / 10000 AS most,
        CASE %(by)s
            WHEN 'obligor' THEN customer::text
            WHEN 'merchant' THEN coalesce(merchant::text, '')
            WHEN 'category' THEN category
            WHEN 'jurisdiction' THEN pack
            WHEN 'vintage' THEN date_trunc('month', opened_on)::text
            WHEN 'term' THEN CASE WHEN ends_on - opened_on > %(above_days)s THEN 'long' END
            WHEN 'score' THEN CASE WHEN pd IS NULL OR round(pd * 10000) >= %(from_pd_bps)s THEN 'bad' END
        END AS name
    FROM pool WHERE rule IS NULL
), filled AS (
    SELECT plan, counted_minor, floor(most) - sum(counted_minor) OVER (
        PARTITION BY name ORDER BY opened_on, plan) + counted_minor AS room
    FROM bucket WHERE name IS NOT NULL
)
UPDATE pool AS p SET counted_minor = least(f.counted_minor, greatest(0, f.room))
FROM filled AS f WHERE f.plan = p.plan;

-- name: base
-- From what is counted to the base, and the loss of the latest seasoned vintages.
WITH agreed AS (
    SELECT content AS c, content -> 'advance' AS a, content -> 'overcollateralisation' AS o FROM funding.deal
    WHERE facility = %(facility)s ORDER BY seq DESC LIMIT 1
), stated AS (
    SELECT debt_minor, cash_minor FROM funding.position WHERE facility = %(facility)s ORDER BY seq DESC LIMIT 1
), vintage AS (
    SELECT date_trunc('month', p.opened_on) AS month, sum(p.lent_minor) AS lent,
        coalesce(sum(p.left_minor) FILTER (
            WHERE p.late >= (c -> 'eligibility' ->> 'charged_off_from_days')::integer), 0) AS lost
    FROM pool AS p CROSS JOIN agreed
    WHERE a ->> 'seasoned_months' IS NOT NULL
        AND date_trunc('month', p.opened_on)
        <= date_trunc('month', %(day)s::date) - make_interval(months => (a ->> 'seasoned_months')::integer)
    GROUP BY 1 ORDER BY 1 DESC LIMIT (SELECT (a ->> 'vintages')::integer FROM agreed)
), loss AS (
    SELECT CASE WHEN count(*) = (SELECT (a ->> 'vintages')::integer FROM agreed)
        THEN ceil(sum(lost) * 10000 / sum(lent)) END AS bps FROM vintage
), rate AS (
    SELECT coalesce((
        SELECT min((s ->> 'advance_bps')::bigint) FILTER (WHERE bps < (s ->> 'vintage_loss_below_bps')::bigint)
        FROM agreed, loss, jsonb_array_elements(a -> 'steps') AS s
    ), (a ->> 'bps')::bigint, 10000) AS bps FROM agreed
), sums AS (
    SELECT coalesce(sum(left_minor), 0) AS pool, coalesce(sum(left_minor) FILTER (WHERE rule IS NULL), 0) AS good,
        coalesce(sum(counted_minor) FILTER (WHERE rule IS NULL), 0) AS counted FROM pool
), kept AS (
    SELECT CASE WHEN jsonb_typeof(o) = 'object' THEN (o ->> 'yield_supplement_minor')::bigint
        + ceil((o ->> 'initial_pool_minor')::numeric * (o ->> CASE %(phase)s WHEN 'revolving' THEN 'revolving_bps' ELSE 'amortising_bps' END)::bigint / 10000)
        ELSE 0 END AS back FROM agreed
)
SELECT pool::bigint AS pool_minor, good::bigint AS eligible_minor, (good - counted)::bigint AS excess_minor,
    back::bigint AS held_back_minor, rate.bps AS advance_bps, loss.bps::integer AS vintage_loss_bps,
    least((c ->> 'commitment_minor')::numeric,
        greatest(0, floor(counted * rate.bps / 10000) - back) + cash_minor)::bigint AS base_minor,
    cash_minor, debt_minor
FROM agreed, stated, sums, rate, kept, loss;

-- name: figures
-- What the night adds to the history of a facility.
INSERT INTO second_night
SELECT %(facility)s, %(day)s::date,
    coalesce(sum(left_minor) FILTER (WHERE late < gone), 0),
    coalesce(sum(left_minor) FILTER (WHERE late < gone AND late >= slow), 0),
    coalesce(sum(left_minor) FILTER (WHERE late = gone), 0),
    coalesce((
        SELECT sum(s.amount_minor) FROM billing.settlement AS s JOIN pool AS x ON x.plan = s.plan
        WHERE s.on_day = %(day)s AND s.kind IN ('payment', 'credit', 'return') AND s.component = 'principal'
    ), 0),
    coalesce((
        SELECT sum(s.amount_minor) FROM billing.settlement AS s JOIN pool AS x ON x.plan = s.plan
        WHERE s.on_day = %(day)s AND s.kind IN ('payment', 'credit', 'return') AND s.component IN ('interest', 'fee')
    ), 0),
    coalesce((
        SELECT sum(s.amount_minor) FROM billing.settlement AS s JOIN pool AS x ON x.plan = s.plan
        WHERE s.on_day = %(day)s AND s.kind IN ('payment', 'credit', 'return') AND s.component = 'principal'
            AND (SELECT due_on FROM billing.instalment AS i WHERE (i.plan, i.no) = (s.plan, s.no))
                <= %(day)s - max(gone)
    ), 0)
FROM pool CROSS JOIN (
    SELECT (content -> 'eligibility' ->> 'charged_off_from_days')::integer AS gone,
        (content -> 'triggers' ->> 'delinquent_from_days')::integer AS slow
    FROM funding.deal WHERE facility = %(facility)s ORDER BY seq DESC LIMIT 1
) AS agreed;

-- name: ratios
-- Three-month figures from the nights of the last three months that are over.
WITH month AS (
    SELECT date_trunc('month', day) AS month, max(day) AS ends, sum(charged_off) AS lost, sum(collected) AS paid,
        sum(earned) AS earned
    FROM second_night WHERE facility = %(facility)s AND day < date_trunc('month', %(day)s::date + 1)
    GROUP BY 1 ORDER BY 1 DESC LIMIT 3
), ended AS (
    SELECT m.*, n.pool, n.late, lag(n.pool) OVER (ORDER BY m.month) AS before,
        row_number() OVER (ORDER BY m.month DESC) AS back
    FROM month AS m JOIN second_night AS n ON n.day = m.ends AND n.facility = %(facility)s
), three AS (
    SELECT ceil(sum(ceil(late * 10000 / nullif(pool, 0))) / 3) AS late, ceil(sum(pool) / 3) AS mean,
        sum(lost) AS lost, sum(earned) AS earned, floor(max(paid * 10000 / before) FILTER (WHERE back = 1)) AS paid
    FROM ended HAVING count(*) = 3 AND min(pool) > 0
)
SELECT late::integer AS delinquency_3m_bps, ceil(lost * 4 * 10000 / mean)::integer AS annualised_loss_3m_bps,
    (floor(earned * 4 * 10000 / mean) - ceil(lost * 4 * 10000 / mean) - (content ->> 'funding_cost_bps')::integer)
    ::integer AS excess_spread_3m_bps, paid::integer AS payment_rate_bps
FROM three CROSS JOIN (
    SELECT content FROM funding.deal WHERE facility = %(facility)s ORDER BY seq DESC LIMIT 1
) AS agreed;

-- name: cumulative
-- All that was lost, less what came back, of all that was ever pledged; and the age of the deal in months.
SELECT ceil(greatest(0, sum(n.charged_off - n.recovered)) * 10000 / (
        SELECT sum(p.principal_minor) FROM billing.plan AS p
        WHERE EXISTS (SELECT FROM billing.pledge AS g WHERE g.plan = p.id AND g.facility = %(facility)s)
    ))::integer AS cumulative_loss_bps,
    (extract(year FROM a.age) * 12 + extract(month FROM a.age))::integer AS age_months
FROM second_night AS n CROSS JOIN (
    SELECT age(%(day)s::date, (content ->> 'begins_on')::date) AS age, content FROM funding.deal
    WHERE facility = %(facility)s ORDER BY seq DESC LIMIT 1
) AS a
WHERE n.facility = %(facility)s AND jsonb_array_length(a.content -> 'triggers' -> 'cumulative_loss') > 0
GROUP BY a.age;

-- name: tests
-- Every covenant: what it is, what it may be, and what is left between the two.
WITH agreed AS (
    SELECT content AS c, content -> 'triggers' AS t FROM funding.deal
    WHERE facility = %(facility)s ORDER BY seq DESC LIMIT 1
), found (test, actual, least, most) AS (
    SELECT 'borrowing_base', %(base_minor)s::numeric, %(debt_minor)s::numeric, NULL::numeric
    UNION ALL SELECT 'reserve', (
        SELECT reserve_minor FROM funding.position WHERE facility = %(facility)s ORDER BY seq DESC LIMIT 1
    ), ceil(%(debt_minor)s::numeric * (c ->> 'reserve_bps')::integer / 10000), NULL
    FROM agreed WHERE (c ->> 'reserve_bps')::integer > 0
    UNION ALL SELECT 'minimum_use', %(debt_minor)s, (c ->> 'minimum_use_minor')::bigint, NULL
    FROM agreed WHERE c ->> 'minimum_use_minor' IS NOT NULL
    UNION ALL SELECT 'pool', %(eligible_minor)s, (t ->> 'pool_at_least_minor')::bigint, NULL
    FROM agreed WHERE t ->> 'pool_at_least_minor' IS NOT NULL
    UNION ALL SELECT 'delinquency_3m', %(delinquency_3m_bps)s, NULL, (t ->> 'delinquency_3m_at_most_bps')::integer
    FROM agreed WHERE t ->> 'delinquency_3m_at_most_bps' IS NOT NULL
    UNION ALL SELECT 'annualised_loss_3m', %(annualised_loss_3m_bps)s, NULL,
        (t ->> 'annualised_loss_3m_at_most_bps')::integer
    FROM agreed WHERE t ->> 'annualised_loss_3m_at_most_bps' IS NOT NULL
    UNION ALL SELECT 'cumulative_loss', %(cumulative_loss_bps)s, NULL, (
        SELECT s.allowed FROM (
            SELECT (s ->> 'at_most_bps')::integer AS allowed, (s ->> 'until_months')::integer AS until
            FROM jsonb_array_elements(t -> 'cumulative_loss') AS s) AS s
        ORDER BY s.until > %(age_months)s DESC, CASE WHEN s.until > %(age_months)s THEN s.until ELSE -s.until END LIMIT 1)
    FROM agreed WHERE %(age_months)s IS NOT NULL
    UNION ALL SELECT 'excess_spread_3m', %(excess_spread_3m_bps)s,
        (t ->> 'excess_spread_3m_at_least_bps')::integer, NULL
    FROM agreed WHERE t ->> 'excess_spread_3m_at_least_bps' IS NOT NULL
    UNION ALL SELECT 'payment_rate', %(payment_rate_bps)s, (t ->> 'payment_rate_at_least_bps')::integer, NULL
    FROM agreed WHERE t ->> 'payment_rate_at_least_bps' IS NOT NULL
)
SELECT test, actual::bigint, coalesce(least, most)::bigint AS at, coalesce(actual - least, most - actual)::bigint
FROM found CROSS JOIN agreed WHERE %(day)s < (c ->> 'ends_on')::date
UNION ALL SELECT 'maturity', %(debt_minor)s::bigint, 0, 0 - %(debt_minor)s::bigint
FROM agreed WHERE %(day)s >= (c ->> 'ends_on')::date ORDER BY test;
