-- Ledger: double entry after TigerBeetle's model, in one file.
--
-- A transfer moves an amount from one account to another, so the books balance by construction.
-- A transfer is posted at once (single) or in two phases: pending, then posted in full or in
-- part, or voided, or expired. Transfers are never updated or deleted. An account's four sums are a cache
-- that ledger.post keeps in step and ledger.v_violation rebuilds.
--
-- What ledger.post refuses, whole batches at a time, by SQLSTATE:
--   WL001  an account's limit would be exceeded, or exceeded further
--   WL002  the day is sealed, or a later one
--   WL003  a resolution names no pending transfer, more than it holds, or other accounts
--   WL004  an account does not exist
--   WL005  a transfer mixes currencies
--   22003  a sum would not fit into 63 bits
--   23505  a transfer that exists already, or a pending one resolved before
--   23514  an amount that is not above zero, a phase that is none, an account moved to itself
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
CALL store.append_only('ledger.sealed_day', p_inserted => '{}');  -- by ledger.seal alone

CREATE VIEW ledger.v_sealed_day AS SELECT day, sealed_at FROM ledger.sealed_day;

-- A sum that stays a bigint, where sum() would turn to numeric. It overflows with an error.
CREATE AGGREGATE ledger.total(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = '0');

-- Post a batch: one element per transfer in each array, all or none. For 'post', 'void' and 'expire' the
-- accounts are those of the pending transfer and may be null; a null amount means all of it. What is pending
-- is resolved by a later batch than its own.
-- Pending transfers are taken in id order, then accounts are locked in id order, so batches never deadlock
-- with each other. Who posts several in a transaction must take other locks first that order them.
CREATE FUNCTION ledger.post(
    p_id uuid [], p_event uuid [], p_recipe text [], p_phase text [], p_pending uuid [],
    p_debit uuid [], p_credit uuid [], p_amount bigint [], p_value_on date [],
    p_booked_on date, p_at timestamptz
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_released bigint [];
    v_accounts uuid [];
    v_debits_pending bigint [];
    v_debits_posted bigint [];
    v_credits_pending bigint [];
    v_credits_posted bigint [];
    v_places tid [];
    v_currencies integer;
    v_moved integer;
    v_bad text;
BEGIN
    -- Held to the commit: who seals the day waits for us, and whom it waits for is in its totals.
    PERFORM pg_advisory_xact_lock_shared('ledger.sealed_day'::regclass::oid::integer, p_booked_on - date 'epoch');
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
                AND (p.id IS NULL OR b.amount > p.amount OR (b.phase <> 'post' AND b.amount < p.amount)
                    OR b.debit <> p.debit_account OR b.credit <> p.credit_account))
        INTO p_debit, p_credit, p_amount, v_released, v_bad
        FROM unnest(p_id, p_phase, p_pending, p_debit, p_credit, p_amount)
            WITH ORDINALITY AS b (id, phase, pending, debit, credit, amount, n)
        LEFT JOIN ledger.transfer AS p ON p.id = b.pending AND p.phase = 'pending';
        IF v_bad IS NOT NULL THEN
            RAISE EXCEPTION '%: not a pending transfer of that amount between those accounts', v_bad USING ERRCODE = 'WL003';
        END IF;
    END IF;

    -- Before the locks, which others who sell at the same shops wait for. In order: of two who resolve the
    -- same holds, the second waits at the first of them.
    INSERT INTO ledger.transfer
    SELECT b.id, b.event, b.recipe, b.phase, b.pending, b.debit, b.credit, b.amount,
        p_booked_on, coalesce(b.value_on, p_booked_on), p_at
    FROM unnest(p_id, p_event, p_recipe, p_phase, p_pending, p_debit, p_credit, p_amount, p_value_on)
        AS b (id, event, recipe, phase, pending, debit, credit, amount, value_on)
    ORDER BY b.pending, b.id;

    -- What each account is moved by, in id order.
    SELECT array_agg(m.account), array_agg(m.debits_pending), array_agg(m.debits_posted),
        array_agg(m.credits_pending), array_agg(m.credits_posted)
    INTO v_accounts, v_debits_pending, v_debits_posted, v_credits_pending, v_credits_posted
    FROM (
        SELECT s.account, ledger.total(s.debits_pending) AS debits_pending,
            ledger.total(s.debits_posted) AS debits_posted,
            ledger.total(s.credits_pending) AS credits_pending,
            ledger.total(s.credits_posted) AS credits_posted
        FROM (
            SELECT b.debit AS account,
                CASE b.phase WHEN 'pending' THEN b.amount ELSE -coalesce(b.released, 0) END AS debits_pending,
                CASE WHEN b.phase IN ('single', 'post') THEN b.amount ELSE 0 END AS debits_posted,
                0::bigint AS credits_pending, 0::bigint AS credits_posted
            FROM unnest(p_phase, p_debit, p_amount, v_released) AS b (phase, debit, amount, released)
            UNION ALL
            SELECT b.credit, 0, 0,
                CASE b.phase WHEN 'pending' THEN b.amount ELSE -coalesce(b.released, 0) END,
                CASE WHEN b.phase IN ('single', 'post') THEN b.amount ELSE 0 END
            FROM unnest(p_phase, p_credit, p_amount, v_released) AS b (phase, credit, amount, released)
        ) AS s
        GROUP BY s.account ORDER BY s.account
    ) AS m;
    -- A locked row stays where it is until we change it, so its place finds it without another look-up.
    SELECT array_agg(l.place ORDER BY l.id), count(DISTINCT l.currency) INTO v_places, v_currencies FROM (
        SELECT a.ctid AS place, a.id, a.currency FROM ledger.account AS a
        WHERE a.id = ANY(v_accounts) ORDER BY a.id FOR NO KEY UPDATE
    ) AS l;
    -- Stands for the foreign keys, at a tenth of their cost; accounts are never deleted.
    IF cardinality(v_places) IS DISTINCT FROM cardinality(v_accounts) THEN
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

    WITH updated AS (
        UPDATE ledger.account AS a SET
            debits_pending = a.debits_pending + m.debits_pending,
            debits_posted = a.debits_posted + m.debits_posted,
            credits_pending = a.credits_pending + m.credits_pending,
            credits_posted = a.credits_posted + m.credits_posted
        FROM unnest(v_places, v_debits_pending, v_debits_posted, v_credits_pending, v_credits_posted)
            AS m (place, debits_pending, debits_posted, credits_pending, credits_posted)
        WHERE a.ctid = m.place
        RETURNING a.code, a.owner, a.debit_limit, a.credit_limit,
            a.debits_pending + a.debits_posted - a.credits_posted AS net_debit,
            a.credits_pending + a.credits_posted - a.debits_posted AS net_credit,
            m.debits_pending + m.debits_posted - m.credits_posted AS more_debit,
            m.credits_pending + m.credits_posted - m.debits_posted AS more_credit
    )
    SELECT count(*), max(format('%s of %s: net debit %s of at most %s, net credit %s of at most %s',
            code, owner, net_debit, debit_limit, net_credit, credit_limit))
        FILTER (WHERE (more_debit > 0 AND net_debit > debit_limit) OR (more_credit > 0 AND net_credit > credit_limit))
    INTO STRICT v_moved, v_bad FROM updated;
    IF v_moved <> cardinality(v_accounts) THEN
        RAISE EXCEPTION '% of % accounts were where they had been locked', v_moved, cardinality(v_accounts);
    END IF;
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'account limit exceeded: %', v_bad USING ERRCODE = 'WL001';
    END IF;
    RETURN cardinality(p_id);
END
$$;

-- Change the limit of an account. A limit below what is drawn forces nothing: it only stops
-- further drawing until repayments have passed it.
CREATE FUNCTION ledger.set_debit_limit(p_account uuid, p_limit bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE ledger.account SET debit_limit = p_limit WHERE id = p_account;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % does not exist', p_account USING ERRCODE = 'WL004';
    END IF;
END
$$;

-- Seal a day with the sums of all accounts and the last row of the journal: nothing can be booked on it or
-- before it again. Waits for those who are booking on it. A day that is sealed stays as it is.
CREATE FUNCTION ledger.seal(p_day date, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('ledger.sealed_day'::regclass::oid::integer, p_day - date 'epoch');
    INSERT INTO ledger.sealed_day (day, sealed_at, totals, journal_seq, journal_hash)
    SELECT p_day, p_at, b.totals, h.seq, h.hash
    FROM store.v_journal_head AS h, (
        SELECT coalesce(jsonb_object_agg(currency || '/' || code, jsonb_build_array(debits, credits)), '{}') AS totals
        FROM ledger.v_trial_balance
    ) AS b
    ON CONFLICT (day) DO NOTHING;
END
$$;

CREATE VIEW ledger.v_trial_balance AS
SELECT code, currency, count(*) AS accounts,
    sum(debits_posted)::bigint AS debits, sum(credits_posted)::bigint AS credits,
    sum(debits_pending)::bigint AS pending_debits, sum(credits_pending)::bigint AS pending_credits
FROM ledger.account GROUP BY code, currency;

-- Both sides of each transfer: what it does to the sums of the account it debits, and of the one it credits.
CREATE VIEW ledger.v_side AS
SELECT t.debit_account AS account, t.booked_on,
    CASE t.phase WHEN 'pending' THEN t.amount ELSE -coalesce(p.amount, 0) END AS debits_pending,
    CASE WHEN t.phase IN ('single', 'post') THEN t.amount ELSE 0 END AS debits_posted,
    0::bigint AS credits_pending, 0::bigint AS credits_posted
FROM ledger.transfer AS t LEFT JOIN ledger.transfer AS p ON p.id = t.pending_id
UNION ALL
SELECT t.credit_account, t.booked_on, 0, 0,
    CASE t.phase WHEN 'pending' THEN t.amount ELSE -coalesce(p.amount, 0) END,
    CASE WHEN t.phase IN ('single', 'post') THEN t.amount ELSE 0 END
FROM ledger.transfer AS t LEFT JOIN ledger.transfer AS p ON p.id = t.pending_id;

-- Every account's sums, rebuilt from its transfers alone.
CREATE VIEW ledger.v_rebuilt AS
SELECT account, sum(debits_pending)::bigint AS debits_pending, sum(debits_posted)::bigint AS debits_posted,
    sum(credits_pending)::bigint AS credits_pending, sum(credits_posted)::bigint AS credits_posted
FROM ledger.v_side GROUP BY account;

-- Sealed days whose last row of the journal is not there as it was: the journal was cut off or written anew.
CREATE VIEW ledger.v_unpinned AS
SELECT s.day, s.journal_seq
FROM ledger.sealed_day AS s LEFT JOIN store.v_journal_hash AS j ON j.seq = s.journal_seq
WHERE j.hash IS DISTINCT FROM s.journal_hash;

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
WHERE t.at > s.sealed_at
UNION ALL
SELECT 'the journal is as it was sealed', format('%s, row %s', day, journal_seq) FROM ledger.v_unpinned;

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
    SELECT a.id, a.code, a.currency,
        (a.debits_posted - a.credits_posted - coalesce(s.net_debit, 0))::bigint,
        (a.debits_pending - coalesce(s.debits_pending, 0))::bigint
    FROM ledger.account AS a LEFT JOIN (
        SELECT account, sum(debits_posted - credits_posted) AS net_debit, sum(debits_pending) AS debits_pending
        FROM ledger.v_side WHERE booked_on > p_day GROUP BY account
    ) AS s ON s.account = a.id;
END;
