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
    SELECT sum(s.debits_pending) AS debits_pending, sum(s.debits_posted) AS debits_posted,
        sum(s.credits_pending) AS credits_pending, sum(s.credits_posted) AS credits_posted
    FROM ledger.v_side AS s WHERE s.account = a.id
) AS r
WHERE (a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted)
    IS DISTINCT FROM (r.debits_pending, r.debits_posted, r.credits_pending, r.credits_posted)
LIMIT 100;

-- name: history
SELECT id, event, recipe, phase, pending_id, debit_account, credit_account, amount,
    booked_on, value_on, at
FROM ledger.transfer
WHERE debit_account = ANY(:accounts::uuid[]) OR credit_account = ANY(:accounts::uuid[])
ORDER BY at, id;

-- name: seal_day$
SELECT ledger.seal(:day, :at);

-- name: unpinned
SELECT day, journal_seq FROM ledger.v_unpinned ORDER BY day LIMIT 20;

-- name: last_sealed_day$
SELECT max(day) FROM ledger.sealed_day;
