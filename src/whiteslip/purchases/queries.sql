-- name: merchants
SELECT id, key, currency, payable FROM purchases.merchant
WHERE key = ANY(:keys::text[]) AND currency = :currency;

-- name: add_merchant!
INSERT INTO purchases.merchant (id, key, currency, payable) VALUES (:id, :key, :currency, :payable)
ON CONFLICT (key, currency) DO NOTHING;

-- name: standings
-- Lines as an authorisation sees them, one row for each that is asked for, in that order.
SELECT d.id, d.currency, d.timezone, d.terms_version, d.lifecycle, d.limit_minor, d.principal, d.room_minor,
    d.locks,
    (SELECT min(o.due_on) FROM billing.v_open AS o WHERE o.line = d.id AND o.billed) AS oldest_due_on,
    (SELECT count(*) FROM purchases.purchase AS p
     WHERE p.line = d.id AND p.authorised_at > :since) AS recent,
    d.pack
FROM unnest(:lines::uuid[]) WITH ORDINALITY AS a (line, n) LEFT JOIN lines.v_drawing AS d ON d.id = a.line
ORDER BY a.n;

-- name: add!
-- All of them, or none where a shop is unknown, which stands for a foreign key.
INSERT INTO purchases.purchase (
    id, line, merchant, buyer, instalments, category, cash, strong, authorised_minor, hold, held_minor, state,
    authorised_at, expires_at
)
SELECT u.id, u.line, u.merchant, u.buyer, u.instalments, u.category, u.cash, u.strong, u.amount, u.hold, u.amount,
    'authorised', :now, :expires_at
FROM unnest(
    :id::uuid[], :line::uuid[], :merchant::uuid[], :buyer::uuid[], :instalments::smallint[], :category::text[],
    :cash::boolean[], :strong::boolean[], :amount::bigint[], :hold::uuid[]
) AS u (id, line, merchant, buyer, instalments, category, cash, strong, amount, hold)
WHERE NOT EXISTS (
    SELECT FROM unnest(:shops::uuid[]) AS s (id)
    WHERE NOT EXISTS (SELECT FROM purchases.merchant AS m WHERE m.id = s.id)
);

-- name: add_captured!
INSERT INTO purchases.purchase (
    id, line, merchant, instalments, authorised_minor, captured_minor, state, authorised_at, expires_at
)
SELECT u.id, u.line, :merchant, u.instalments, u.amount, u.amount, 'captured', u.at, u.at
FROM unnest(:id::uuid[], :line::uuid[], :instalments::smallint[], :amount::bigint[], :at::timestamptz[])
    AS u (id, line, instalments, amount, at);

-- name: shops
-- Shops that a line bought at, the latest first.
SELECT m.key FROM purchases.purchase AS p JOIN purchases.merchant AS m ON m.id = p.merchant
WHERE p.line = :line GROUP BY m.key ORDER BY max(p.authorised_at) DESC, m.key LIMIT 20;

-- name: lines_of
SELECT id, line FROM purchases.purchase WHERE id = ANY(:ids::uuid[]);

-- name: purchases
SELECT p.id, p.line, p.merchant, p.buyer, p.instalments, p.category, p.cash, p.strong,
    p.authorised_minor, p.captured_minor,
    p.refunded_minor, p.hold, p.held_minor, p.state, p.authorised_at, p.expires_at, p.terms_version,
    m.key AS shop, m.payable
FROM purchases.purchase AS p JOIN purchases.merchant AS m ON m.id = p.merchant
WHERE p.id = ANY(:ids::uuid[]) ORDER BY p.id FOR UPDATE OF p;

-- name: payable$
SELECT payable FROM purchases.merchant WHERE id = :id;

-- name: save!
UPDATE purchases.purchase AS p SET
    captured_minor = u.captured, refunded_minor = u.refunded, hold = u.hold, held_minor = u.held,
    state = u.state
FROM unnest(
    :id::uuid[], :captured_minor::bigint[], :refunded_minor::bigint[], :hold::uuid[],
    :held_minor::bigint[], :state::text[]
) AS u (id, captured, refunded, hold, held, state)
WHERE p.id = u.id;

-- name: of_line
SELECT p.id, p.line, p.merchant, p.buyer, p.instalments, p.category, p.cash, p.strong,
    p.authorised_minor, p.captured_minor,
    p.refunded_minor, p.hold, p.held_minor, p.state, p.authorised_at, p.expires_at, m.key AS shop
FROM purchases.purchase AS p JOIN purchases.merchant AS m ON m.id = p.merchant
WHERE p.line = :line ORDER BY p.authorised_at, p.id;

-- name: page
-- A line's purchases after one of them, oldest first.
SELECT p.id, p.line, p.merchant, p.buyer, p.instalments, p.category, p.cash, p.strong,
    p.authorised_minor, p.captured_minor,
    p.refunded_minor, p.hold, p.held_minor, p.state, p.authorised_at, p.expires_at, m.key AS shop
FROM purchases.purchase AS p JOIN purchases.merchant AS m ON m.id = p.merchant
WHERE p.line = :line AND (p.authorised_at, p.id) > (:at, :after) ORDER BY p.authorised_at, p.id LIMIT :count;

-- name: one^
SELECT p.id, p.line, p.merchant, p.buyer, p.instalments, p.category, p.cash, p.strong,
    p.authorised_minor, p.captured_minor,
    p.refunded_minor, p.hold, p.held_minor, p.state, p.authorised_at, p.expires_at, m.key AS shop
FROM purchases.purchase AS p JOIN purchases.merchant AS m ON m.id = p.merchant WHERE p.id = :id;

-- name: made_between
-- What a line was used for from one instant until another, as its locks see it.
SELECT p.id, m.key AS shop, p.category, p.cash, p.instalments, p.authorised_at
FROM purchases.purchase AS p JOIN purchases.merchant AS m ON m.id = p.merchant
WHERE p.line = :line AND p.authorised_at >= :since AND p.authorised_at < :until ORDER BY p.authorised_at, p.id;

-- name: expired
SELECT id FROM purchases.purchase WHERE hold IS NOT NULL AND expires_at <= :now ORDER BY id LIMIT :count;

-- name: activity^
-- How a line was used: holds open now, and captured amounts in the last 30 and 180 days.
SELECT
    count(*) FILTER (WHERE hold IS NOT NULL) AS open_holds,
    coalesce(sum(held_minor), 0)::bigint AS held_minor,
    max(expires_at) FILTER (WHERE hold IS NOT NULL) AS last_expiry,
    coalesce(sum(captured_minor) FILTER (WHERE authorised_at > :recent), 0)::bigint AS recent_minor,
    coalesce(sum(captured_minor) FILTER (WHERE authorised_at > :before AND authorised_at <= :recent), 0)::bigint
        AS before_minor,
    max(authorised_at) AS last_at
FROM purchases.purchase WHERE line = :line;

-- name: add_dispute!
INSERT INTO purchases.dispute (
    id, line, merchant, purchase, ground, amount_minor, opened_at, due_at, told_late
) VALUES (
    :id, :line, :merchant, :purchase, :ground, :amount_minor, :opened_at, :due_at, :told_late
);

-- name: resolve_dispute!
UPDATE purchases.dispute SET outcome = :outcome, resolved_at = :now, why = :why, bears = :bears WHERE id = :id;

-- name: dispute^
SELECT id, line, merchant, purchase, ground, amount_minor, suspended_minor, outcome, opened_at, due_at,
    told_late, resolved_at, why, bears
FROM purchases.v_dispute WHERE id = :id;

-- name: disputes
SELECT id, line, merchant, purchase, ground, amount_minor, suspended_minor, outcome, opened_at, due_at,
    told_late, resolved_at, why, bears
FROM purchases.v_dispute WHERE line = :line AND id > :after ORDER BY id LIMIT :count;

-- name: shops_by_id
SELECT id, key FROM purchases.merchant WHERE id = ANY(:ids);

-- name: open_disputes
SELECT id, line, merchant, purchase, ground, amount_minor, suspended_minor, outcome, opened_at, due_at,
    told_late, resolved_at, why, bears
FROM purchases.v_dispute WHERE outcome = 'open' ORDER BY due_at, id LIMIT :count;

-- name: disputed_of_purchase$
-- What of a purchase is disputed or was given back after a dispute.
SELECT coalesce(sum(amount_minor), 0)::bigint FROM purchases.dispute
WHERE purchase = :purchase AND outcome <> 'lost';

-- name: suspended$
SELECT coalesce(sum(suspended_minor), 0)::bigint FROM purchases.v_dispute
WHERE line = :line AND outcome = 'open';

-- name: store_credentials!
INSERT INTO purchases.credential (line, merchant, stored_at, last_used_at)
SELECT DISTINCT u.line, u.merchant, :now::timestamptz, :now::timestamptz
FROM unnest(:line::uuid[], :merchant::uuid[]) AS u (line, merchant)
ON CONFLICT (line, merchant) DO UPDATE SET last_used_at = excluded.last_used_at;

-- name: count_declined!
-- A shop that has the line on file tried in vain; one that has not leaves no trace here.
UPDATE purchases.credential SET
    declined = declined + 1, last_declined_at = :now, last_code = :code
WHERE line = :line AND merchant = :merchant;

-- name: credentials
SELECT shop, stored_at, last_used_at, declined, last_declined_at, last_code
FROM purchases.v_credential WHERE line = :line ORDER BY last_used_at DESC, shop;

-- name: credentials_by_shop
SELECT shop, stored_at, last_used_at, declined, last_declined_at, last_code
FROM purchases.v_credential WHERE line = :line AND shop > :after ORDER BY shop LIMIT :count;

-- name: keep_terms!
UPDATE purchases.purchase SET terms_version = :version WHERE line = :line AND terms_version IS NULL;

-- name: add_refund_promise!
INSERT INTO purchases.refund_promise (id, purchase, amount_minor, before_minor, promised_on, due_at)
VALUES (:id, :purchase, :amount_minor, :before_minor, :promised_on, :due_at);

-- name: refund_promise^
SELECT id, purchase, amount_minor, before_minor, promised_on, due_at FROM purchases.refund_promise WHERE id = :id;

-- name: promised_of_purchase$
-- What of a purchase is promised and has not come yet: of promises that are not due, all beyond what came since.
SELECT coalesce(sum(greatest(0, r.amount_minor + r.before_minor - p.refunded_minor)), 0)::bigint
FROM purchases.refund_promise AS r JOIN purchases.purchase AS p ON p.id = r.purchase
WHERE r.purchase = :purchase AND r.due_at > :now;
