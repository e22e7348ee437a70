-- Privacy: who asked for what, who must be kept longer, and who is gone.
-- depends: exits applications

CREATE SCHEMA privacy;

-- Answers name kinds of records and numbers of them, never what was in them.
CREATE TABLE privacy.answer (
    id uuid PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    customer uuid NOT NULL,
    answered_at timestamptz NOT NULL,
    actor text NOT NULL,
    erased jsonb NOT NULL,
    kept jsonb NOT NULL
);
CREATE INDEX answer_customer ON privacy.answer (customer, answered_at);
CALL store.append_only('privacy.answer');

-- What people ask about their data, with the clock of each.
CREATE TABLE privacy.request (
    id uuid PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    customer uuid NOT NULL,
    pack text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('access', 'correction', 'erasure', 'restriction', 'objection')),
    channel text NOT NULL,
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    -- What they wrote, sealed in the vault.
    words uuid,
    delay text CHECK (delay IN ('complex', 'many')),
    overdue_at timestamptz,
    answered_at timestamptz,
    outcome text CHECK (outcome IN ('granted', 'partly', 'refused')),
    why text,
    CHECK ((outcome IS NULL) = (answered_at IS NULL)),
    CHECK ((outcome IS NULL) = (why IS NULL)),
    -- What was left lying too long cannot be refused.
    CHECK (overdue_at IS NULL OR outcome IS DISTINCT FROM 'refused')
);
CREATE INDEX request_open ON privacy.request (due_at) WHERE outcome IS NULL;
CREATE INDEX request_customer ON privacy.request (customer, asked_at);

-- An authority's order for one case: nothing of that customer goes before it ends.
CREATE TABLE privacy.keep_order (
    id uuid PRIMARY KEY,
    customer uuid NOT NULL,
    reference text NOT NULL,
    until date NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    released_at timestamptz
);
CREATE INDEX keep_order_customer ON privacy.keep_order (customer) WHERE released_at IS NULL;

-- Who has been erased at the end of the years of keeping.
CREATE TABLE privacy.erased (
    customer uuid PRIMARY KEY,
    ended_on date NOT NULL,
    erased_at timestamptz NOT NULL
);
CALL store.append_only('privacy.erased');

-- Who has left: every line is closed. Their records are stored, and nothing else is done with them.
CREATE VIEW privacy.v_former AS
SELECT customer, max(closed_on) AS ended_on FROM lines.v_line
GROUP BY customer HAVING bool_and(closed_on IS NOT NULL);
