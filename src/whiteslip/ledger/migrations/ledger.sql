-- Ledger: double entry after TigerBeetle's model, in one file.
--
-- A transfer moves an amount from one account to another, so the books balance by construction.
-- A transfer is posted at once (single) or in two phases: pending, then posted in full or in
-- part, or voided, or expired. Transfers are never updated or deleted. An account's four sums are a cache
-- that ledger.post keeps in step and ledger.v_violation rebuilds.
-- depends: store

CREATE SCHEMA ledger;

CREATE TABLE ledger.account (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    owner uuid,
    currency text NOT NULL CHECK (length(currency) = 3),
    -- The most that debits (pending and posted) may exceed posted credits by, and the reverse.
    -- Null is no limit. A batch that worsens an exceeded limit is refused whole.
    debit_limit bigint CHECK (debit_limit >= 0),
    credit_limit bigint CHECK (credit_limit >= 0),
    debits_pending bigint NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
    debits_posted bigint NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
    credits_pending bigint NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
    credits_posted bigint NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
    UNIQUE NULLS NOT DISTINCT (owner, code, currency)
) WITH (fillfactor = 80);
-- Opened with sums of nothing.
CALL store.changed_by_functions(
    'ledger.account', '{id, code, owner, currency, debit_limit, credit_limit}');

CREATE TABLE ledger.transfer (
    id uuid PRIMARY KEY,
    event uuid NOT NULL,
    recipe text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('single', 'pending', 'post', 'void', 'expire')),
    pending_id uuid,
    debit_account uuid NOT NULL,
    credit_account uuid NOT NULL CHECK (credit_account <> debit_account),
    amount bigint NOT NULL CHECK (amount > 0),
    -- The business day it is booked on, and the day it counts from.
    booked_on date NOT NULL,
    value_on date NOT NULL,
    at timestamptz NOT NULL,
    CHECK ((pending_id IS NOT NULL) = (phase IN ('post', 'void', 'expire')))
);
-- A pending transfer is resolved once.
CREATE UNIQUE INDEX transfer_resolves ON ledger.transfer (pending_id) WHERE pending_id IS NOT NULL;
CREATE INDEX transfer_debit ON ledger.transfer (debit_account);
CREATE INDEX transfer_credit ON ledger.transfer (credit_account);
CREATE INDEX transfer_booked ON ledger.transfer USING brin (booked_on)
    WITH (pages_per_range = 8, autosummarize = on);
CALL store.append_only('ledger.transfer', p_inserted => '{}');  -- by ledger.post alone

CREATE TABLE ledger.sealed_day (
    day date PRIMARY KEY,
    sealed_at timestamptz NOT NULL,
    totals jsonb NOT NULL,
    journal_seq bigint NOT NULL,
    journal_hash bytea NOT NULL
);
CALL store.append_only('ledger.sealed_day');

CREATE VIEW ledger.v_sealed_day AS SELECT day, sealed_at FROM ledger.sealed_day;

-- A sum that stays a bigint, where sum() would turn to numeric. It overflows with an error.
CREATE AGGREGATE ledger.total(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = '0');

-- Post a batch: one element per transfer in each array, all or none. For 'post', 'void' and 'expire' the
-- accounts are those of the pending transfer and may be null; a null amount means all of it.
-- Accounts are locked in id order, so batches never deadlock with each other.
CREATE FUNCTION ledger.post(
    p_id uuid [], p_event uuid [], p_recipe text [], p_phase text [], p_pending uuid [],
    p_debit uuid [], p_credit uuid [], p_amount bigint [], p_value_on date [],
    p_booked_on date, p_at timestamptz
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_accounts uuid [];
    v_released bigint [];
    v_locked integer;
    v_currencies integer;
    v_bad text;
BEGIN
    IF EXISTS (SELECT FROM ledger.sealed_day AS s WHERE s.day >= p_booked_on) THEN
        RAISE EXCEPTION 'day % is sealed', p_booked_on USING ERRCODE = 'WL002',
            HINT = 'Book on the open day and give the earlier day as the value date.';
    END IF;
    IF p_phase && ARRAY['post', 'void', 'expire'] THEN
        SELECT
            array_agg(coalesce(p.debit_account, b.debit) ORDER BY b.n),
            array_agg(coalesce(p.credit_account, b.credit) ORDER BY b.n),
            array_agg(coalesce(b.amount, p.amount) ORDER BY b.n),
            array_agg(p.amount ORDER BY b.n),
            max(format('transfer %s resolves %s', b.id, b.pending)) FILTER (
                WHERE b.pending IS NOT NULL
                AND (p.id IS NULL OR b.amount > p.amount OR (b.phase <> 'post' AND b.amount < p.amount)))
        INTO p_debit, p_credit, p_amount, v_released, v_bad
        FROM unnest(p_id, p_phase, p_pending, p_debit, p_credit, p_amount)
            WITH ORDINALITY AS b (id, phase, pending, debit, credit, amount, n)
        LEFT JOIN ledger.transfer AS p ON p.id = b.pending AND p.phase = 'pending';
        IF v_bad IS NOT NULL THEN
            RAISE EXCEPTION '%: not a pending transfer of that amount', v_bad USING ERRCODE = 'WL003';
        END IF;
    END IF;

    -- Before the locks, which others who sell at the same shops wait for.
    INSERT INTO ledger.transfer
    SELECT b.id, b.event, b.recipe, b.phase, b.pending, b.debit, b.credit, b.amount,
        p_booked_on, coalesce(b.value_on, p_booked_on), p_at
    FROM unnest(p_id, p_event, p_recipe, p_phase, p_pending, p_debit, p_credit, p_amount, p_value_on)
        AS b (id, event, recipe, phase, pending, debit, credit, amount, value_on);

    SELECT array_agg(DISTINCT a) INTO v_accounts FROM unnest(p_debit || p_credit) AS a;
    SELECT count(*), count(DISTINCT currency) INTO v_locked, v_currencies FROM (
        SELECT a.currency FROM ledger.account AS a
        WHERE a.id = ANY(v_accounts) ORDER BY a.id FOR NO KEY UPDATE
    ) AS locked;
    -- Stands for the foreign keys, at a tenth of their cost; accounts are never deleted.
    IF v_locked <> cardinality(v_accounts) THEN
        RAISE EXCEPTION 'an account of the batch does not exist' USING ERRCODE = 'WL004';
    END IF;
    IF v_currencies > 1 THEN
        SELECT format('transfer %s', b.id) INTO v_bad
        FROM unnest(p_id, p_debit, p_credit) AS b (id, debit, credit)
        JOIN ledger.account AS d ON d.id = b.debit
        JOIN ledger.account AS c ON c.id = b.credit
        WHERE d.currency <> c.currency LIMIT 1;
        IF v_bad IS NOT NULL THEN
            RAISE EXCEPTION '% mixes currencies', v_bad USING ERRCODE = 'WL005';
        END IF;
    END IF;

    WITH moved AS (
        SELECT b.phase, b.debit, b.credit, b.amount, coalesce(b.released, 0) AS released
        FROM unnest(p_phase, p_debit, p_credit, p_amount, v_released)
            AS b (phase, debit, credit, amount, released)
    ), sides AS (
        SELECT debit AS account,
            CASE phase WHEN 'pending' THEN amount ELSE -released END AS debits_pending,
            CASE WHEN phase IN ('single', 'post') THEN amount ELSE 0 END AS debits_posted,
            0::bigint AS credits_pending, 0::bigint AS credits_posted
        FROM moved
        UNION ALL
        SELECT credit, 0, 0,
            CASE phase WHEN 'pending' THEN amount ELSE -released END,
            CASE WHEN phase IN ('single', 'post') THEN amount ELSE 0 END
        FROM moved
    ), sums AS (
        SELECT account, ledger.total(debits_pending) AS dp, ledger.total(debits_posted) AS dd,
            ledger.total(credits_pending) AS cp, ledger.total(credits_posted) AS cc
        FROM sides GROUP BY account
    ), updated AS (
        UPDATE ledger.account AS a SET
            debits_pending = a.debits_pending + s.dp, debits_posted = a.debits_posted + s.dd,
            credits_pending = a.credits_pending + s.cp, credits_posted = a.credits_posted + s.cc
        FROM sums AS s WHERE a.id = s.account
        RETURNING a.*, s.dp, s.dd, s.cp, s.cc
    )
    SELECT format('%s of %s: net debit %s of at most %s, net credit %s of at most %s',
        u.code, u.owner, u.debits_pending + u.debits_posted - u.credits_posted, u.debit_limit,
        u.credits_pending + u.credits_posted - u.debits_posted, u.credit_limit)
    INTO v_bad FROM updated AS u
    WHERE (u.dp + u.dd - u.cc > 0
           AND u.debits_pending + u.debits_posted - u.credits_posted > u.debit_limit)
       OR (u.cp + u.cc - u.dd > 0
           AND u.credits_pending + u.credits_posted - u.debits_posted > u.credit_limit)
    LIMIT 1;
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'account limit exceeded: %', v_bad USING ERRCODE = 'WL001';
    END IF;
    RETURN cardinality(p_id);
END
$$;

-- Change the limit of an account. A limit below what is drawn forces nothing: it only stops
-- further drawing until repayments have passed it.
CREATE FUNCTION ledger.set_debit_limit(p_account uuid, p_limit bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE ledger.account SET debit_limit = p_limit WHERE id = p_account;
END;

CREATE VIEW ledger.v_trial_balance AS
SELECT code, currency, count(*) AS accounts,
    sum(debits_posted)::bigint AS debits, sum(credits_posted)::bigint AS credits,
    sum(debits_pending)::bigint AS pending_debits, sum(credits_pending)::bigint AS pending_credits
FROM ledger.account GROUP BY code, currency;

-- Every account's sums, rebuilt from its transfers alone.
CREATE VIEW ledger.v_rebuilt AS
WITH moved AS (
    SELECT t.phase, t.debit_account, t.credit_account, t.amount, coalesce(p.amount, 0) AS released
    FROM ledger.transfer AS t LEFT JOIN ledger.transfer AS p ON p.id = t.pending_id
)
SELECT account, sum(dp)::bigint AS debits_pending, sum(dd)::bigint AS debits_posted,
    sum(cp)::bigint AS credits_pending, sum(cc)::bigint AS credits_posted
FROM (
    SELECT debit_account AS account,
        CASE phase WHEN 'pending' THEN amount ELSE -released END AS dp,
        CASE WHEN phase IN ('single', 'post') THEN amount ELSE 0 END AS dd, 0 AS cp, 0 AS cc
    FROM moved
    UNION ALL
    SELECT credit_account, 0, 0, CASE phase WHEN 'pending' THEN amount ELSE -released END,
        CASE WHEN phase IN ('single', 'post') THEN amount ELSE 0 END
    FROM moved
) AS sides GROUP BY account;

-- The ledger's invariants: each row is an offence.
CREATE VIEW ledger.v_violation AS
SELECT 'balances are rebuilt from transfers' AS invariant, format('account %s (%s)', a.id, a.code) AS detail
FROM ledger.account AS a LEFT JOIN ledger.v_rebuilt AS r ON r.account = a.id
WHERE (a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted) IS DISTINCT FROM
    (coalesce(r.debits_pending, 0), coalesce(r.debits_posted, 0),
     coalesce(r.credits_pending, 0), coalesce(r.credits_posted, 0))
UNION ALL
SELECT 'debits equal credits', format('%s: %s against %s', currency, sum(debits_posted), sum(credits_posted))
FROM ledger.account GROUP BY currency
HAVING sum(debits_posted) <> sum(credits_posted) OR sum(debits_pending) <> sum(credits_pending)
UNION ALL
SELECT 'a transfer stays in one currency', t.id::text
FROM ledger.transfer AS t
JOIN ledger.account AS d ON d.id = t.debit_account
JOIN ledger.account AS c ON c.id = t.credit_account
WHERE d.currency <> c.currency
UNION ALL
SELECT 'a resolution never exceeds its hold', t.id::text
FROM ledger.transfer AS t LEFT JOIN ledger.transfer AS p ON p.id = t.pending_id AND p.phase = 'pending'
WHERE t.pending_id IS NOT NULL AND (p.id IS NULL OR t.amount > p.amount)
UNION ALL
SELECT 'nothing is booked on a sealed day after sealing', t.id::text
FROM ledger.transfer AS t JOIN ledger.sealed_day AS s ON s.day = t.booked_on
WHERE t.at > s.sealed_at;

-- What other rooms may read.
CREATE VIEW ledger.v_touched AS
SELECT debit_account AS account, booked_on, at FROM ledger.transfer
UNION ALL
SELECT credit_account, booked_on, at FROM ledger.transfer;

CREATE VIEW ledger.v_balance AS
SELECT id, code, owner, currency, debit_limit,
    debits_posted - credits_posted AS net_debit, debits_pending, credits_pending,
    debit_limit - debits_pending - debits_posted + credits_posted AS room
FROM ledger.account;

-- Every account as it stood at the end of a day: as it stands now, less what was booked since.
CREATE FUNCTION ledger.balances_on(p_day date) RETURNS TABLE (
    id uuid, code text, currency text, net_debit bigint, debits_pending bigint
) LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH moved AS (
        SELECT t.debit_account, t.credit_account,
            CASE WHEN t.phase IN ('single', 'post') THEN t.amount ELSE 0 END AS posted,
            CASE t.phase WHEN 'pending' THEN t.amount ELSE -coalesce(p.amount, 0) END AS pending
        FROM ledger.transfer AS t LEFT JOIN ledger.transfer AS p ON p.id = t.pending_id
        WHERE t.booked_on > p_day
    ), since AS (
        SELECT s.account, sum(s.posted) AS posted, sum(s.pending) AS pending
        FROM (
            SELECT debit_account AS account, posted, pending FROM moved
            UNION ALL SELECT credit_account, -posted, 0 FROM moved
        ) AS s GROUP BY s.account
    )
    SELECT a.id, a.code, a.currency,
        (a.debits_posted - a.credits_posted - coalesce(s.posted, 0))::bigint,
        (a.debits_pending - coalesce(s.pending, 0))::bigint
    FROM ledger.account AS a LEFT JOIN since AS s ON s.account = a.id;
END;
