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
    merchant uuid NOT NULL REFERENCES purchases.merchant,
    instalments smallint NOT NULL,
    authorised_minor bigint NOT NULL CHECK (authorised_minor > 0),
    captured_minor bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    -- The pending transfer and what is left on hold; both null once captured, released or expired.
    hold uuid,
    held_minor bigint NOT NULL DEFAULT 0,
    state text NOT NULL CHECK (state IN ('authorised', 'captured', 'released', 'expired')),
    authorised_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK ((hold IS NULL) = (held_minor = 0)),
    CHECK (captured_minor + held_minor <= authorised_minor),
    CHECK (refunded_minor BETWEEN 0 AND captured_minor)
) WITH (fillfactor = 85);
CREATE INDEX purchase_line ON purchases.purchase (line, authorised_at);
CREATE INDEX purchase_expiry ON purchases.purchase (expires_at) WHERE hold IS NOT NULL;
