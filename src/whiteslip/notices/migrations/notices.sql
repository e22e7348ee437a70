-- Notices: letters, and the proof that each was sent once.
-- depends: store

CREATE SCHEMA notices;

CREATE TABLE notices.notice (
    id uuid PRIMARY KEY,
    -- The order of queueing, also within one instant.
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    subject_kind text NOT NULL,
    subject uuid NOT NULL,
    recipient uuid NOT NULL,
    language text NOT NULL,
    -- What the letter says, without what names the person.
    facts jsonb NOT NULL,
    dedupe text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'unknown')),
    attempts integer NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL,
    claimed_at timestamptz,
    sent_at timestamptz,
    -- It goes where the recipient was reached before that was changed last.
    to_former boolean NOT NULL DEFAULT false
) WITH (fillfactor = 85);
CREATE INDEX notice_subject ON notices.notice (subject, queued_at);
CREATE INDEX notice_recipient ON notices.notice (recipient, queued_at);
-- Letters that a law gives days for have reasons, or tell of a sale, of arrears or of a payment.
CREATE INDEX notice_timed ON notices.notice (queued_at)
WHERE state <> 'sent' AND (kind IN ('debt.sold', 'debt.arrears', 'statement.part_payment') OR facts ? 'reasons');
CREATE INDEX notice_waiting ON notices.notice (queued_at) WHERE state = 'queued';
CREATE INDEX notice_sending ON notices.notice (claimed_at) WHERE state = 'sending';

-- Proof of sending: what the mail server answered, and the hashes of what it was given.
CREATE TABLE notices.proof (
    notice uuid NOT NULL REFERENCES notices.notice,
    at timestamptz NOT NULL,
    outcome text NOT NULL,
    reply text NOT NULL,
    message_id text NOT NULL,
    text_sha256 text NOT NULL,
    pdf_sha256 text NOT NULL
);
CREATE INDEX proof_notice ON notices.proof (notice, at);
CALL store.append_only('notices.proof');

-- The demonstration phone: what was sent, shown on screen. Empty in a real installation.
CREATE TABLE notices.phone (
    id uuid PRIMARY KEY,
    recipient uuid NOT NULL,
    notice uuid,
    title text NOT NULL,
    body text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX phone_recipient ON notices.phone (recipient, at);

-- Of which no sending is proven.
CREATE VIEW notices.v_timed AS
SELECT id, kind, subject_kind, subject, queued_at, facts ->> 'pack' AS pack, facts ->> 'timezone' AS timezone
FROM notices.notice WHERE state <> 'sent' AND (kind IN ('debt.sold', 'debt.arrears', 'statement.part_payment') OR facts ? 'reasons');

-- Every letter by what it is told once by.
CREATE VIEW notices.v_queued AS
SELECT dedupe, queued_at FROM notices.notice;

-- Letters on their way, and since when.
CREATE VIEW notices.v_sending AS
SELECT id, claimed_at FROM notices.notice WHERE state = 'sending';
