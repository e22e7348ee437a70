-- Billing: instalment plans, bills, payments and how they were allocated.
-- depends: lines

CREATE SCHEMA billing;

CREATE TABLE billing.plan (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    purchase uuid,
    kind text NOT NULL CHECK (kind IN ('purchase', 'late_fee', 'residual', 'hardship')),
    principal_minor bigint NOT NULL CHECK (principal_minor >= 0),
    instalments smallint NOT NULL CHECK (instalments BETWEEN 1 AND 60),
    monthly_fee_bps integer NOT NULL,
    apr_bps integer NOT NULL,
    opened_on date NOT NULL
);
CREATE INDEX plan_line ON billing.plan (line);
CREATE INDEX plan_purchase ON billing.plan (purchase);
CREATE INDEX plan_opened ON billing.plan USING brin (opened_on) WITH (pages_per_range = 8, autosummarize = on);
CALL store.append_only('billing.plan');

-- Plans on other terms than their line has now: of what was bought before those changed.
CREATE TABLE billing.earlier_terms (
    plan uuid PRIMARY KEY REFERENCES billing.plan,
    line uuid NOT NULL,
    version text NOT NULL
);
CREATE INDEX earlier_terms_line ON billing.earlier_terms (line);
CALL store.append_only('billing.earlier_terms');

-- Residual plans of what was owed before: what a hardship plan would have taken over, had it been known, and
-- what came to be owed again.
CREATE TABLE billing.carry_over (
    plan uuid PRIMARY KEY REFERENCES billing.plan
);
CALL store.append_only('billing.carry_over');

-- The schedule is fixed when the plan is made, but for days that the customer moves; what was paid or given
-- back against it moves. An instalment is open while anything of it is neither.
CREATE TABLE billing.instalment (
    plan uuid NOT NULL,
    no smallint NOT NULL,
    line uuid NOT NULL,
    bill_on date NOT NULL,
    due_on date NOT NULL,
    principal_minor bigint NOT NULL CHECK (principal_minor >= 0),
    interest_minor bigint NOT NULL CHECK (interest_minor >= 0),
    fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
    -- Principal of the plan that is scheduled in it or after it: what its month was priced on.
    outstanding_minor bigint NOT NULL CHECK (outstanding_minor >= principal_minor),
    settled_principal bigint NOT NULL DEFAULT 0,
    settled_interest bigint NOT NULL DEFAULT 0,
    settled_fee bigint NOT NULL DEFAULT 0,
    bill uuid,
    -- Its interest and fee are owed on the ledger.
    charged boolean NOT NULL DEFAULT false CHECK (charged OR bill IS NULL),
    open boolean GENERATED ALWAYS AS (
        principal_minor + interest_minor + fee_minor
        > settled_principal + settled_interest + settled_fee) STORED,
    PRIMARY KEY (plan, no),
    CHECK (settled_principal BETWEEN 0 AND principal_minor),
    CHECK (settled_interest BETWEEN 0 AND interest_minor),
    CHECK (settled_fee BETWEEN 0 AND fee_minor)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
-- What was billed leaves dead entries in instalment_to_bill, which each night reads for what is to be billed:
-- 160,000 of them took half a second. So it is vacuumed long before a fifth of the table is dead.
CREATE INDEX instalment_open ON billing.instalment (line, due_on) WHERE open;
CREATE INDEX instalment_to_bill ON billing.instalment (bill_on) WHERE open AND bill IS NULL;
CREATE INDEX instalment_due ON billing.instalment (due_on) WHERE open AND bill IS NOT NULL;

CREATE FUNCTION billing.keep_schedule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a % fixed does not change: % is refused', tg_table_name, tg_op
        USING ERRCODE = 'WB001';
END
$$;
CREATE TRIGGER keep_schedule BEFORE DELETE OR TRUNCATE OR UPDATE OF
    plan, no, line, principal_minor, interest_minor, fee_minor, outstanding_minor
ON billing.instalment FOR EACH STATEMENT EXECUTE FUNCTION billing.keep_schedule();
-- At the customer's wish an instalment moves to a later day, until a bill has asked for it.
CREATE TRIGGER keep_days BEFORE UPDATE OF bill_on, due_on ON billing.instalment
FOR EACH ROW WHEN (
    OLD.bill IS NOT NULL OR NEW.bill_on < OLD.bill_on OR NEW.due_on - NEW.bill_on <> OLD.due_on - OLD.bill_on)
EXECUTE FUNCTION billing.keep_schedule();

-- Each time a customer moved the day of the month on which bills are made.
CREATE TABLE billing.payday (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    from_day smallint NOT NULL CHECK (from_day BETWEEN 1 AND 28),
    to_day smallint NOT NULL CHECK (to_day BETWEEN 1 AND 28 AND to_day <> from_day),
    on_day date NOT NULL,
    moved_at timestamptz NOT NULL
);
CREATE INDEX payday_line ON billing.payday (line, moved_at);
CALL store.append_only('billing.payday');

CREATE TABLE billing.bill (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    statement_on date NOT NULL,
    due_on date NOT NULL,
    principal_minor bigint NOT NULL,
    interest_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    -- Everything owed when the statement was made, billed or not, less the credit balance.
    balance_minor bigint NOT NULL,
    UNIQUE (line, statement_on)
);
CALL store.append_only('billing.bill');

CREATE TABLE billing.payment (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    reference text NOT NULL,
    method text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    value_on date NOT NULL,
    clears_on date NOT NULL,
    received_at timestamptz NOT NULL,
    returned_at timestamptz,
    -- The payment that says what this one should have said; it has the same reference.
    corrected_by uuid
);
CREATE UNIQUE INDEX payment_reference ON billing.payment (line, reference) WHERE corrected_by IS NULL;
CREATE INDEX payment_corrected ON billing.payment (line, reference) WHERE corrected_by IS NOT NULL;
CREATE INDEX payment_value ON billing.payment (line, value_on);
CREATE TRIGGER keep_payment BEFORE DELETE OR TRUNCATE OR UPDATE OF
    id, line, reference, method, amount_minor, value_on, clears_on, received_at
ON billing.payment FOR EACH STATEMENT EXECUTE FUNCTION billing.keep_schedule();

-- What an event settled, by instalment and component; what is undone is negative.
--   payment, refund, credit: money that settles
--   waiver:   given up, of what was owed
--   unearned: given up, of what was scheduled and never owed
--   unpriced: given up, of the price of what was bought while a pause was not written down yet
--   return:   a payment came back
--   carried:  moved to another plan
--   disputed: not demanded while the customer disputes it
--   sold:     owed to a buyer from then on
-- The component 'sold' is what reached us and is the buyer's, of one ``sale``; its plan is the one a refund
-- or a dispute is about, and nothing of it counts against an instalment.
CREATE TABLE billing.settlement (
    source uuid NOT NULL,
    line uuid NOT NULL,
    plan uuid,
    no smallint,
    component text NOT NULL CHECK (component IN ('principal', 'interest', 'fee', 'credit', 'sold')),
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    kind text NOT NULL CHECK (
        kind IN (
            'payment', 'refund', 'credit', 'waiver', 'unearned', 'unpriced', 'return', 'carried',
            'disputed', 'sold')),
    on_day date NOT NULL,
    -- The day it counts from; never after the day of booking.
    value_on date NOT NULL CHECK (value_on <= on_day),
    sale uuid,
    CHECK ((component = 'sold') = (sale IS NOT NULL)),
    CHECK (component = 'sold' OR (plan IS NULL) = (component = 'credit'))
);
CREATE INDEX settlement_source ON billing.settlement (source);
CREATE INDEX settlement_line ON billing.settlement (line, on_day);
CREATE INDEX settlement_instalment ON billing.settlement (plan, no);
CREATE INDEX settlement_day ON billing.settlement USING brin (on_day)
    WITH (pages_per_range = 8, autosummarize = on);
CALL store.append_only('billing.settlement');

-- What a dispute asks to take out of what is owed, and from which day; how much of it was owed then is
-- what it settled. While it is open that follows what becomes known late.
CREATE TABLE billing.suspension (
    source uuid PRIMARY KEY,
    line uuid NOT NULL,
    purchase uuid NOT NULL,
    asked_minor bigint NOT NULL CHECK (asked_minor > 0),
    began_on date NOT NULL,
    open boolean NOT NULL DEFAULT true
);
CREATE INDEX suspension_line ON billing.suspension (line);

-- For which purchase a shop gave money back. What it settled may be of other purchases, or be credit.
CREATE TABLE billing.refund (
    source uuid PRIMARY KEY,
    line uuid NOT NULL,
    purchase uuid NOT NULL
);
CREATE INDEX refund_line ON billing.refund (line);
CALL store.append_only('billing.refund');

-- Purchases that cost nothing beside what the shop gets, neither a price nor a late fee: they were made
-- after their customer had paused the line and before that was written down.
CREATE TABLE billing.unpriced (
    purchase uuid PRIMARY KEY,
    line uuid NOT NULL,
    cause uuid NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX unpriced_line ON billing.unpriced (line);
CALL store.append_only('billing.unpriced');

-- Lines on which no fee arises any more, because an estate settles them.
CREATE TABLE billing.fee_stop (
    line uuid PRIMARY KEY,
    at timestamptz NOT NULL
);

-- A credit balance on its way to its owner. What comes back, and what has no verified account to go to
-- ("account" is null), waits in house.unclaimed.
CREATE TABLE billing.payout (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    state text NOT NULL CHECK (state IN ('sent', 'unclaimed')),
    sent_at timestamptz NOT NULL,
    bounced_at timestamptz,
    account uuid,
    CHECK (state = 'sent' OR bounced_at IS NOT NULL OR account IS NULL),
    CHECK (state = 'unclaimed' OR account IS NOT NULL)
);
CREATE INDEX payout_line ON billing.payout (line, sent_at);

-- Leave to collect by direct debit. It is kept while something is owed and ends with the line.
CREATE TABLE billing.mandate (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    scheme text NOT NULL CHECK (scheme IN ('sepa_core', 'bacs', 'ach', 'cn_agreed')),
    reference text NOT NULL,
    signed_on date NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'cancelled', 'lapsed')),
    last_used_on date,
    ended_at timestamptz,
    ended_why text,
    CHECK ((state = 'active') = (ended_at IS NULL)),
    UNIQUE (scheme, reference)
);
CREATE INDEX mandate_line ON billing.mandate (line);

-- Vouchers: not money, so not on the ledger. Leaving leaves time to use them.
CREATE TABLE billing.coupon (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    title text NOT NULL CHECK (title <> ''),
    usable_until date NOT NULL,
    granted_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX coupon_line ON billing.coupon (line);

-- A plan that a customer in difficulty agreed to. Days past due are counted on from ``frozen_days``.
-- The newest one of a line counts until its observation is over.
CREATE TABLE billing.hardship (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    relief text NOT NULL CHECK (relief IN ('longer', 'holiday', 'reduced')),
    state text NOT NULL CHECK (state IN ('agreed', 'broken', 'observed')),
    plan uuid NOT NULL UNIQUE REFERENCES billing.plan,
    agreed_on date NOT NULL,
    frozen_days integer NOT NULL CHECK (frozen_days >= 0),
    observed_until date NOT NULL CHECK (observed_until > agreed_on),
    grace_days integer NOT NULL,
    periods integer NOT NULL,
    value_loss_bps integer NOT NULL DEFAULT 0 CHECK (value_loss_bps BETWEEN 0 AND 10000),
    -- More than its pack let pass then.
    distressed boolean NOT NULL DEFAULT false,
    -- The night that found it broken; none where the customer ended it.
    broken_on date CHECK (broken_on >= agreed_on),
    ended_on date,
    CHECK ((state = 'observed') = (ended_on IS NOT NULL))
);
CREATE UNIQUE INDEX hardship_agreed ON billing.hardship (line) WHERE state = 'agreed';
CREATE INDEX hardship_line ON billing.hardship (line, agreed_on) WHERE state <> 'observed';

-- A plan that gives something up and that one person at the desk proposed; another agrees.
CREATE TABLE billing.hardship_proposal (
    line uuid PRIMARY KEY,
    relief text NOT NULL CHECK (relief IN ('longer', 'holiday', 'reduced')),
    foreseen boolean NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL
);

-- A debt the lender takes as lost, once two have said so; the customer goes on owing it. A part may be
-- accepted for the whole, which takes two again: ``settle_by`` is the first of them.
CREATE TABLE billing.charge_off (
    line uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('proposed', 'charged_off', 'settled')),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by text CHECK (approved_by <> proposed_by),
    on_day date,
    days_past_due integer,
    amount_minor bigint CHECK (amount_minor > 0),
    settle_by text,
    settled_on date CHECK (settled_on >= on_day),
    CHECK ((state = 'proposed') = (on_day IS NULL)),
    CHECK ((on_day IS NULL) = (amount_minor IS NULL) AND (on_day IS NULL) = (approved_by IS NULL)),
    CHECK ((state = 'settled') = (settled_on IS NOT NULL))
);

-- Who buys debts. ``payable`` is the account of what we owe them; ``pay_to`` says where customers pay.
CREATE TABLE billing.buyer (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    pay_to text NOT NULL CHECK (pay_to <> ''),
    currency text NOT NULL,
    payable uuid NOT NULL,
    added_at timestamptz NOT NULL
);

-- A line's debt, sold once two have said so; agreed while a pack's days of notice run. What it was is fixed
-- when it is sold; what is owed here afterwards, because a dispute brought it back, may be sold again.
CREATE TABLE billing.sale (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    buyer uuid NOT NULL REFERENCES billing.buyer,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    state text NOT NULL CHECK (state IN ('proposed', 'agreed', 'sold')),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by text CHECK (approved_by <> proposed_by),
    agreed_at timestamptz,
    passes_at timestamptz CHECK (passes_at > agreed_at),
    on_day date,
    face_minor bigint CHECK (face_minor > 0 AND price_minor <= face_minor),
    CHECK ((state = 'sold') = (on_day IS NOT NULL) AND (on_day IS NULL) = (face_minor IS NULL)),
    CHECK ((state = 'proposed') = (approved_by IS NULL)),
    CHECK ((agreed_at IS NULL) = (passes_at IS NULL) AND (state <> 'agreed' OR agreed_at IS NOT NULL))
);
CREATE UNIQUE INDEX sale_open ON billing.sale (line) WHERE state <> 'sold';
CREATE INDEX sale_line ON billing.sale (line);
CREATE INDEX sale_buyer ON billing.sale (buyer, on_day);

-- Which facility lends against a plan, from when until when. One at a time.
CREATE TABLE billing.pledge (
    plan uuid NOT NULL REFERENCES billing.plan,
    facility uuid NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz CHECK (until >= since)
);
CREATE UNIQUE INDEX pledge_standing ON billing.pledge (plan) WHERE until IS NULL;
CREATE INDEX pledge_plan ON billing.pledge (plan);
CREATE INDEX pledge_facility ON billing.pledge (facility);

-- The whole book at the end of a day, for the portfolio effect of an exit.
CREATE TABLE billing.book_total (
    day date NOT NULL,
    currency text NOT NULL,
    lines integer NOT NULL,
    limit_minor bigint NOT NULL,
    owed_minor bigint NOT NULL,
    past_due_minor bigint NOT NULL,
    npl_minor bigint NOT NULL,
    PRIMARY KEY (day, currency)
);

-- How much each dispute takes, or took, out of what is owed, and from when; nothing is a row too.
CREATE VIEW billing.v_suspended AS
SELECT n.line, n.source AS dispute, coalesce(s.value_on, n.began_on) AS counts_from,
    coalesce(s.amount_minor, 0) AS amount_minor
FROM billing.suspension AS n
LEFT JOIN billing.settlement AS s ON s.source = n.source AND s.kind = 'disputed';

CREATE VIEW billing.v_mandate AS
SELECT id, line, scheme, reference, signed_on, state, last_used_on, ended_at FROM billing.mandate;

CREATE VIEW billing.v_coupon AS
SELECT id, line, title, usable_until, used_at FROM billing.coupon;

-- What is unpaid of each line, per instalment.
CREATE VIEW billing.v_open AS
SELECT plan, no, line, bill_on, due_on, bill IS NOT NULL AS billed, charged,
    principal_minor - settled_principal AS principal_minor,
    interest_minor - settled_interest AS interest_minor,
    fee_minor - settled_fee AS fee_minor
FROM billing.instalment WHERE open;

-- Lines whose debt was restructured and is observed, one row each.
CREATE VIEW billing.v_forborne AS
SELECT DISTINCT ON (line) line, plan, agreed_on, frozen_days, observed_until, distressed
FROM billing.hardship WHERE state <> 'observed' ORDER BY line, agreed_on DESC, id DESC;

-- What rooms above read to tell what was owed on an earlier day --------------------------------

-- What bills asked for, by instalment, and when. A line's instalments are found through its plans.
CREATE VIEW billing.v_asked AS
SELECT p.line, i.plan, i.no, b.statement_on, i.due_on,
    i.principal_minor + i.interest_minor + i.fee_minor AS minor
FROM billing.plan AS p
JOIN billing.instalment AS i ON i.plan = p.id
JOIN billing.bill AS b ON b.id = i.bill;

-- What settled instalments, and the day from which it counts: money counts from its value date.
CREATE VIEW billing.v_settlement AS
SELECT line, plan, no, component, amount_minor, kind, on_day, value_on AS counts_from
FROM billing.settlement WHERE plan IS NOT NULL AND component <> 'sold';

-- Every change of what a line owes. Interest and fees count from the day they are asked for;
-- what is paid of them before, as it is earned, comes and goes and changes nothing.
CREATE VIEW billing.v_movement AS
WITH item AS NOT MATERIALIZED (
    SELECT p.line, i.plan, i.no, p.opened_on, i.principal_minor, i.interest_minor + i.fee_minor AS price_minor,
        CASE WHEN p.kind = 'purchase' THEN b.statement_on ELSE p.opened_on END AS charged_on
    FROM billing.plan AS p
    JOIN billing.instalment AS i ON i.plan = p.id
    LEFT JOIN billing.bill AS b ON b.id = i.bill
)
SELECT line, opened_on AS day, principal_minor AS minor FROM item WHERE principal_minor > 0
UNION ALL
SELECT line, charged_on, price_minor FROM item WHERE charged_on IS NOT NULL AND price_minor > 0
UNION ALL
SELECT s.line,
    CASE WHEN s.component = 'principal' THEN greatest(s.counts_from, i.opened_on)
        ELSE greatest(s.counts_from, i.charged_on) END,
    -s.amount_minor
FROM billing.v_settlement AS s
JOIN item AS i ON i.plan = s.plan AND i.no = s.no
WHERE s.component = 'principal' OR i.charged_on IS NOT NULL;

-- Every hardship plan there was; from the end of ``ended_on`` its line is like any other.
CREATE VIEW billing.v_hardship AS
SELECT id, line, plan, relief, state, agreed_on, frozen_days, distressed, ended_on FROM billing.hardship;

-- What was corrected is not a payment that came back: it is told as it was corrected, once.
CREATE VIEW billing.v_payment AS
SELECT id, line, method, amount_minor, value_on, returned_at, received_at FROM billing.payment
WHERE corrected_by IS NULL;

CREATE VIEW billing.v_bought AS
SELECT line, opened_on, principal_minor FROM billing.plan WHERE kind = 'purchase';

CREATE VIEW billing.v_earlier_terms AS
SELECT plan, line, version FROM billing.earlier_terms;

CREATE VIEW billing.v_payday AS
SELECT line, moved_at FROM billing.payday;

CREATE VIEW billing.v_bill AS
SELECT line, statement_on, due_on, principal_minor + interest_minor + fee_minor AS minor FROM billing.bill;

-- Plans that a facility lends or lent against; a standing pledge has no "until".
CREATE VIEW billing.v_pledge AS
SELECT plan, facility, since, until FROM billing.pledge;

CREATE VIEW billing.v_plan AS
SELECT id, line, purchase, kind, principal_minor, instalments, monthly_fee_bps, apr_bps, opened_on
FROM billing.plan;

-- What each instalment is scheduled to be, by its key and nothing else.
CREATE VIEW billing.v_schedule AS
SELECT plan, no, due_on, principal_minor, interest_minor, fee_minor FROM billing.instalment;

-- Every instalment as scheduled, with the day from which its interest and fee are owed.
CREATE VIEW billing.v_instalment AS
SELECT p.line, i.plan, i.no, p.kind, p.opened_on, i.due_on, b.statement_on,
    i.principal_minor, i.interest_minor, i.fee_minor,
    CASE WHEN p.kind = 'purchase' THEN b.statement_on ELSE p.opened_on END AS charged_on
FROM billing.plan AS p
JOIN billing.instalment AS i ON i.plan = p.id
LEFT JOIN billing.bill AS b ON b.id = i.bill;

-- When each instalment was paid, which is the value date of the last money that went to it; NULL while
-- it is open.
CREATE VIEW billing.v_paid AS
SELECT p.line, p.purchase, i.plan, i.no, i.due_on,
    CASE WHEN NOT i.open THEN coalesce((
        SELECT s.value_on FROM billing.settlement AS s
        WHERE s.line = i.line AND s.plan = i.plan AND s.no = i.no
        GROUP BY s.value_on HAVING sum(s.amount_minor) > 0 ORDER BY s.value_on DESC LIMIT 1
    ), i.due_on) END AS paid_on
FROM billing.plan AS p JOIN billing.instalment AS i ON i.plan = p.id;

-- Debts that were charged off, when, how much then, and the day a part was accepted for the whole.
CREATE VIEW billing.v_charge_off AS
SELECT line, on_day, amount_minor, settled_on FROM billing.charge_off WHERE on_day IS NOT NULL;

-- Debts that were sold, to whom, when, how much then and for what price; a line's may be sold more than once.
CREATE VIEW billing.v_sale AS
SELECT s.id, s.line, s.on_day, s.face_minor, b.id AS buyer, b.name AS buyer_name, s.price_minor
FROM billing.sale AS s JOIN billing.buyer AS b ON b.id = s.buyer WHERE s.state = 'sold';

-- Billing against itself and the ledger: each row is an offence. With a day, only what billing changed
-- on it, found by index; without, everything. Planned once: planning costs more than a night's check.
CREATE FUNCTION billing.violations(of_day date) RETURNS TABLE (invariant text, detail text)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    touched uuid[];
    paid uuid[];
    changed uuid[];
BEGIN
    IF of_day IS NULL THEN
        touched := ARRAY(SELECT id FROM lines.v_line);
        paid := ARRAY(SELECT id FROM billing.payment);
        changed := ARRAY(SELECT id FROM billing.plan);
    ELSE
        touched := ARRAY(
            SELECT s.line FROM billing.settlement AS s WHERE s.on_day = of_day
            UNION SELECT b.line FROM billing.bill AS b WHERE b.statement_on = of_day
            UNION SELECT p.line FROM billing.plan AS p WHERE p.opened_on = of_day);
        paid := ARRAY(SELECT DISTINCT s.source FROM billing.settlement AS s WHERE s.on_day = of_day);
        changed := ARRAY(SELECT DISTINCT s.plan FROM billing.settlement AS s WHERE s.on_day = of_day);
    END IF;
    RETURN QUERY
    SELECT 'what is open equals the ledger' AS invariant,
        concat_ws(' ', 'line', l.id, 'open', o.principal, o.interest, o.fee,
            'ledger', l.principal_minor, l.interest_minor, l.fee_minor) AS detail
    FROM unnest(touched) AS t (line) JOIN lines.v_line AS l ON l.id = t.line
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(principal_minor), 0) AS principal,
            coalesce(sum(interest_minor) FILTER (WHERE charged), 0) AS interest,
            coalesce(sum(fee_minor) FILTER (WHERE charged), 0) AS fee
        FROM billing.v_open WHERE line = t.line
    ) AS o
    WHERE (o.principal, o.interest, o.fee) IS DISTINCT FROM (l.principal_minor, l.interest_minor, l.fee_minor)
    UNION ALL
    SELECT 'what is unclaimed are payouts that came back or wait', coalesce(p.currency, h.currency)
    FROM (
        SELECT currency, sum(amount_minor) AS minor FROM billing.payout WHERE state = 'unclaimed' GROUP BY currency
    ) AS p FULL JOIN (
        SELECT currency, -net_debit AS minor FROM ledger.v_balance WHERE code = 'house.unclaimed'
    ) AS h ON h.currency = p.currency
    WHERE coalesce(p.minor, 0) <> coalesce(h.minor, 0)
    UNION ALL
    SELECT 'what is charged off and still owed is the loss that stands against it', coalesce(p.currency, h.currency)
    FROM (
        SELECT l.currency, sum(l.principal_minor + l.interest_minor + l.fee_minor) AS minor
        FROM billing.v_charge_off AS c JOIN lines.v_line AS l ON l.id = c.line GROUP BY l.currency
    ) AS p FULL JOIN (
        SELECT currency, -net_debit AS minor FROM ledger.v_balance WHERE code = 'house.charged_off'
    ) AS h ON h.currency = p.currency
    WHERE coalesce(p.minor, 0) <> coalesce(h.minor, 0)
    UNION ALL
    SELECT 'a sold debt is what its settlements moved', s.line::text FROM billing.sale AS s
    WHERE (of_day IS NULL OR s.line = ANY(touched)) AND s.state = 'sold' AND s.face_minor
        <> (SELECT coalesce(sum(t.amount_minor), 0) FROM billing.settlement AS t
            WHERE t.source = s.id AND t.kind = 'sold')
    UNION ALL
    SELECT 'a closed line owes nothing', l.id::text
    FROM unnest(touched) AS t (line) JOIN lines.v_line AS l ON l.id = t.line
    WHERE l.lifecycle = 'closed' AND EXISTS (
        SELECT FROM billing.v_open AS o JOIN billing.plan AS p ON p.id = o.plan
        WHERE o.line = l.id AND p.kind NOT IN ('residual', 'hardship'))
    UNION ALL
    SELECT 'a hardship plan asks for what it replaced', h.id::text
    FROM billing.hardship AS h JOIN billing.plan AS p ON p.id = h.plan
    WHERE (of_day IS NULL OR h.agreed_on = of_day)
        AND (SELECT sum(i.principal_minor + i.interest_minor + i.fee_minor)
            FROM billing.instalment AS i WHERE i.plan = h.plan)
        <> (SELECT coalesce(sum(s.amount_minor), 0) FROM billing.settlement AS s
            WHERE s.source = h.plan AND s.kind = 'carried')
    UNION ALL
    SELECT 'a payment is settled to its last minor unit', p.id::text
    FROM unnest(paid) AS t (id) JOIN billing.payment AS p ON p.id = t.id
    LEFT JOIN (
        SELECT source, sum(amount_minor) AS amount FROM billing.settlement
        WHERE source = ANY(paid) AND kind IN ('payment', 'return') GROUP BY source
    ) AS s ON s.source = p.id
    WHERE coalesce(s.amount, 0) <> CASE
        WHEN p.returned_at IS NULL AND p.corrected_by IS NULL THEN p.amount_minor ELSE 0 END
    UNION ALL
    SELECT 'an instalment is settled by its settlements', concat_ws(' ', 'plan', i.plan, 'instalment', i.no)
    FROM unnest(changed) AS c (plan) JOIN billing.instalment AS i ON i.plan = c.plan
    CROSS JOIN LATERAL (
        SELECT sum(amount_minor) FILTER (WHERE component = 'principal') AS principal,
            sum(amount_minor) FILTER (WHERE component = 'interest') AS interest,
            sum(amount_minor) FILTER (WHERE component = 'fee') AS fee
        FROM billing.settlement WHERE plan = i.plan AND no = i.no
    ) AS s
    WHERE (coalesce(s.principal, 0), coalesce(s.interest, 0), coalesce(s.fee, 0))
        IS DISTINCT FROM (i.settled_principal, i.settled_interest, i.settled_fee);
END
$$;
