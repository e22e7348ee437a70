-- Identity: the vault of personal data, one-time codes, staff, sessions and keys.
-- depends: store

CREATE SCHEMA identity;

-- One person. Everything that names them is in "sealed"; the look-ups are keyed hashes.
CREATE TABLE identity.person (
    subject uuid PRIMARY KEY,
    -- The person's own key, wrapped by the vault's master key "master".
    master text NOT NULL,
    wrapped bytea NOT NULL,
    sealed bytea NOT NULL,
    id_number_index bytea NOT NULL,
    phone_index bytea NOT NULL,
    email_index bytea NOT NULL,
    enrolled_at timestamptz NOT NULL,
    contact_changed_at timestamptz,
    -- The record as it was before that, so that a letter can still reach who was there.
    former bytea
);
CREATE INDEX person_id_number ON identity.person (id_number_index);
CREATE INDEX person_phone ON identity.person (phone_index);
CREATE INDEX person_email ON identity.person (email_index);

-- What a person gave us: words or a picture, sealed under their key and bound to its own id.
CREATE TABLE identity.document (
    id uuid PRIMARY KEY,
    subject uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE,
    kind text NOT NULL,
    media_type text NOT NULL,
    sealed bytea NOT NULL,
    kept_at timestamptz NOT NULL,
    keep_until timestamptz NOT NULL
);
CREATE INDEX document_subject ON identity.document (subject, kind, kept_at);
CREATE INDEX document_keep ON identity.document (keep_until);

-- Where money that is owed to a person goes. The number is sealed under their key; one account stands.
CREATE TABLE identity.payout_account (
    id uuid PRIMARY KEY,
    subject uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE,
    scheme text NOT NULL,
    sealed bytea NOT NULL,
    given_at timestamptz NOT NULL,
    -- How somebody made sure that the account is theirs; null until then.
    verified_at timestamptz,
    verified_how text CHECK (verified_how IN ('name_match', 'micro_deposit', 'bank_confirmation')),
    ended_at timestamptz,
    CHECK ((verified_at IS NULL) = (verified_how IS NULL))
);
CREATE UNIQUE INDEX payout_account_stands ON identity.payout_account (subject) WHERE ended_at IS NULL;
CREATE INDEX payout_account_subject ON identity.payout_account (subject);

CREATE TABLE identity.code (
    id uuid PRIMARY KEY,
    subject uuid NOT NULL,
    purpose text NOT NULL,
    hash bytea NOT NULL,
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX code_subject ON identity.code (subject, purpose, sent_at);

-- Wrong answers, by subject and purpose; a right answer starts anew.
CREATE TABLE identity.attempt (
    subject uuid NOT NULL,
    purpose text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX attempt_subject ON identity.attempt (subject, purpose, at);

CREATE TABLE identity.verification (
    subject uuid NOT NULL,
    method text NOT NULL,
    session uuid,
    at timestamptz NOT NULL
);
CREATE INDEX verification_subject ON identity.verification (subject, at);
CALL store.append_only('identity.verification');

CREATE TABLE identity.staff (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    role text NOT NULL CHECK (role IN ('admin', 'reviewer', 'analyst', 'auditor')),
    password text,
    failures integer NOT NULL DEFAULT 0,
    locked_until timestamptz,
    created_at timestamptz NOT NULL
);

-- Links, sessions and keys are stored by the SHA-256 of their secret.
CREATE TABLE identity.link (
    hash bytea PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('customer', 'staff')),
    subject uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE TABLE identity.session (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('customer', 'staff')),
    subject uuid NOT NULL,
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);

CREATE TABLE identity.api_key (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    -- The person who answers for it: what takes two people takes two owners, not two keys.
    owner uuid REFERENCES identity.staff,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

-- Whom the vault knows, by nothing but their id: somebody to write to.
CREATE VIEW identity.v_person AS
SELECT subject FROM identity.person;

-- How long each document is kept.
CREATE VIEW identity.v_document AS
SELECT id, keep_until FROM identity.document;
