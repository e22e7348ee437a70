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
