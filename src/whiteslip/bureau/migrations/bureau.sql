-- Bureau: what credit bureaus were told, and what people object to.
-- depends: exits

CREATE SCHEMA bureau;

-- A file that was made for a month.
CREATE TABLE bureau.submission (
    id uuid PRIMARY KEY,
    -- The order of making, also within one instant.
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    month date NOT NULL,
    as_of date NOT NULL,
    made_at timestamptz NOT NULL,
    actor text NOT NULL
);
CREATE INDEX submission_month ON bureau.submission (month, seq);
CALL store.append_only('bureau.submission');

-- What a file said of a line. Whom it names is not kept: the hash is of the record without that.
CREATE TABLE bureau.record (
    submission uuid NOT NULL REFERENCES bureau.submission,
    line uuid NOT NULL,
    status text NOT NULL,
    compliance text NOT NULL,
    first_delinquent_on date,
    closed_on date,
    account jsonb NOT NULL,
    sha256 bytea NOT NULL,
    PRIMARY KEY (submission, line)
);
CREATE INDEX record_line ON bureau.record (line);
CALL store.append_only('bureau.record');

-- Events of credit agreements, told once and shown again as they were told. ``source`` is the exit that
-- ended the agreement, or the objection; what is corrected again has the next number.
CREATE TABLE bureau.event (
    line uuid NOT NULL,
    source uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN (
        'agreement_closed', 'closing_called_off', 'agreement_corrected',
        'objection_marked', 'record_corrected', 'objection_rejected')),
    no integer NOT NULL DEFAULT 0 CHECK (no >= 0),
    happened_on date NOT NULL,
    told_at timestamptz NOT NULL,
    said jsonb NOT NULL,
    PRIMARY KEY (source, kind, no)
);
CREATE INDEX event_day ON bureau.event (happened_on);
CREATE INDEX event_line ON bureau.event (line);
CALL store.append_only('bureau.event');

-- Up to which row of the journal it is known what became of closings that were told.
CREATE TABLE bureau.followed (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL
);
INSERT INTO bureau.followed (seq) VALUES (0);

-- By how much what a line owed at the end of a day is known otherwise since: what was booked later with an
-- earlier value date, and what a dispute gave back whose customer was right all along.
CREATE FUNCTION bureau.learned(asked uuid, day date) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (-(
        SELECT coalesce(sum(s.amount_minor), 0) FROM billing.v_settlement AS s
        WHERE s.line = asked AND s.on_day > learned.day AND s.counts_from <= learned.day AND (
            s.component = 'principal' OR EXISTS (
                SELECT FROM billing.v_instalment AS i
                WHERE i.line = asked AND i.plan = s.plan AND i.no = s.no AND i.charged_on <= learned.day))
    ) - (
        SELECT coalesce(sum(d.amount_minor), 0) FROM purchases.v_dispute AS d
        WHERE d.line = asked AND d.outcome = 'won'
            AND EXISTS (SELECT FROM billing.v_suspended AS s WHERE s.dispute = d.id AND s.counts_from > learned.day)
            AND EXISTS (SELECT FROM billing.v_plan AS p WHERE p.purchase = d.purchase AND p.opened_on <= learned.day)
    ))::bigint
$$;

CREATE TABLE bureau.objection (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    field text NOT NULL,
    ground text NOT NULL CHECK (ground IN ('record', 'billing_error')),
    -- The month objected to; null: all that was reported until then.
    month date,
    disputed_minor bigint CHECK (disputed_minor > 0),
    opened_at timestamptz NOT NULL,
    opened_on date NOT NULL,
    due_at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('corrected', 'stays')),
    resolved_at timestamptz,
    resolved_on date,
    CHECK ((outcome IS NULL) = (resolved_at IS NULL)),
    CHECK ((outcome IS NULL) = (resolved_on IS NULL)),
    CHECK ((disputed_minor IS NOT NULL) = (ground = 'billing_error'))
) WITH (fillfactor = 85);
-- One open objection to a field of a line.
CREATE UNIQUE INDEX objection_open ON bureau.objection (line, field) WHERE outcome IS NULL;
CREATE INDEX objection_line ON bureau.objection (line, opened_at);

-- Lines whose agreement the law deems never made.
CREATE TABLE bureau.never_made (
    line uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL
);
CALL store.append_only('bureau.never_made');
