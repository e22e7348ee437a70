-- name: enrol!
INSERT INTO identity.person (
    subject, master, wrapped, sealed, id_number_index, phone_index, email_index, enrolled_at
)
SELECT u.subject, :master, u.wrapped, u.sealed, u.id_number, u.phone, u.email, :now
FROM unnest(
    :subject::uuid[], :wrapped::bytea[], :sealed::bytea[], :id_number::bytea[], :phone::bytea[],
    :email::bytea[]
) AS u (subject, wrapped, sealed, id_number, phone, email);

-- name: record^
SELECT subject, master, wrapped, sealed FROM identity.person WHERE subject = :subject;

-- name: former^
SELECT subject, master, wrapped, former AS sealed FROM identity.person
WHERE subject = :subject AND former IS NOT NULL;

-- name: record_to_change^
SELECT subject, master, wrapped, sealed FROM identity.person WHERE subject = :subject FOR UPDATE;

-- name: change!
-- Of changes that follow each other closely the first counts: whoever took a session over and changes
-- phone and then e-mail must not become the one who was reached before.
UPDATE identity.person SET
    former = CASE WHEN contact_changed_at > :settled THEN former ELSE sealed END,
    sealed = :sealed, phone_index = :phone, email_index = :email, contact_changed_at = :now
WHERE subject = :subject;

-- name: contact_changed_at$
SELECT contact_changed_at FROM identity.person WHERE subject = :subject;

-- name: find
SELECT subject FROM identity.person
WHERE (:id_number::bytea IS NULL OR id_number_index = :id_number)
    AND (:phone::bytea IS NULL OR phone_index = :phone)
    AND (:email::bytea IS NULL OR email_index = :email)
    AND num_nonnulls(:id_number::bytea, :phone::bytea, :email::bytea) > 0
ORDER BY subject LIMIT 100;

-- name: others_connected$
-- What PostgreSQL does by itself has no user.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename IS NOT NULL AND pid <> pg_backend_pid();

-- name: under_another
SELECT subject, master, wrapped, sealed, id_number_index FROM identity.person
WHERE subject > :after AND master <> :master ORDER BY subject LIMIT :count FOR UPDATE;

-- name: any_under_another$
SELECT EXISTS (SELECT FROM identity.person WHERE master <> ALL (:masters));

-- name: rewrap!
UPDATE identity.person AS p SET
    master = :master, wrapped = u.wrapped, id_number_index = u.id_number, phone_index = u.phone,
    email_index = u.email
FROM unnest(:subject::uuid[], :wrapped::bytea[], :id_number::bytea[], :phone::bytea[], :email::bytea[])
    AS u (subject, wrapped, id_number, phone, email)
WHERE p.subject = u.subject;

-- name: erase!
DELETE FROM identity.person WHERE subject = :subject;

-- name: end_all_sessions!
DELETE FROM identity.session WHERE subject = :subject;

-- name: forget_traces$
WITH codes AS (
    DELETE FROM identity.code WHERE subject = :subject AND (used_at IS NOT NULL OR expires_at < :now) RETURNING 1
), attempts AS (
    DELETE FROM identity.attempt WHERE subject = :subject RETURNING 1
), links AS (
    DELETE FROM identity.link WHERE subject = :subject AND (used_at IS NOT NULL OR expires_at < :now) RETURNING 1
), sessions AS (
    DELETE FROM identity.session
    WHERE subject = :subject AND (ended_at IS NOT NULL OR expires_at < :now) RETURNING 1
)
SELECT
    (SELECT count(*) FROM codes) + (SELECT count(*) FROM attempts)
    + (SELECT count(*) FROM links) + (SELECT count(*) FROM sessions);

-- name: add_document!
INSERT INTO identity.document (id, subject, kind, media_type, sealed, kept_at, keep_until)
VALUES (:id, :subject, :kind, :media_type, :sealed, :now, :keep_until);

-- name: document^
SELECT d.id, d.subject, d.kind, d.media_type, d.sealed, d.kept_at, d.keep_until, p.master, p.wrapped
FROM identity.document AS d JOIN identity.person AS p ON p.subject = d.subject WHERE d.id = :id;

-- name: documents
SELECT id, kind, media_type, kept_at, keep_until FROM identity.document
WHERE subject = :subject AND (:kind::text IS NULL OR kind = :kind)
ORDER BY kept_at DESC, id DESC LIMIT 200;

-- name: keep_longer!
UPDATE identity.document SET keep_until = greatest(keep_until, :until) WHERE id = :id;

-- name: drop_documents
DELETE FROM identity.document
WHERE keep_until <= :now AND (:subject::uuid IS NULL OR subject = :subject) RETURNING id, subject;

-- name: drop_document
DELETE FROM identity.document WHERE id = :id RETURNING id, subject;

-- name: end_accounts!
UPDATE identity.payout_account SET ended_at = :now WHERE subject = :subject AND ended_at IS NULL;

-- name: add_account!
INSERT INTO identity.payout_account (id, subject, scheme, sealed, given_at)
VALUES (:id, :subject, :scheme, :sealed, :now);

-- name: verify_account!
UPDATE identity.payout_account SET verified_at = :now, verified_how = :how WHERE id = :id;

-- name: standing_account^
SELECT a.id, a.subject, a.scheme, a.sealed, a.given_at, a.verified_at, a.verified_how, p.master, p.wrapped
FROM identity.payout_account AS a JOIN identity.person AS p ON p.subject = a.subject
WHERE a.subject = :subject AND a.ended_at IS NULL;

-- name: standing_account_locked^
SELECT a.id, a.subject, a.scheme, a.sealed, a.given_at, a.verified_at, a.verified_how, p.master, p.wrapped
FROM identity.payout_account AS a JOIN identity.person AS p ON p.subject = a.subject
WHERE a.subject = :subject AND a.ended_at IS NULL FOR UPDATE OF a;

-- name: verified_account$
SELECT id FROM identity.payout_account
WHERE subject = :subject AND ended_at IS NULL AND verified_at IS NOT NULL;

-- name: accounts
SELECT a.id, a.subject, a.scheme, a.sealed, a.given_at, a.verified_at, a.verified_how, p.master, p.wrapped
FROM identity.payout_account AS a JOIN identity.person AS p ON p.subject = a.subject
WHERE a.subject = :subject ORDER BY a.given_at DESC, a.id DESC LIMIT 100;

-- name: add_code!
INSERT INTO identity.code (id, subject, purpose, hash, sent_at, expires_at)
VALUES (:id, :subject, :purpose, :hash, :now, :expires_at);

-- name: codes_since$
SELECT count(*) FROM identity.code
WHERE subject = :subject AND purpose = :purpose AND sent_at > :since;

-- name: unused_codes
-- Newest first; those that ran out are kept a while, to be told from wrong ones.
SELECT id, hash, expires_at FROM identity.code
WHERE subject = :subject AND purpose = :purpose AND used_at IS NULL AND sent_at > :since
ORDER BY sent_at DESC LIMIT 20;

-- name: use_codes!
-- A right answer uses up every code that was sent for the purpose.
UPDATE identity.code SET used_at = :now
WHERE subject = :subject AND purpose = :purpose AND used_at IS NULL;

-- name: lock_subject
SELECT pg_advisory_xact_lock(hashtextextended(:key, 0));

-- name: add_attempt!
INSERT INTO identity.attempt (subject, purpose, at) VALUES (:subject, :purpose, :now);

-- name: attempts_since$
SELECT count(*) FROM identity.attempt
WHERE subject = :subject AND purpose = :purpose AND at > :since;

-- name: forget_attempts!
DELETE FROM identity.attempt WHERE subject = :subject AND purpose = :purpose;

-- name: add_verification!
INSERT INTO identity.verification (subject, method, session, at)
VALUES (:subject, :method, :session, :now);

-- name: verified_since$
SELECT EXISTS (
    SELECT FROM identity.verification
    WHERE subject = :subject AND at > :since AND session IS NOT DISTINCT FROM :session::uuid
);

-- name: add_staff!
INSERT INTO identity.staff (id, name, role, password, created_at)
VALUES (:id, :name, :role, :password, :now) ON CONFLICT (name) DO NOTHING;

-- name: staff_by_name^
SELECT id, name, role, password, failures, locked_until FROM identity.staff WHERE name = :name FOR UPDATE;

-- name: staff_by_id^
SELECT id, name, role FROM identity.staff WHERE id = :id;

-- name: all_staff
SELECT id, name, role FROM identity.staff ORDER BY name;

-- name: note_failures!
UPDATE identity.staff SET failures = :failures, locked_until = :locked_until WHERE id = :id;

-- name: set_password!
UPDATE identity.staff SET password = :password, failures = 0, locked_until = NULL WHERE id = :id;

-- name: add_link!
INSERT INTO identity.link (hash, kind, subject, expires_at) VALUES (:hash, :kind, :subject, :expires_at);

-- name: link^
SELECT kind, subject, expires_at, used_at FROM identity.link WHERE hash = :hash FOR UPDATE;

-- name: use_link!
UPDATE identity.link SET used_at = :now WHERE hash = :hash;

-- name: add_session!
INSERT INTO identity.session (id, hash, kind, subject, started_at, expires_at)
VALUES (:id, :hash, :kind, :subject, :now, :expires_at);

-- name: session^
SELECT id, kind, subject, started_at, expires_at FROM identity.session
WHERE hash = :hash AND ended_at IS NULL AND expires_at > :now;

-- name: end_session!
UPDATE identity.session SET ended_at = :now WHERE hash = :hash AND ended_at IS NULL;

-- name: add_key!
INSERT INTO identity.api_key (id, name, hash, scopes, owner, created_at)
VALUES (:id, :name, :hash, :scopes, :owner, :now);

-- name: key^
SELECT k.id, k.name, k.scopes, s.id AS owner, s.name AS owner_name, s.role AS owner_role
FROM identity.api_key AS k LEFT JOIN identity.staff AS s ON s.id = k.owner
WHERE k.hash = :hash AND k.revoked_at IS NULL;

-- name: revoke_key!
UPDATE identity.api_key SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL;
