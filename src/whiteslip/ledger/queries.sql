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

-- name: house_account$
SELECT id FROM ledger.account WHERE code = :code AND owner IS NULL AND currency = :currency;

-- name: set_debit_limit$
SELECT ledger.set_debit_limit(:account, :limit);

-- name: trial_balance
SELECT code, currency, accounts, debits, credits, pending_debits, pending_credits
FROM ledger.v_trial_balance ORDER BY currency, code;

-- name: violations
SELECT invariant, detail FROM ledger.v_violation LIMIT 100;

-- name: history
SELECT id, event, recipe, phase, pending_id, debit_account, credit_account, amount,
    booked_on, value_on, at
FROM ledger.transfer
WHERE debit_account = ANY(:accounts::uuid[]) OR credit_account = ANY(:accounts::uuid[])
ORDER BY at, id;

-- name: seal_day!
INSERT INTO ledger.sealed_day (day, sealed_at, totals, journal_seq, journal_hash)
VALUES (:day, :at, :totals, :journal_seq, :journal_hash) ON CONFLICT (day) DO NOTHING;

-- name: last_sealed_day$
SELECT max(day) FROM ledger.sealed_day;
