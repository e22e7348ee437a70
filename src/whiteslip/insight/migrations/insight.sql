-- Insight: steps of leaving that nobody's name hangs on, and what was proposed from them.
-- depends: exits complaints applications

CREATE SCHEMA insight;

-- A walk is known by a hash under the salt of its day. When the salt is gone, so is every way from a
-- walk back to a session.
CREATE TABLE insight.salt (
    day date PRIMARY KEY,
    salt bytea NOT NULL
);

CREATE TABLE insight.step (
    walk bytea NOT NULL,
    step text NOT NULL,
    journey text NOT NULL,
    pack text NOT NULL,
    at timestamptz NOT NULL,
    -- Nobody walked: a simulated world did.
    simulated boolean NOT NULL DEFAULT false,
    PRIMARY KEY (walk, step)
);
CREATE INDEX step_at ON insight.step USING brin (at);

-- A month as it was told, and what to change. It stays as it was, whatever is known later.
CREATE TABLE insight.report (
    month date PRIMARY KEY CHECK (extract(day FROM month) = 1),
    made_at timestamptz NOT NULL,
    content jsonb NOT NULL,
    sha256 text NOT NULL
);
CALL store.append_only('insight.report');

-- Which proposals somebody made a draft of.
CREATE TABLE insight.draft (
    month date NOT NULL REFERENCES insight.report,
    no smallint NOT NULL,
    table_name text NOT NULL,
    version text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (month, no)
);
CALL store.append_only('insight.draft');
