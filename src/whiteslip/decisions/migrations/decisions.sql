-- Decisions: every version of a policy table that was ever used, and every decision made.
-- depends: store

CREATE SCHEMA decisions;

CREATE TABLE decisions.table_version (
    name text NOT NULL,
    -- The first 12 hexadecimal digits of the SHA-256 of content and contract.
    version text NOT NULL CHECK (version ~ '^[0-9a-f]{12}$'),
    content jsonb NOT NULL,
    contract jsonb NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (name, version)
);
CALL store.append_only('decisions.table_version');

-- The life of a version, step by step. The last activation recorded among those whose instant has come
-- says which version of a table is in force; before the first one it is the version that was shipped.
CREATE TABLE decisions.policy_step (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    name text NOT NULL,
    version text NOT NULL,
    step text NOT NULL CHECK (step IN (
        'drafted', 'backtested', 'submitted', 'approved', 'returned', 'installed', 'activated', 'rolled_back'
    )),
    actor text NOT NULL,
    -- Why, in words of staff; never about a customer.
    note text NOT NULL CHECK (length(note) <= 1000),
    effective_at timestamptz,
    -- What a backtest counted.
    result jsonb,
    at timestamptz NOT NULL,
    FOREIGN KEY (name, version) REFERENCES decisions.table_version (name, version),
    CHECK ((step IN ('installed', 'activated', 'rolled_back')) = (effective_at IS NOT NULL)),
    CHECK ((step = 'backtested') = (result IS NOT NULL))
);
CREATE INDEX policy_step_name ON decisions.policy_step (name, seq);
-- Each decision looks at the last entry of this index, to see whether it knows all activations.
CREATE UNIQUE INDEX policy_activation ON decisions.policy_step (seq) INCLUDE (id)
WHERE effective_at IS NOT NULL;
CALL store.append_only('decisions.policy_step');

-- Facts, outcome and reasons are numbers, flags and codes: no personal data.
CREATE TABLE decisions.decision (
    id uuid PRIMARY KEY,
    table_name text NOT NULL,
    version text NOT NULL,
    subject uuid NOT NULL,
    facts jsonb NOT NULL,
    outcome jsonb NOT NULL,
    reasons text [] NOT NULL,
    -- The rules that matched, by node of the table; null when it was not asked for.
    trace jsonb,
    at timestamptz NOT NULL
);
CREATE INDEX decision_subject ON decisions.decision (subject, at);
CREATE INDEX decision_at ON decisions.decision USING brin (at);
CALL store.append_only('decisions.decision');

CREATE VIEW decisions.v_decision AS
SELECT id, table_name, version, subject, facts, outcome, reasons, trace, at
FROM decisions.decision;

-- Models that score ---------------------------------------------------------------------------

-- A signed model as it was shipped: the bytes that the signature is of, and the signature.
CREATE TABLE decisions.model (
    name text NOT NULL,
    version text NOT NULL CHECK (version ~ '^[0-9a-f]{12}$'),
    artefact bytea NOT NULL,
    -- Within how many months the target comes; null where the artefact does not say.
    horizon_months integer CHECK (horizon_months > 0),
    kept_by text NOT NULL,
    kept_at timestamptz NOT NULL,
    PRIMARY KEY (name, version)
);
CALL store.append_only('decisions.model');

-- Who scores for real (champion) and who in silence (challenger), step by step; the last step counts.
-- A promotion takes two people: one proposes it, another approves.
CREATE TABLE decisions.model_step (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    version text NOT NULL,
    step text NOT NULL CHECK (step IN ('challenger', 'proposed', 'champion', 'retired')),
    actor text NOT NULL,
    at timestamptz NOT NULL,
    FOREIGN KEY (name, version) REFERENCES decisions.model (name, version)
);
CREATE INDEX model_step_name ON decisions.model_step (name, version, seq);
CALL store.append_only('decisions.model_step');

CREATE VIEW decisions.v_model_step AS
SELECT s.seq, s.name, s.version, s.step, s.at, m.horizon_months
FROM decisions.model_step AS s JOIN decisions.model AS m ON (m.name, m.version) = (s.name, s.version);

CREATE TABLE decisions.score (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    version text NOT NULL,
    role text NOT NULL CHECK (role IN ('champion', 'challenger')),
    subject uuid NOT NULL,
    facts jsonb NOT NULL,
    probability double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    points integer,
    reasons text [] NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX score_subject ON decisions.score (subject, name, version, at);
CREATE INDEX score_at ON decisions.score USING brin (at);
CALL store.append_only('decisions.score', 'subject');

CREATE VIEW decisions.v_score AS
SELECT id, name, version, role, subject, facts, probability, points, reasons, at FROM decisions.score;
