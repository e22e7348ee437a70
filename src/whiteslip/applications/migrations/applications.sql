-- Applications: who asked for a line, on which facts, and what came of it.
-- depends: lines decisions identity notices

CREATE SCHEMA applications;

-- Every scorecard that scored anybody, as it was. The version is the hash of its content.
CREATE TABLE applications.scorecard (
    version text PRIMARY KEY,
    content bytea NOT NULL
);
CALL store.append_only('applications.scorecard');

CREATE TABLE applications.application (
    id uuid PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    customer uuid NOT NULL,
    pack text NOT NULL,
    currency text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('portal', 'api', 'world')),
    language text NOT NULL CHECK (language IN ('zh-CN', 'en')),
    state text NOT NULL CHECK (state IN (
        'draft', 'offered', 'referred', 'declined', 'in_review', 'accepted', 'withdrawn', 'lapsed')),
    consent_version text NOT NULL,
    applied_at timestamptz NOT NULL,
    due_at timestamptz,
    proven_at timestamptz,
    decision uuid,
    outcome text CHECK (outcome IN ('approve', 'counter_offer', 'decline', 'refer')),
    limit_minor bigint NOT NULL DEFAULT 0 CHECK (limit_minor >= 0),
    reasons text[] NOT NULL DEFAULT '{}' CHECK (cardinality(reasons) <= 4),
    score integer,
    scorecard_version text REFERENCES applications.scorecard,
    decided_at timestamptz,
    decided_by text,
    line uuid,
    -- The line whose limit it would raise; NULL for who asks for a line.
    raises uuid,
    -- Nobody is declined without a reason, and a line is what acceptance makes.
    CHECK (state <> 'declined' OR cardinality(reasons) > 0),
    CHECK ((state = 'accepted') = (line IS NOT NULL)),
    CHECK (raises IS NULL OR line IS NULL OR line = raises)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX application_line ON applications.application (line) WHERE raises IS NULL;
CREATE UNIQUE INDEX application_open ON applications.application (customer)
    WHERE state IN ('offered', 'referred', 'in_review');
CREATE INDEX application_customer ON applications.application (customer, applied_at);
CREATE INDEX application_state ON applications.application (state, due_at);

CREATE TABLE applications.fact (
    application uuid NOT NULL REFERENCES applications.application,
    name text NOT NULL,
    value bigint NOT NULL,
    source text NOT NULL CHECK (source IN ('stated', 'imported', 'bureau_file')),
    at timestamptz NOT NULL,
    PRIMARY KEY (application, name)
);
CALL store.append_only('applications.fact');

-- A person looks. What the applicant says to it is a sealed document of the vault.
CREATE TABLE applications.review (
    id uuid PRIMARY KEY,
    application uuid NOT NULL REFERENCES applications.application,
    note uuid,
    requested_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    outcome text CHECK (outcome IN ('approve', 'decline')),
    why text,
    CHECK ((outcome IS NULL) = (decided_at IS NULL))
);
CREATE UNIQUE INDEX review_open ON applications.review (application) WHERE outcome IS NULL;

CREATE VIEW applications.v_application AS
SELECT id, reference, customer, pack, currency, channel, state, applied_at, proven_at, decision, outcome,
    limit_minor, reasons, score, scorecard_version, decided_at, decided_by, line, raises
FROM applications.application;
