-- name: post$
SELECT ledger.post(
    :id::uuid[], :event::uuid[], :recipe::text[], :phase::text[], :pending::uuid[],
    :debit::uuid[], :credit::uuid[], :amount::bigint[], :value_on::date[],
    :booked_on::date, :at::timestamptz
);

-- name: open_accounts!
INSERT INTO ledger.account (id, code, owner, currency, debit_limit, credit_limit)
SELECT * FROM unnest(
    :id::uuid[], :code::text[], :owner::uuid[], :currency::text[],
    :debit_limit::bigint[], :credit_limit::bigint[]
)
ON CONFLICT (owner, code, currency) DO NOTHING;

-- name: accounts
SELECT id, code, owner, currency, debit_limit, credit_limit,
    debits_pending, debits_posted, credits_pending, credits_posted
FROM ledger.account WHERE id = ANY(:ids::uuid[]) ORDER BY id;

-- name: set_debit_limit$
SELECT ledger.set_debit_limit(:account, :limit);

-- name: trial_balance
SELECT code, currency, accounts, debits, credits, pending_debits, pending_credits
FROM ledger.v_trial_balance ORDER BY currency, code;

-- name: violations
SELECT invariant, detail FROM ledger.v_violation LIMIT 100;

-- name: violations_of_day
-- The nightly check: obligors' accounts that moved on :day, rebuilt from all their transfers. House
-- and counterparty accounts have long histories; the full check covers them.
WITH touched AS (
    SELECT DISTINCT a.id, a.code, a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted
    FROM (
        SELECT debit_account AS id FROM ledger.transfer WHERE booked_on = :day
        UNION SELECT credit_account FROM ledger.transfer WHERE booked_on = :day
    ) AS m JOIN ledger.account AS a ON a.id = m.id
    WHERE starts_with(a.code, 'line.')
)
SELECT 'balances are rebuilt from transfers' AS invariant, 'account ' || a.id || ' (' || a.code || ')' AS detail
FROM touched AS a
CROSS JOIN LATERAL (
    SELECT coalesce(sum(CASE t.phase WHEN 'pending' THEN t.amount ELSE -coalesce(p.amount, 0) END), 0) AS pending,
        coalesce(sum(t.amount) FILTER (WHERE t.phase IN ('single', 'post')), 0) AS posted
    FROM ledger.transfer AS t LEFT JOIN ledger.transfer AS p ON p.id = t.pending_id
    WHERE t.debit_account = a.id
) AS d
CROSS JOIN LATERAL (
    SELECT coalesce(sum(CASE t.phase WHEN 'pending' THEN t.amount ELSE -coalesce(p.amount, 0) END), 0) AS pending,
        coalesce(sum(t.amount) FILTER (WHERE t.phase IN ('single', 'post')), 0) AS posted
    FROM ledger.transfer AS t LEFT JOIN ledger.transfer AS p ON p.id = t.pending_id
    WHERE t.credit_account = a.id
) AS c
WHERE (a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted)
    IS DISTINCT FROM (d.pending, d.posted, c.pending, c.posted)
LIMIT 100;

-- name: history
SELECT id, event, recipe, phase, pending_id, debit_account, credit_account, amount,
    booked_on, value_on, at
FROM ledger.transfer
WHERE debit_account = ANY(:accounts::uuid[]) OR credit_account = ANY(:accounts::uuid[])
ORDER BY at, id;

-- name: seal_day!
-- It pins the journal's last row.
INSERT INTO ledger.sealed_day (day, sealed_at, totals, journal_seq, journal_hash)
SELECT :day, :at, :totals, seq, hash FROM store.v_journal_head ON CONFLICT (day) DO NOTHING;

-- name: last_sealed_day$
SELECT max(day) FROM ledger.sealed_day;
