-- Webhooks: who wants to be told, what they were told, and how it went.
-- depends: store

CREATE SCHEMA webhooks;

CREATE TABLE webhooks.endpoint (
    id uuid PRIMARY KEY,
    url text NOT NULL,
    -- Journal kinds that are wanted; none named: every published one.
    kinds text [] NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'disabled', 'removed')),
    -- Why it is not active.
    reason text,
    -- Signing secrets, encrypted. The one before goes on signing for a while after a rotation.
    sealed bytea NOT NULL,
    sealed_before bytea,
    before_until timestamptz,
    -- What the journal held when the endpoint was made, or woken up, is not sent by itself.
    after_seq bigint NOT NULL,
    -- Failed attempts in a row, since when, and until when we leave the server alone.
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    resting_until timestamptz,
    created_at timestamptz NOT NULL
) WITH (fillfactor = 70);

-- One journal row for one endpoint. A lane is what must stay in order: one endpoint, one line.
CREATE TABLE webhooks.delivery (
    id uuid PRIMARY KEY,
    endpoint uuid NOT NULL REFERENCES webhooks.endpoint,
    seq bigint NOT NULL,
    kind text NOT NULL,
    lane uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    UNIQUE (endpoint, seq)
) WITH (fillfactor = 70);
CREATE INDEX delivery_waiting ON webhooks.delivery (lane, seq) WHERE state = 'waiting';

-- What a server answered: its status or why there was none. Never what it said.
CREATE TABLE webhooks.attempt (
    delivery uuid NOT NULL REFERENCES webhooks.delivery,
    at timestamptz NOT NULL,
    status integer,
    ms integer NOT NULL,
    error text
);
CREATE INDEX attempt_delivery ON webhooks.attempt (delivery, at);
CALL store.append_only('webhooks.attempt');

-- How far the journal has been read.
CREATE TABLE webhooks.cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL
);
INSERT INTO webhooks.cursor (seq) VALUES (0);
