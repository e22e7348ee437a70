-- Purchases: what shops ask for, hold, capture and give back.
-- depends: billing

CREATE SCHEMA purchases;

CREATE TABLE purchases.merchant (
    id uuid PRIMARY KEY,
    key text NOT NULL,
    currency text NOT NULL,
    payable uuid NOT NULL,
    UNIQUE (key, currency)
);

CREATE TABLE purchases.purchase (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    -- In purchases.merchant: every insert asks, at a tenth of a foreign key's cost. Nobody deletes shops.
    merchant uuid NOT NULL,
    -- The authorised user who bought; null is the customer.
    buyer uuid,
    instalments smallint NOT NULL,
    -- What the customer may lock on their line: the shop's trade, and whether money was handed out.
    category text NOT NULL DEFAULT '',
    cash boolean NOT NULL DEFAULT false,
    -- Whether the shop had the buyer prove who they are by two factors.
    strong boolean NOT NULL DEFAULT false,
    authorised_minor bigint NOT NULL CHECK (authorised_minor > 0),
    captured_minor bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    -- The pending transfer and what is left on hold; both null once captured, released or expired.
    hold uuid,
    held_minor bigint NOT NULL DEFAULT 0,
    state text NOT NULL CHECK (state IN ('authorised', 'captured', 'released', 'expired')),
    authorised_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- The terms it was made on, once its line has others.
    terms_version text,
    CHECK ((hold IS NULL) = (held_minor = 0)),
    CHECK (captured_minor + held_minor <= authorised_minor),
    CHECK (refunded_minor BETWEEN 0 AND captured_minor)
) WITH (fillfactor = 85);
CREATE INDEX purchase_line ON purchases.purchase (line, authorised_at);
CREATE INDEX purchase_expiry ON purchases.purchase (expires_at) WHERE hold IS NOT NULL;

-- Shops that keep the line on file, for subscriptions and the next purchase: since when, and what they
-- tried in vain since.
CREATE TABLE purchases.credential (
    line uuid NOT NULL,
    merchant uuid NOT NULL REFERENCES purchases.merchant,
    stored_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    declined integer NOT NULL DEFAULT 0,
    last_declined_at timestamptz,
    last_code text,
    PRIMARY KEY (line, merchant),
    CHECK ((declined = 0) = (last_declined_at IS NULL))
);

-- What a customer disputes, or a shop forced. While it is open, its suspended part stands in
-- house.disputed and nobody demands it.
CREATE TABLE purchases.dispute (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    merchant uuid NOT NULL REFERENCES purchases.merchant,
    purchase uuid REFERENCES purchases.purchase,
    ground text NOT NULL CHECK (ground IN (
        'not_received', 'not_as_described', 'not_mine', 'wrong_amount', 'cancelled', 'forced')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    outcome text NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'won', 'lost')),
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    -- Told after the pack's days from the first statement with it: looked into all the same.
    told_late boolean NOT NULL DEFAULT false,
    resolved_at timestamptz,
    -- Why it was found so; a decision by a deadline or a machine has none.
    why text CHECK (why IS NULL OR outcome <> 'open'),
    -- Whose loss it is that the customer was right.
    bears text CHECK (bears IN ('shop', 'lender')),
    CHECK ((bears IS NOT NULL) = (outcome = 'won')),
    CHECK ((purchase IS NULL) = (ground = 'forced')),
    CHECK ((outcome = 'open') = (resolved_at IS NULL))
);
CREATE INDEX dispute_line ON purchases.dispute (line, opened_at);
CREATE INDEX dispute_open ON purchases.dispute (line) WHERE outcome = 'open';
CREATE INDEX dispute_due ON purchases.dispute (due_at, id) WHERE outcome = 'open';

-- What a shop has said it will give back, and by when it must be here.
CREATE TABLE purchases.refund_promise (
    id uuid PRIMARY KEY,
    purchase uuid NOT NULL REFERENCES purchases.purchase,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    -- What of the purchase had been given back before.
    before_minor bigint NOT NULL CHECK (before_minor >= 0),
    promised_on date NOT NULL,
    due_at timestamptz NOT NULL
);
CALL store.append_only('purchases.refund_promise');

CREATE VIEW purchases.v_credential AS
SELECT c.line, m.key AS shop, c.stored_at, c.last_used_at, c.declined, c.last_declined_at, c.last_code
FROM purchases.credential AS c JOIN purchases.merchant AS m ON m.id = c.merchant;

-- At which shop a purchase was made; it never changes.
CREATE VIEW purchases.v_shop AS
SELECT id AS purchase, merchant FROM purchases.purchase;

-- Disputes with what of them is not demanded: of a forced post all, else what billing took out.
CREATE VIEW purchases.v_dispute AS
SELECT d.*, coalesce((
    SELECT sum(s.amount_minor)::bigint FROM billing.v_suspended AS s WHERE s.dispute = d.id
), d.amount_minor) AS suspended_minor
FROM purchases.dispute AS d;

-- What stands in suspense, by line.
CREATE VIEW purchases.v_disputed AS
SELECT d.line, m.currency, sum(d.suspended_minor)::bigint AS suspended_minor
FROM purchases.v_dispute AS d JOIN purchases.merchant AS m ON m.id = d.merchant
WHERE d.outcome = 'open' GROUP BY d.line, m.currency;

-- Where and of what kind a purchase was made, and whether it is disputed.
CREATE VIEW purchases.v_purchase AS
SELECT p.id, p.line, p.merchant, p.category, p.cash, p.authorised_at,
    EXISTS (SELECT FROM purchases.dispute AS d WHERE d.purchase = p.id AND d.outcome = 'open') AS disputed
FROM purchases.purchase AS p;

-- Until when what is held.
CREATE VIEW purchases.v_hold AS
SELECT id, line, expires_at FROM purchases.purchase WHERE hold IS NOT NULL;
