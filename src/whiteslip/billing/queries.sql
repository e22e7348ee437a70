-- name: add_plans!
WITH plans AS (
    INSERT INTO billing.plan (
        id, line, purchase, kind, principal_minor, instalments, monthly_fee_bps, apr_bps, opened_on
    )
    SELECT * FROM unnest(
        :id::uuid[], :line::uuid[], :purchase::uuid[], :kind::text[], :plan_principal_minor::bigint[],
        :instalments::smallint[], :monthly_fee_bps::integer[], :apr_bps::integer[], :opened_on::date[]
    )
)
INSERT INTO billing.instalment (
    plan, no, line, bill_on, due_on, principal_minor, interest_minor, fee_minor, outstanding_minor, charged
)
SELECT * FROM unnest(
    :plan::uuid[], :no::smallint[], :line_of::uuid[], :bill_on::date[], :due_on::date[],
    :principal_minor::bigint[], :interest_minor::bigint[], :fee_minor::bigint[],
    :outstanding_minor::bigint[], :charged::boolean[]
);

-- name: open_instalments
-- Of the lines that are not in :whole only what is charged.
SELECT i.plan, i.no, i.line, i.bill_on, i.due_on, i.bill IS NOT NULL AS billed, i.charged,
    i.principal_minor - i.settled_principal AS principal_minor,
    i.interest_minor - i.settled_interest AS interest_minor,
    i.fee_minor - i.settled_fee AS fee_minor,
    i.interest_minor AS scheduled_interest_minor, i.fee_minor AS scheduled_fee_minor,
    i.outstanding_minor, p.opened_on, p.purchase, p.kind
FROM billing.instalment AS i JOIN billing.plan AS p ON p.id = i.plan
WHERE i.open AND i.line = ANY(:lines::uuid[]) AND (i.charged OR i.line = ANY(:whole::uuid[]))
ORDER BY i.due_on, i.plan, i.no;

-- name: schedule
SELECT i.plan, i.no, i.bill_on, i.due_on, i.principal_minor, i.interest_minor, i.fee_minor,
    i.settled_principal + i.settled_interest + i.settled_fee AS settled_minor, p.kind
FROM billing.instalment AS i JOIN billing.plan AS p ON p.id = i.plan
WHERE p.line = :line ORDER BY i.due_on, i.plan, i.no;

-- name: settle!
-- Keep settlements, and count them against their instalments.
WITH row AS (
    SELECT * FROM unnest(
        :source::uuid[], :line::uuid[], :plan::uuid[], :no::smallint[], :component::text[],
        :amount_minor::bigint[], :kind::text[], :on_day::date[], :value_on::date[], :sale::uuid[]
    ) AS u (source, line, plan, no, component, amount_minor, kind, on_day, value_on, sale)
), kept AS (
    INSERT INTO billing.settlement (
        source, line, plan, no, component, amount_minor, kind, on_day, value_on, sale
    )
    SELECT * FROM row
)
UPDATE billing.instalment AS i SET
    settled_principal = i.settled_principal + s.principal,
    settled_interest = i.settled_interest + s.interest,
    settled_fee = i.settled_fee + s.fee
FROM (
    SELECT plan, no,
        coalesce(sum(amount_minor) FILTER (WHERE component = 'principal'), 0) AS principal,
        coalesce(sum(amount_minor) FILTER (WHERE component = 'interest'), 0) AS interest,
        coalesce(sum(amount_minor) FILTER (WHERE component = 'fee'), 0) AS fee
    FROM row WHERE plan IS NOT NULL GROUP BY plan, no
) AS s
WHERE i.plan = s.plan AND i.no = s.no;

-- name: settlements_of
-- What a payment settled and gave up, and whether the interest and fee of the instalment are owed.
SELECT s.kind, s.plan, s.no, s.component, s.sale, coalesce(i.charged, false) AS charged,
    sum(s.amount_minor)::bigint AS amount_minor
FROM billing.settlement AS s LEFT JOIN billing.instalment AS i ON i.plan = s.plan AND i.no = s.no
WHERE s.source = :source
GROUP BY s.kind, s.plan, s.no, s.component, s.sale, i.charged, i.due_on HAVING sum(s.amount_minor) <> 0
ORDER BY i.due_on, s.plan, s.no, s.component;

-- name: overtaken
-- Which of the lines have something that counts from :on or later: a statement, a late fee, a purchase
-- or anything that was settled. What becomes known late is told again from there.
SELECT u.line FROM unnest(:lines::uuid[], :on::date[]) AS u (line, value_on)
WHERE EXISTS (SELECT FROM billing.bill AS b WHERE b.line = u.line AND b.statement_on >= u.value_on)
    OR EXISTS (SELECT FROM billing.plan AS p WHERE p.line = u.line AND p.opened_on > u.value_on)
    OR EXISTS (SELECT FROM billing.plan AS p
        WHERE p.line = u.line AND p.kind = 'late_fee' AND p.opened_on >= u.value_on)
    OR EXISTS (SELECT FROM billing.settlement AS s
        WHERE s.line = u.line AND s.on_day >= u.value_on AND s.value_on >= u.value_on);

-- name: all_instalments
-- Every instalment of a line as it was scheduled, with the day of its bill.
SELECT i.plan, i.no, i.line, i.bill_on, i.due_on, b.statement_on, i.charged,
    i.principal_minor, i.interest_minor, i.fee_minor, i.outstanding_minor, p.opened_on, p.purchase, p.kind,
    c.plan IS NOT NULL AS carried_over
FROM billing.plan AS p
JOIN billing.instalment AS i ON i.plan = p.id
LEFT JOIN billing.bill AS b ON b.id = i.bill
LEFT JOIN billing.carry_over AS c ON c.plan = p.id
WHERE p.line = :line ORDER BY i.due_on, i.plan, i.no;

-- name: told_on
SELECT source, min(on_day) AS day FROM billing.settlement WHERE line = :line GROUP BY source;

-- name: told_late$
SELECT min(late.day) FROM (
    SELECT s.value_on FROM billing.settlement AS s
    WHERE s.line = :line AND s.on_day >= :day AND s.value_on < s.on_day
    UNION ALL
    SELECT p.value_on FROM billing.settlement AS s JOIN billing.payment AS p ON p.id = s.source
    WHERE s.line = :line AND s.on_day >= :day AND s.kind = 'return'
    UNION ALL SELECT n.began_on FROM billing.suspension AS n WHERE n.line = :line AND n.open
    UNION ALL
    SELECT p.opened_on FROM billing.unpriced AS u JOIN billing.plan AS p ON p.purchase = u.purchase
    WHERE u.line = :line
) AS late (day);

-- name: add_carry_over!
INSERT INTO billing.carry_over (plan) VALUES (:plan);

-- name: all_settlements
-- What settled instalments of a line, and the day each sum counts from; what is undone is left out.
SELECT source, kind, plan, no, component, value_on, sum(amount_minor)::bigint AS amount_minor
FROM billing.settlement WHERE line = :line
GROUP BY source, kind, plan, no, component, value_on HAVING sum(amount_minor) <> 0
ORDER BY value_on, source, kind, plan, no, component;

-- name: lines_to_bill
SELECT DISTINCT i.line FROM billing.instalment AS i
WHERE i.open AND i.bill IS NULL AND i.bill_on <= :day
    AND NOT EXISTS (SELECT FROM billing.bill AS b WHERE b.line = i.line AND b.statement_on = :day)
ORDER BY i.line LIMIT :count;

-- name: charges
-- Interest and fees that falling into a bill makes owed.
SELECT line, coalesce(sum(interest_minor - settled_interest) FILTER (WHERE NOT charged), 0)::bigint
        AS interest_minor,
    coalesce(sum(fee_minor - settled_fee) FILTER (WHERE NOT charged), 0)::bigint AS fee_minor
FROM billing.instalment
WHERE open AND bill IS NULL AND bill_on <= :day AND line = ANY(:lines::uuid[])
GROUP BY line;

-- name: issue_bills
-- Make one bill per line from what falls into it and is not settled, and mark it as billed.
WITH falling AS (
    -- By its day nothing of a bill is late: what falls due first says when, of what is not due already.
    SELECT i.line, coalesce(min(i.due_on) FILTER (WHERE i.due_on > :day), max(i.due_on)) AS due_on,
        sum(i.principal_minor - i.settled_principal) AS principal,
        sum(i.interest_minor - i.settled_interest) AS interest, sum(i.fee_minor - i.settled_fee) AS fee,
        coalesce(sum(i.interest_minor - i.settled_interest + i.fee_minor - i.settled_fee)
            FILTER (WHERE NOT i.charged), 0) AS new
    FROM billing.instalment AS i
    WHERE i.open AND i.bill IS NULL AND i.bill_on <= :day AND i.line = ANY(:lines::uuid[])
    GROUP BY i.line
), issued AS (
    INSERT INTO billing.bill (
        id, line, statement_on, due_on, principal_minor, interest_minor, fee_minor, balance_minor
    )
    SELECT n.id, f.line, :day, f.due_on, f.principal, f.interest, f.fee,
        l.principal_minor + l.interest_minor + l.fee_minor + f.new - l.credit_minor
    FROM falling AS f
    JOIN unnest(:lines::uuid[], :ids::uuid[]) AS n (line, id) ON n.line = f.line
    JOIN lines.v_line AS l ON l.id = f.line
    RETURNING id, line, statement_on, due_on, principal_minor, interest_minor, fee_minor, balance_minor
), marked AS (
    UPDATE billing.instalment AS i SET bill = b.id, charged = true
    FROM issued AS b WHERE i.line = b.line AND i.open AND i.bill IS NULL AND i.bill_on <= :day
)
SELECT * FROM issued ORDER BY line;

-- name: bills
SELECT id, line, statement_on, due_on, principal_minor, interest_minor, fee_minor, balance_minor
FROM billing.bill WHERE line = :line ORDER BY statement_on;

-- name: late
-- Lines with a bill that fell due as many days before :day as their terms give grace, how much of
-- it is unpaid, and no late fee of that day yet; all lines, or those of :lines.
WITH fallen AS MATERIALIZED (
    SELECT i.line, i.plan, i.bill, t.version, (t.terms ->> 'late_fee_minor')::bigint AS fee_minor,
        i.principal_minor + i.interest_minor + i.fee_minor
        - i.settled_principal - i.settled_interest - i.settled_fee AS unpaid_minor
    FROM lines.v_terms AS t
    JOIN billing.instalment AS i ON i.due_on = :day::date - (t.terms ->> 'late_fee_grace_days')::integer
    WHERE i.open AND i.bill IS NOT NULL AND (t.terms ->> 'late_fee_minor')::bigint > 0
        AND (:lines::uuid[] IS NULL OR i.line = ANY(:lines::uuid[]))
)
SELECT i.line, sum(i.unpaid_minor)::bigint AS unpaid_minor, min(i.fee_minor) AS fee_minor
FROM fallen AS i
JOIN billing.plan AS p ON p.id = i.plan
JOIN lines.v_line AS l ON l.id = i.line
LEFT JOIN billing.earlier_terms AS e ON e.plan = i.plan
WHERE p.kind = 'purchase' AND coalesce(e.version, l.terms_version) = i.version
    -- Once for a bill: where its purchases are on several terms, when the longest days of grace are over.
    AND NOT EXISTS (
        SELECT FROM billing.instalment AS o
        JOIN billing.plan AS q ON q.id = o.plan
        LEFT JOIN billing.earlier_terms AS x ON x.plan = o.plan
        JOIN lines.v_terms AS u ON u.version = coalesce(x.version, l.terms_version)
        WHERE EXISTS (SELECT FROM billing.earlier_terms AS y WHERE y.line = i.line)
            AND o.line = i.line AND o.open AND o.bill = i.bill AND q.kind = 'purchase'
            AND (u.terms ->> 'late_fee_minor')::bigint > 0
            AND o.due_on + (u.terms ->> 'late_fee_grace_days')::integer > :day::date)
    AND NOT EXISTS (
        SELECT FROM billing.plan AS f
        WHERE f.line = i.line AND f.kind = 'late_fee' AND f.opened_on = :day)
    AND NOT EXISTS (SELECT FROM billing.fee_stop AS s WHERE s.line = i.line)
    AND NOT EXISTS (SELECT FROM billing.unpriced AS u WHERE u.purchase = p.purchase)
    AND NOT EXISTS (SELECT FROM billing.v_charge_off AS c WHERE c.line = i.line)
GROUP BY i.line ORDER BY i.line;

-- name: add_suspension!
INSERT INTO billing.suspension (source, line, purchase, asked_minor, began_on, open)
VALUES (:source, :line, :purchase, :asked_minor, :began_on, :follows);

-- name: add_refund!
INSERT INTO billing.refund (source, line, purchase) VALUES (:source, :line, :purchase);

-- name: refunds
SELECT source, purchase FROM billing.refund WHERE line = :line;

-- name: end_suspension!
UPDATE billing.suspension SET open = false WHERE source = :source;

-- name: disputed_purchase$
SELECT purchase FROM billing.suspension WHERE source = :source;

-- name: suspensions
SELECT source, purchase, asked_minor, began_on, open FROM billing.suspension WHERE line = :line;

-- name: in_hardship_plans$
-- Principal of a purchase in hardship plans: what they took over less what was refunded or disputed of it.
SELECT coalesce(sum(CASE
    WHEN s.kind = 'carried' AND p.purchase = :purchase
        AND EXISTS (SELECT FROM billing.hardship AS h WHERE h.plan = s.source) THEN s.amount_minor
    WHEN p.kind = 'hardship' AND (
        EXISTS (SELECT FROM billing.refund AS r WHERE r.source = s.source AND r.purchase = :purchase)
        OR EXISTS (SELECT FROM billing.suspension AS n WHERE n.source = s.source AND n.purchase = :purchase)
    ) THEN -s.amount_minor
    ELSE 0 END), 0)::bigint
FROM billing.settlement AS s JOIN billing.plan AS p ON p.id = s.plan
WHERE s.line = :line AND s.component = 'principal';

-- name: stop_fees!
INSERT INTO billing.fee_stop (line, at) VALUES (:line, :now) ON CONFLICT (line) DO NOTHING;

-- name: allow_fees!
DELETE FROM billing.fee_stop WHERE line = :line;

-- name: fees_stopped
-- Lines without fees, and purchases without any price, of the lines.
SELECT line, NULL::uuid AS purchase FROM billing.fee_stop WHERE line = ANY(:lines::uuid[])
UNION ALL SELECT line, purchase FROM billing.unpriced WHERE line = ANY(:lines::uuid[]);

-- name: add_unpriced
INSERT INTO billing.unpriced (purchase, line, cause, at)
SELECT u.purchase, :line, :cause, :now FROM unnest(:purchases::uuid[]) AS u (purchase)
ON CONFLICT (purchase) DO NOTHING RETURNING purchase;

-- name: unpriced
SELECT purchase, cause FROM billing.unpriced WHERE line = :line;

-- name: add_payments!
INSERT INTO billing.payment (id, line, reference, method, amount_minor, value_on, clears_on, received_at)
SELECT * FROM unnest(
    :id::uuid[], :line::uuid[], :reference::text[], :method::text[], :amount_minor::bigint[],
    :value_on::date[], :clears_on::date[], :received_at::timestamptz[]
);

-- name: line_of_payment$
SELECT line FROM billing.payment WHERE id = :id;

-- name: payment^
SELECT id, line, reference, method, amount_minor, value_on, clears_on, received_at, returned_at,
    corrected_by
FROM billing.payment WHERE id = :id;

-- name: payments_by_reference
SELECT p.id, p.line, p.reference, p.method, p.amount_minor, p.value_on, p.clears_on, p.received_at,
    p.returned_at, p.corrected_by
FROM unnest(:lines::uuid[], :references::text[]) AS asked (line, reference)
JOIN billing.payment AS p ON p.line = asked.line AND p.reference = asked.reference;

-- name: payments
SELECT id, line, reference, method, amount_minor, value_on, clears_on, received_at, returned_at,
    corrected_by
FROM billing.payment WHERE line = :line ORDER BY value_on, id;

-- name: early_payments
-- What a payment settled and no statement had asked for by its value date makes it one that came early.
SELECT id, line, reference, method, amount_minor, value_on, clears_on, received_at, returned_at, corrected_by
FROM billing.payment AS p
WHERE line = :line AND returned_at IS NULL AND corrected_by IS NULL AND EXISTS (
    SELECT FROM billing.settlement AS s
    JOIN billing.instalment AS i ON i.plan = s.plan AND i.no = s.no
    WHERE s.source = p.id AND s.kind = 'payment' AND i.bill_on > s.value_on
    GROUP BY s.plan, s.no HAVING sum(s.amount_minor) > 0)
ORDER BY value_on DESC, id DESC;

-- name: page_of_payments
-- A line's payments after one of them, in the order in which they arrived.
SELECT id, line, reference, method, amount_minor, value_on, clears_on, received_at, returned_at,
    corrected_by
FROM billing.payment WHERE line = :line AND (received_at, id) > (:at, :after)
ORDER BY received_at, id LIMIT :count;

-- name: fees_paid$
-- Fees of a line that were paid, less what came back.
SELECT coalesce(sum(amount_minor), 0)::bigint FROM billing.settlement
WHERE line = :line AND component = 'fee' AND kind IN ('payment', 'credit', 'return');

-- name: interest_paid$
-- Interest of plans that was paid, less what came back.
SELECT coalesce(sum(amount_minor), 0)::bigint FROM billing.settlement
WHERE plan = ANY(:plans::uuid[]) AND component = 'interest' AND kind IN ('payment', 'credit', 'return');

-- name: return_payment!
UPDATE billing.payment SET returned_at = :now WHERE id = :id;

-- name: correct_payment!
UPDATE billing.payment SET corrected_by = :by WHERE id = :id AND corrected_by IS NULL;

-- name: record^
-- The payment record of a line, for its assessment.
SELECT
    (SELECT count(*) FROM billing.bill AS b WHERE b.line = :line) AS bills,
    (SELECT coalesce(sum(b.principal_minor + b.interest_minor + b.fee_minor), 0)::bigint
        FROM billing.bill AS b WHERE b.line = :line AND b.statement_on > :since) AS billed_minor,
    (SELECT coalesce(sum(p.amount_minor), 0)::bigint FROM billing.v_payment AS p
        WHERE p.line = :line AND p.value_on > :since AND p.returned_at IS NULL) AS paid_minor,
    (SELECT count(*) FROM billing.payment AS p
        WHERE p.line = :line AND p.returned_at > :returned_since) AS returned,
    (SELECT max(p.clears_on) FROM billing.payment AS p
        WHERE p.line = :line AND p.returned_at IS NULL AND p.corrected_by IS NULL) AS clears_on,
    (SELECT coalesce(sum(p.amount_minor), 0)::bigint FROM billing.payment AS p
        WHERE p.line = :line AND p.returned_at IS NULL AND p.corrected_by IS NULL
            AND p.clears_on > :day) AS uncleared_minor,
    (SELECT max(p.value_on) FROM billing.v_payment AS p
        WHERE p.line = :line AND p.returned_at IS NULL) AS last_paid_on;

-- name: debts
SELECT o.line, min(o.due_on) FILTER (WHERE o.billed AND o.due_on < :day) AS past_due_since,
    coalesce(sum(o.principal_minor + o.interest_minor + o.fee_minor)
        FILTER (WHERE o.billed AND o.due_on < :day), 0)::bigint AS past_due_minor,
    coalesce(sum(o.principal_minor + o.interest_minor + o.fee_minor) FILTER (WHERE o.billed), 0)::bigint
        AS billed_minor,
    coalesce(sum(o.principal_minor + CASE WHEN o.charged THEN o.interest_minor + o.fee_minor ELSE 0 END)
        FILTER (WHERE NOT o.billed), 0)::bigint AS unbilled_minor,
    f.agreed_on, f.frozen_days, f.observed_until, f.distressed,
    EXISTS (SELECT FROM billing.v_charge_off AS c WHERE c.line = o.line AND c.on_day <= :day) AS charged_off
FROM billing.v_open AS o
LEFT JOIN billing.v_forborne AS f ON f.line = o.line AND f.agreed_on <= :day
WHERE o.line = ANY(:lines::uuid[]) GROUP BY o.line, f.agreed_on, f.frozen_days, f.observed_until, f.distressed;

-- name: changes
-- A part is past due from the day after its due day; what is paid of it before then never is.
SELECT c.day, sum(c.past_due)::bigint AS past_due_minor, sum(c.owed)::bigint AS owed_minor
FROM (
    SELECT m.day, 0 AS past_due, m.minor AS owed FROM billing.v_movement AS m WHERE m.line = :line
    UNION ALL
    SELECT a.due_on + 1, a.minor, 0 FROM billing.v_asked AS a WHERE a.line = :line
    UNION ALL
    SELECT greatest(s.counts_from, a.due_on + 1), -s.amount_minor, 0
    FROM billing.v_asked AS a JOIN billing.v_settlement AS s ON s.plan = a.plan AND s.no = a.no
    WHERE a.line = :line
) AS c WHERE c.day <= :until GROUP BY c.day ORDER BY c.day;

-- name: charged_off
SELECT line FROM billing.v_charge_off WHERE line = ANY(:lines::uuid[]);

-- name: settled$
SELECT EXISTS (SELECT FROM billing.v_charge_off WHERE line = :line AND settled_on IS NOT NULL);

-- name: add_hardship!
INSERT INTO billing.hardship (
    id, line, relief, state, plan, agreed_on, frozen_days, observed_until, grace_days, periods,
    value_loss_bps, distressed
) VALUES (
    :id, :line, :relief, :state, :plan, :agreed_on, :frozen_days, :observed_until, :grace_days, :periods,
    :value_loss_bps, :distressed);

-- name: hardship^
-- The plan that stands, else the last; two of one instant have ids in no order.
SELECT id, line, relief, state, plan, agreed_on, frozen_days, observed_until, grace_days, periods,
    value_loss_bps, distressed
FROM billing.hardship WHERE line = :line AND state <> 'observed'
ORDER BY state = 'agreed' DESC, agreed_on DESC, id DESC LIMIT 1;

-- name: hardships
-- Every plan of a line, oldest first.
SELECT id, line, relief, state, plan, agreed_on, frozen_days, observed_until, grace_days, periods,
    value_loss_bps, distressed, ended_on
FROM billing.hardship WHERE line = :line ORDER BY agreed_on, id;

-- name: statement_day_on$
-- The day of the month on which a line's bills were made on an earlier day, where it was moved since.
SELECT from_day FROM billing.payday WHERE line = :line AND on_day > :day ORDER BY moved_at LIMIT 1;

-- name: correct_hardship!
UPDATE billing.hardship SET frozen_days = :frozen_days, value_loss_bps = :value_loss_bps,
    distressed = :distressed, observed_until = :observed_until
WHERE id = :id;

-- name: keep_hardships
-- Broken by a night, and kept by the days that its money counts from: by the end of each instalment's grace
-- as much had come in as was asked for until then. A later plan of the line stands in its place.
UPDATE billing.hardship AS h SET state = 'agreed', broken_on = NULL
FROM unnest(:lines::uuid[], :days::date[]) AS u (line, today)
WHERE h.line = u.line AND h.state = 'broken' AND h.broken_on IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM billing.hardship AS o
        WHERE o.line = h.line AND o.id <> h.id AND (o.agreed_on, o.id) > (h.agreed_on, h.id))
    AND NOT EXISTS (
        SELECT FROM (
            SELECT i.due_on + h.grace_days + 1 AS last_on,
                sum(i.principal_minor + i.interest_minor + i.fee_minor) OVER (ORDER BY i.no) AS asked
            FROM billing.instalment AS i WHERE i.plan = h.plan
        ) AS a
        WHERE a.last_on < u.today AND a.asked > (
            SELECT coalesce(sum(s.amount_minor), 0) FROM billing.settlement AS s
            WHERE s.plan = h.plan AND s.value_on <= a.last_on
                AND NOT EXISTS (
                    SELECT FROM billing.payment AS p
                    WHERE p.id = s.source AND (p.returned_at IS NOT NULL OR p.corrected_by IS NOT NULL))))
RETURNING h.line, h.plan;

-- name: break_hardships
-- Broken: an instalment of the plan is unpaid beyond its grace.
UPDATE billing.hardship AS h SET state = 'broken', broken_on = :day
WHERE h.state = 'agreed' AND EXISTS (
    SELECT FROM billing.instalment AS i
    WHERE i.plan = h.plan AND i.open AND i.due_on < :day::date - h.grace_days)
RETURNING h.line, h.plan;

-- name: end_hardships
-- Observed to the end: the months are over, enough instalments are paid, and nothing is past due.
UPDATE billing.hardship AS h SET state = 'observed', ended_on = :day
WHERE h.state <> 'observed' AND h.observed_until <= :day
    AND NOT EXISTS (
        SELECT FROM billing.v_open AS o WHERE o.line = h.line AND o.billed AND o.due_on < :day)
    AND (
        (SELECT count(*) FROM billing.instalment AS i WHERE i.plan = h.plan AND NOT i.open AND i.due_on < :day)
        >= h.periods
        OR NOT EXISTS (SELECT FROM billing.instalment AS i WHERE i.plan = h.plan AND i.open))
RETURNING h.line, h.plan;

-- name: take_book_total!
INSERT INTO billing.book_total (day, currency, lines, limit_minor, owed_minor, past_due_minor, npl_minor)
SELECT :day, l.currency, count(*) FILTER (WHERE l.lifecycle <> 'closed'),
    coalesce(sum(l.limit_minor) FILTER (WHERE l.lifecycle = 'active'), 0),
    coalesce(sum(d.owed), 0), coalesce(sum(d.past_due), 0),
    -- As rules.debt_on counts: a restructured debt keeps the days it had.
    coalesce(sum(d.owed) FILTER (
        WHERE coalesce(f.frozen_days, 0)
            + CASE WHEN d.since IS NULL THEN 0 ELSE :day - greatest(d.since, f.agreed_on) END > :npl_after), 0)
FROM lines.v_line AS l
LEFT JOIN (
    SELECT line, sum(principal_minor + CASE WHEN charged THEN interest_minor + fee_minor ELSE 0 END) AS owed,
        sum(principal_minor + interest_minor + fee_minor) FILTER (WHERE billed AND due_on < :day) AS past_due,
        min(due_on) FILTER (WHERE billed AND due_on < :day) AS since
    FROM billing.v_open GROUP BY line
) AS d ON d.line = l.id
LEFT JOIN billing.v_forborne AS f ON f.line = l.id AND f.agreed_on <= :day
WHERE l.lifecycle <> 'closed' OR d.owed > 0
GROUP BY l.currency
ON CONFLICT (day, currency) DO UPDATE SET
    lines = excluded.lines, limit_minor = excluded.limit_minor, owed_minor = excluded.owed_minor,
    past_due_minor = excluded.past_due_minor, npl_minor = excluded.npl_minor;

-- name: book_total^
SELECT day, lines, limit_minor, owed_minor, past_due_minor, npl_minor FROM billing.book_total
WHERE currency = :currency AND day <= :day ORDER BY day DESC LIMIT 1;

-- name: add_payout!
INSERT INTO billing.payout (id, line, currency, amount_minor, state, sent_at, account)
VALUES (:id, :line, :currency, :amount_minor, :state, :now, :account);

-- name: move_payout!
UPDATE billing.payout SET
    state = :state, sent_at = :sent_at, bounced_at = :bounced_at, account = :account
WHERE id = :id;

-- name: payout^
SELECT id, line, currency, amount_minor, state, sent_at, bounced_at, account FROM billing.payout WHERE id = :id;

-- name: payouts
SELECT id, line, currency, amount_minor, state, sent_at, bounced_at, account FROM billing.payout
WHERE line = :line AND id > :after ORDER BY id LIMIT :count;

-- name: violations
SELECT invariant, detail FROM billing.violations(:day::date) LIMIT 100;

-- name: late_lines
-- Lines so many days past due on :day, the latest first; of a restructured debt days are counted on.
SELECT i.line
FROM billing.instalment AS i LEFT JOIN billing.v_forborne AS f ON f.line = i.line
WHERE i.open AND i.bill IS NOT NULL AND i.due_on < :day
GROUP BY i.line, f.agreed_on, f.frozen_days
HAVING :day::date - greatest(min(i.due_on), f.agreed_on) + coalesce(f.frozen_days, 0)
    BETWEEN :least AND :most
ORDER BY greatest(min(i.due_on), f.agreed_on) - coalesce(f.frozen_days, 0), i.line LIMIT :count;

-- name: lateness
-- The most days past due that an instalment of each purchase ever was by :day.
SELECT purchase, max(greatest(0, coalesce(paid_on, :day::date) - due_on))::integer AS days
FROM billing.v_paid WHERE purchase = ANY(:purchases::uuid[])
GROUP BY purchase;

-- name: add_mandate$
INSERT INTO billing.mandate (id, line, scheme, reference, signed_on)
VALUES (:id, :line, :scheme, :reference, :signed_on)
ON CONFLICT (scheme, reference) DO NOTHING RETURNING id;

-- name: mandate^
SELECT id, line, scheme, reference, signed_on, state, last_used_on, ended_at, ended_why
FROM billing.mandate WHERE id = :id;

-- name: mandates_of_line
SELECT id, line, scheme, reference, signed_on, state, last_used_on, ended_at, ended_why
FROM billing.mandate WHERE line = :line AND id > :after ORDER BY id LIMIT :count;

-- name: move_mandate!
UPDATE billing.mandate SET
    state = :state, last_used_on = :last_used_on, ended_at = :ended_at, ended_why = :ended_why
WHERE id = :id;

-- name: reward_account^
SELECT id, -net_debit AS balance_minor FROM ledger.v_balance
WHERE owner = :line AND code = 'line.reward' AND currency = :currency;

-- name: add_coupon!
INSERT INTO billing.coupon (id, line, title, usable_until, granted_at)
VALUES (:id, :line, :title, :usable_until, :now);

-- name: coupons_of_line
SELECT id, line, title, usable_until, used_at FROM billing.coupon
WHERE line = :line ORDER BY usable_until, id;

-- name: coupon^
SELECT id, line, title, usable_until, used_at FROM billing.coupon WHERE id = :id FOR UPDATE;

-- name: use_coupon!
UPDATE billing.coupon SET used_at = :now WHERE id = :id;

-- name: keep_coupons$
-- Coupons that are still good stay good until :until at the least; returns how many.
WITH kept AS (
    UPDATE billing.coupon SET usable_until = greatest(usable_until, :until::date)
    WHERE line = :line AND used_at IS NULL AND usable_until >= :today RETURNING id
) SELECT count(*) AS kept FROM kept;

-- name: lines_of_plans
SELECT id, line FROM billing.plan WHERE id = ANY(:plans::uuid[]) ORDER BY id;

-- name: pledges
SELECT plan, facility FROM billing.pledge WHERE plan = ANY(:plans::uuid[]) AND until IS NULL;

-- name: pledge!
INSERT INTO billing.pledge (plan, facility, since) SELECT unnest(:plans::uuid[]), :facility, :now;

-- name: release
UPDATE billing.pledge SET until = :now
WHERE plan = ANY(:plans::uuid[]) AND facility = :facility AND until IS NULL RETURNING plan;

-- name: charge_off^
SELECT line, state, proposed_by, proposed_at, approved_by, on_day, days_past_due, amount_minor, settle_by,
    settled_on
FROM billing.charge_off WHERE line = :line;

-- name: charge_off_proposals
SELECT line, state, proposed_by, proposed_at, approved_by, on_day, days_past_due, amount_minor, settle_by,
    settled_on
FROM billing.charge_off WHERE state = 'proposed' AND line > :after ORDER BY line LIMIT :count;

-- name: charge_offs_due
-- Lines whose oldest unpaid due day is before their pack's, and nobody has proposed it yet.
SELECT l.id AS line FROM (
    SELECT line, min(due_on) AS due_on FROM billing.instalment
    WHERE open AND bill IS NOT NULL AND due_on < (SELECT max(b) FROM unnest(:before::date[]) AS b)
    GROUP BY line
) AS d
JOIN lines.v_line AS l ON l.id = d.line
JOIN unnest(:pack::text[], :before::date[]) AS p (pack, before) ON p.pack = l.pack AND d.due_on < p.before
WHERE NOT EXISTS (SELECT FROM billing.charge_off AS c WHERE c.line = l.id)
ORDER BY l.id;

-- name: propose_charge_off!
INSERT INTO billing.charge_off (line, state, proposed_by, proposed_at)
VALUES (:line, 'proposed', :actor, :now);

-- name: charge_off_line!
UPDATE billing.charge_off SET state = 'charged_off', approved_by = :actor, on_day = :day,
    days_past_due = :days_past_due, amount_minor = :amount_minor
WHERE line = :line;

-- name: propose_settlement!
UPDATE billing.charge_off SET settle_by = :actor WHERE line = :line;

-- name: settle_line!
UPDATE billing.charge_off SET state = 'settled', settled_on = :day, settle_by = NULL WHERE line = :line;

-- name: recovered$
-- What payments settled on a line since a day, less what came back.
SELECT coalesce(sum(amount_minor), 0)::bigint FROM billing.settlement
WHERE line = :line AND on_day >= :since AND kind IN ('payment', 'return') AND component NOT IN ('credit', 'sold');

-- name: add_buyer$
INSERT INTO billing.buyer (id, name, pay_to, currency, payable, added_at)
VALUES (:id, :name, :pay_to, :currency, :payable, :now)
ON CONFLICT (name) DO NOTHING RETURNING id;

-- name: buyers
-- With what is owed to each; negative where a payment came back that had been sent on.
SELECT b.id, b.name, b.pay_to, b.currency, b.payable, -a.net_debit AS due_minor
FROM billing.buyer AS b JOIN ledger.v_balance AS a ON a.id = b.payable
ORDER BY b.name;

-- name: buyer^
SELECT b.id, b.name, b.pay_to, b.currency, b.payable, -a.net_debit AS due_minor
FROM billing.buyer AS b JOIN ledger.v_balance AS a ON a.id = b.payable
WHERE b.id = :id FOR UPDATE OF b;

-- name: is_buyer$
SELECT EXISTS (SELECT FROM billing.buyer WHERE id = :id);

-- name: sales_of_line
-- What was sold, oldest first, and the one that is proposed or agreed last. ``left_minor``: what was sold, less what
-- of it reached us since.
SELECT s.id, s.line, s.buyer, b.name AS buyer_name, b.pay_to, s.price_minor, s.state, s.proposed_by,
    s.proposed_at, s.approved_by, s.agreed_at, s.passes_at, s.on_day, s.face_minor,
    s.face_minor - coalesce((SELECT sum(t.amount_minor) FROM billing.settlement AS t
        WHERE t.line = s.line AND t.sale = s.id), 0)::bigint AS left_minor
FROM billing.sale AS s JOIN billing.buyer AS b ON b.id = s.buyer
WHERE s.line = :line ORDER BY s.on_day NULLS LAST, s.id;

-- name: sale_proposals
SELECT line FROM billing.sale WHERE state = 'proposed' AND line > :after ORDER BY line LIMIT :count;

-- name: propose_sale!
INSERT INTO billing.sale (id, line, buyer, price_minor, state, proposed_by, proposed_at)
VALUES (:id, :line, :buyer, :price_minor, 'proposed', :actor, :now)
ON CONFLICT (line) WHERE state <> 'sold' DO UPDATE SET buyer = excluded.buyer,
    price_minor = excluded.price_minor, proposed_by = excluded.proposed_by, proposed_at = excluded.proposed_at;

-- name: agree_sale!
UPDATE billing.sale SET state = 'agreed', approved_by = :actor, agreed_at = :now, passes_at = :passes_at
WHERE id = :id;

-- name: drop_open_sale!
DELETE FROM billing.sale WHERE line = :line AND state <> 'sold';

-- name: sell_line!
UPDATE billing.sale SET state = 'sold', approved_by = coalesce(approved_by, :actor), on_day = :day, face_minor = :face_minor
WHERE id = :id;

-- name: outstanding_sales
-- Debts that were sold, of those lines, oldest first, with the buyer's account and what has not reached us.
SELECT s.line, s.id, b.payable, s.face_minor - coalesce((SELECT sum(t.amount_minor)
    FROM billing.settlement AS t WHERE t.line = s.line AND t.sale = s.id), 0)::bigint AS left_minor
FROM billing.sale AS s JOIN billing.buyer AS b ON b.id = s.buyer
WHERE s.state = 'sold' AND s.line = ANY(:lines::uuid[]) ORDER BY s.on_day, s.id;

-- name: sold_of_purchase
-- By sale: a purchase's first plan, and the principal of it that went with the sale, directly or by a plan
-- it was carried to before, less what of that reached us.
WITH own AS (
    SELECT id, line FROM billing.plan WHERE purchase = :purchase
), moved AS (
    SELECT coalesce(d.id, c.id) AS sale, s.amount_minor
    FROM own AS p
    JOIN billing.settlement AS s ON s.line = p.line AND s.plan = p.id AND s.component = 'principal'
    LEFT JOIN billing.sale AS d ON d.id = s.source AND s.kind = 'sold'
    LEFT JOIN LATERAL (
        SELECT id FROM billing.sale WHERE line = p.line AND state = 'sold' AND on_day >= s.on_day
        ORDER BY on_day, id LIMIT 1
    ) AS c ON s.kind = 'carried'
    UNION ALL
    SELECT s.sale, -s.amount_minor
    FROM own AS p JOIN billing.settlement AS s ON s.line = p.line AND s.plan = p.id AND s.component = 'sold'
)
SELECT sale, (SELECT min(id::text)::uuid FROM own) AS plan, sum(amount_minor)::bigint AS minor
FROM moved WHERE sale IS NOT NULL GROUP BY sale;

-- name: sold_to
-- What a buyer bought since a day, by the due days of what was open.
SELECT s.id AS sale, s.line, s.on_day AS sold_on, b.currency, s.price_minor, s.face_minor, i.due_on,
    coalesce(sum(t.amount_minor) FILTER (WHERE t.component = 'principal'), 0)::bigint AS principal_minor,
    coalesce(sum(t.amount_minor) FILTER (WHERE t.component = 'interest'), 0)::bigint AS interest_minor,
    coalesce(sum(t.amount_minor) FILTER (WHERE t.component = 'fee'), 0)::bigint AS fee_minor
FROM billing.sale AS s
JOIN billing.buyer AS b ON b.id = s.buyer
JOIN billing.settlement AS t ON t.source = s.id AND t.kind = 'sold'
JOIN billing.instalment AS i ON i.plan = t.plan AND i.no = t.no
WHERE s.buyer = :buyer AND s.on_day >= :since
GROUP BY s.id, b.currency, i.due_on ORDER BY s.on_day, s.id, i.due_on;

-- name: pledged_of_line$
-- Open plans of a line that a facility lends against.
SELECT count(*) FROM billing.plan AS p JOIN billing.pledge AS g ON g.plan = p.id
WHERE p.line = :line AND g.until IS NULL AND EXISTS (
    SELECT FROM billing.instalment AS i WHERE i.plan = p.id AND i.open);

-- name: sold_schedule
-- What was open when a debt was sold, by due day.
SELECT i.due_on, sum(s.amount_minor)::bigint AS amount_minor
FROM billing.settlement AS s JOIN billing.instalment AS i ON i.plan = s.plan AND i.no = s.no
WHERE s.source = :sale AND s.kind = 'sold' GROUP BY i.due_on ORDER BY i.due_on;

-- name: hardship_proposal^
SELECT line, relief, foreseen, proposed_by, proposed_at FROM billing.hardship_proposal WHERE line = :line;

-- name: propose_hardship!
INSERT INTO billing.hardship_proposal (line, relief, foreseen, proposed_by, proposed_at)
VALUES (:line, :relief, :foreseen, :actor, :now)
ON CONFLICT (line) DO UPDATE SET relief = excluded.relief, foreseen = excluded.foreseen,
    proposed_by = excluded.proposed_by, proposed_at = excluded.proposed_at;

-- name: drop_hardship_proposal!
DELETE FROM billing.hardship_proposal WHERE line = :line;

-- name: end_hardship^
UPDATE billing.hardship SET state = 'broken' WHERE line = :line AND state = 'agreed' RETURNING id, plan;

-- name: bill^
SELECT id, line, statement_on, due_on, principal_minor, interest_minor, fee_minor, balance_minor
FROM billing.bill WHERE id = :id;

-- name: statement_items
SELECT p.kind, p.opened_on, i.no, p.instalments,
    i.principal_minor + i.interest_minor + i.fee_minor AS amount_minor
FROM billing.plan AS p JOIN billing.instalment AS i ON i.plan = p.id
WHERE p.line = :line AND i.bill = :bill ORDER BY p.opened_on, p.id, i.no;

-- name: statement_payments
SELECT value_on, amount_minor FROM billing.payment
WHERE line = :line AND (received_at AT TIME ZONE :timezone)::date > :since
    AND (received_at AT TIME ZONE :timezone)::date <= :until
ORDER BY value_on, id;

-- name: statement_purchases
SELECT opened_on, principal_minor AS amount_minor FROM billing.plan
WHERE line = :line AND kind = 'purchase' AND opened_on > :since AND opened_on <= :until
ORDER BY opened_on, id;

-- name: move_days!
-- Instalments that no bill has asked for yet, to a later day.
UPDATE billing.instalment AS i SET bill_on = u.bill_on, due_on = u.due_on
FROM unnest(:plan::uuid[], :no::smallint[], :bill_on::date[], :due_on::date[]) AS u (plan, no, bill_on, due_on)
WHERE i.plan = u.plan AND i.no = u.no;

-- name: last_payday$
SELECT max(on_day) FROM billing.payday WHERE line = :line;

-- name: add_payday!
INSERT INTO billing.payday (id, line, from_day, to_day, on_day, moved_at)
VALUES (:id, :line, :from_day, :to_day, :on_day, :now);

-- name: keep_earlier!
-- Everything bought on a line so far, but for what is on still earlier terms.
INSERT INTO billing.earlier_terms (plan, line, version)
SELECT id, line, :version FROM billing.plan WHERE line = :line AND kind = 'purchase'
ON CONFLICT (plan) DO NOTHING;

-- name: note_earlier!
INSERT INTO billing.earlier_terms (plan, line, version)
SELECT * FROM unnest(:plan::uuid[], :line::uuid[], :version::text[]);

-- name: earlier_of_line
SELECT plan, version FROM billing.earlier_terms WHERE line = :line;

-- name: versions_of_bill
-- The terms on which what a bill asks for was bought; :present are those of its line.
SELECT DISTINCT coalesce(e.version, :present) AS version
FROM billing.instalment AS i
JOIN billing.plan AS p ON p.id = i.plan
LEFT JOIN billing.earlier_terms AS e ON e.plan = i.plan
WHERE i.line = :line AND i.bill = :bill AND p.kind = 'purchase';

-- name: first_statement$
SELECT min(b.statement_on) FROM billing.plan AS p
JOIN billing.instalment AS i ON i.plan = p.id
JOIN billing.bill AS b ON b.id = i.bill
WHERE p.purchase = :purchase;
