-- Watch: what is remembered of each line, and the alerts that came of it.
-- depends: purchases

CREATE SCHEMA watch;

-- How far the journal has been read.
CREATE TABLE watch.cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL
);
INSERT INTO watch.cursor (seq) VALUES (0);

-- Decayed sums of what a line did. It can be made again from the journal, to the bit.
CREATE TABLE watch.memory (
    line uuid PRIMARY KEY,
    memory jsonb NOT NULL
) WITH (fillfactor = 70);

-- Lines whose memory was erased: nothing is remembered of them again.
CREATE TABLE watch.forgotten (
    line uuid PRIMARY KEY,
    at timestamptz NOT NULL
);

-- A monitor fired. What it proposes, a person does. ``shown`` holds features with their usual values.
CREATE TABLE watch.alert (
    id uuid PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    line uuid NOT NULL,
    seq bigint NOT NULL,
    rule text NOT NULL,
    reasons text[] NOT NULL CHECK (cardinality(reasons) BETWEEN 1 AND 4),
    act text NOT NULL CHECK (act IN ('watch', 'step_up', 'lower_cap', 'pause_feature', 'stop')),
    feature text,
    tells text NOT NULL,
    demoted boolean NOT NULL,
    decision uuid NOT NULL,
    shown jsonb NOT NULL,
    happened_at timestamptz NOT NULL,
    raised_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'labelled')),
    acknowledged_by text,
    acknowledged_at timestamptz CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
    label boolean CHECK ((label IS NOT NULL) = (state = 'labelled')),
    labelled_by text,
    labelled_at timestamptz CHECK ((labelled_at IS NULL) = (label IS NULL)),
    CHECK (state = 'open' OR acknowledged_at IS NOT NULL),
    CHECK ((act = 'pause_feature') = (feature IS NOT NULL))
);
CREATE INDEX alert_line ON watch.alert (line, raised_at);
CREATE INDEX alert_waiting ON watch.alert (raised_at) WHERE state <> 'labelled';
CREATE INDEX alert_rule ON watch.alert (rule, labelled_at) WHERE label IS NOT NULL;

CREATE VIEW watch.v_alert AS
SELECT id, reference, line, rule, reasons, act, state, label, raised_at FROM watch.alert;

-- How many lines fell into each band of a model's reference on a night: of the score, and of each column.
-- The band -1 of the score counts lines whose facts the version does not take.
CREATE TABLE watch.band (
    day date NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    item text NOT NULL,
    band integer NOT NULL,
    lines integer NOT NULL,
    PRIMARY KEY (day, name, version, item, band)
);

-- The population stability index of the score and of each column, night by night.
CREATE TABLE watch.stability (
    day date NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    item text NOT NULL,
    index double precision NOT NULL,
    lines integer NOT NULL,
    PRIMARY KEY (name, version, item, day)
);

-- Those who are scored, or a stream of events, are no longer as they were.
CREATE TABLE watch.shift (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('model', 'stream')),
    name text NOT NULL,
    version text CHECK ((kind = 'model') = (version IS NOT NULL)),
    figures jsonb NOT NULL,
    decision uuid,
    at timestamptz NOT NULL
);
CREATE INDEX shift_name ON watch.shift (name, at);
CALL store.append_only('watch.shift');

-- What a detector of drift remembers of a stream; a fold over the journal like the memories.
CREATE TABLE watch.stream (
    name text PRIMARY KEY,
    state jsonb NOT NULL
);
