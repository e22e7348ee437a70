-- Intake: portfolios taken over from files, what was refused of them, and what they reported.
-- depends: purchases

CREATE SCHEMA intake;

-- One reading of one file with one mapping. It goes on from next_byte until it is finished.
CREATE TABLE intake.run (
    id uuid PRIMARY KEY,
    file_name text NOT NULL,
    sha256 bytea NOT NULL,
    bytes bigint NOT NULL,
    mapping text NOT NULL,
    mapping_version text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'finished')),
    next_byte bigint NOT NULL,
    next_line integer NOT NULL,
    counts jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz CHECK ((finished_at IS NOT NULL) = (state = 'finished'))
);
-- A file is read by one run at a time.
CREATE UNIQUE INDEX run_open ON intake.run (sha256, mapping_version) WHERE state = 'running';

CREATE TABLE intake.rejected (
    run uuid NOT NULL REFERENCES intake.run,
    row integer NOT NULL,
    reference text,
    column_name text,
    code text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (run, row)
);
CALL store.append_only('intake.rejected');

-- Where a customer came from, and how the file says it went on with them.
CREATE TABLE intake.taken_over (
    customer uuid PRIMARY KEY,
    line uuid NOT NULL,
    run uuid NOT NULL REFERENCES intake.run,
    row integer NOT NULL,
    reference text NOT NULL,
    defaulted boolean,
    -- The schedule of the mapping that was chosen for their debts.
    schedule text NOT NULL
);
CREATE INDEX taken_over_run ON intake.taken_over (run);
CREATE INDEX taken_over_reference ON intake.taken_over (reference);
CALL store.append_only('intake.taken_over');

-- What the file reported of a month, as it stood there. Information: nothing is decided by it.
CREATE TABLE intake.reported (
    customer uuid NOT NULL REFERENCES intake.taken_over,
    statement_on date NOT NULL,
    balance_minor bigint NOT NULL,
    paid_minor bigint NOT NULL,
    status smallint,
    PRIMARY KEY (customer, statement_on)
);
CALL store.append_only('intake.reported');

-- What other rooms may read.
CREATE VIEW intake.v_reported AS
SELECT t.customer, t.line, r.statement_on, r.balance_minor, r.paid_minor, r.status
FROM intake.reported AS r JOIN intake.taken_over AS t ON t.customer = r.customer;

CREATE VIEW intake.v_taken_over AS
SELECT customer, line, run, row, defaulted, schedule FROM intake.taken_over;
