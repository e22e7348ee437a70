-- Complaints: the register, with the clock of each.
-- depends: lines identity notices

CREATE SCHEMA complaints;

CREATE TABLE complaints.complaint (
    id uuid PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    customer uuid NOT NULL,
    line uuid,
    pack text NOT NULL,
    topic text NOT NULL,
    channel text NOT NULL,
    -- The complainant's words, sealed in the vault.
    words uuid,
    filed_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    extensions integer NOT NULL,
    overdue_at timestamptz,
    answered_at timestamptz,
    outcome text CHECK (outcome IN ('upheld', 'partly', 'not_upheld')),
    why text,
    CHECK ((outcome IS NULL) = (answered_at IS NULL)),
    CHECK ((outcome IS NULL) = (why IS NULL)),
    -- What was left lying too long cannot be turned down.
    CHECK (overdue_at IS NULL OR outcome IS DISTINCT FROM 'not_upheld')
);
CREATE INDEX complaint_open ON complaints.complaint (due_at) WHERE outcome IS NULL;
CREATE INDEX complaint_customer ON complaints.complaint (customer, filed_at);

-- The register as rooms above see it, without anybody's words.
CREATE VIEW complaints.v_complaint AS
SELECT id, customer, line, pack, topic, channel, filed_at, answered_at, outcome, why FROM complaints.complaint;
