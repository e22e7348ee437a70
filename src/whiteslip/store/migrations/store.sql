-- Store: the journal, timers, idempotency keys and the stored clock.

CREATE SCHEMA store;

-- The role the application works under. It is created where the migrating user may do so;
-- elsewhere an administrator creates it, and `whiteslip doctor` says so.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'whiteslip_app') THEN
        CREATE ROLE whiteslip_app NOLOGIN;
    END IF;
    EXECUTE format('GRANT whiteslip_app TO %I', current_user);
EXCEPTION
    WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
        RAISE NOTICE 'role whiteslip_app was not created: %', sqlerrm;
END
$$;

-- By which files this database was made: their names, and the SHA-256 of what they said.
CREATE TABLE store.migration (
    name text PRIMARY KEY,
    sha256 text NOT NULL CHECK (length(sha256) = 64)
);

-- Append-only tables -----------------------------------------------------------------------

-- "erased_by" is the column by which rows go at the end of their retention; without one they never do.
CREATE TABLE store.append_only_table (
    name text PRIMARY KEY,
    erased_by text
);

CREATE FUNCTION store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'DELETE' AND current_setting('store.erasing', true) = tg_table_schema || '.' || tg_table_name THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', tg_table_schema || '.' || tg_table_name, tg_op
        USING ERRCODE = 'WS001', HINT = 'Post a compensating row instead.';
END
$$;

-- Declare a table append-only: a trigger refuses every update, delete and truncate (for any
-- role), and store.grant_rights() leaves the application nothing but select and insert.
CREATE PROCEDURE store.append_only(p_table text, p_erased_by text DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO store.append_only_table (name, erased_by) VALUES (p_table, p_erased_by);
    EXECUTE format(
        'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change()', p_table);
END
$$;

-- The one way out of an append-only table: rows of the given ids, at the end of their retention, from a table
-- that was declared with a column to erase by. Returns how many went.
CREATE FUNCTION store.erase(p_table text, p_ids uuid[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_column text;
    v_count bigint;
BEGIN
    SELECT erased_by INTO v_column FROM store.append_only_table WHERE name = p_table;
    IF v_column IS NULL THEN
        RAISE EXCEPTION '% is never erased', p_table USING ERRCODE = 'WS001';
    END IF;
    PERFORM set_config('store.erasing', p_table, true);
    EXECUTE format('DELETE FROM %s WHERE %I = ANY($1)', p_table, v_column) USING p_ids;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    PERFORM set_config('store.erasing', '', true);
    RETURN v_count;
END
$$;

-- Rights of the application role, renewed after each migration.
CREATE FUNCTION store.grant_rights(p_schemas text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'whiteslip_app') THEN
        RETURN;
    END IF;
    FOREACH v_name IN ARRAY p_schemas LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO whiteslip_app', v_name);
        EXECUTE format(
            'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO whiteslip_app', v_name);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO whiteslip_app', v_name);
    END LOOP;
    FOR v_name IN SELECT name FROM store.append_only_table LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM whiteslip_app', v_name);
    END LOOP;
    -- Balances change by posting only, the journal grows by store.journal_append only.
    IF to_regclass('ledger.account') IS NOT NULL THEN
        REVOKE UPDATE, DELETE ON ledger.account FROM whiteslip_app;
        REVOKE INSERT ON ledger.transfer FROM whiteslip_app;
    END IF;
    REVOKE INSERT ON store.journal FROM whiteslip_app;
    REVOKE INSERT, UPDATE, DELETE ON store.journal_head FROM whiteslip_app;
END
$$;

-- Journal: audit trail and outbox in one ---------------------------------------------------

-- Each row carries the hash of the row before it. Rows get their number under a lock on the
-- head that is held until commit, so numbers have no gaps and are in commit order: a reader
-- that has seen row n has seen every row before it.
CREATE TABLE store.journal (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    subject_kind text NOT NULL,
    subject uuid NOT NULL,
    actor text NOT NULL,
    data jsonb NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX journal_subject ON store.journal (subject, seq);
-- Changes of limits are few and counted by time.
CREATE INDEX journal_limit ON store.journal (at) WHERE kind = 'line.limit_changed';
CALL store.append_only('store.journal');

CREATE VIEW store.v_journal AS
SELECT seq, at, kind, subject_kind, subject, actor, data FROM store.journal;

CREATE TABLE store.journal_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO store.journal_head (seq, hash) VALUES (0, sha256('whiteslip journal'));
CREATE VIEW store.v_journal_head AS SELECT seq, hash FROM store.journal_head;

-- What a row's hash covers besides the hash before it. Stable, not immutable, so that it is inlined.
CREATE FUNCTION store.journal_body(
    p_seq bigint, p_at timestamptz, p_kind text, p_subject_kind text, p_subject uuid, p_actor text, p_data jsonb
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT convert_to(concat_ws(
        chr(31), p_seq, to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        p_kind, p_subject_kind, p_subject, p_actor, p_data::text), 'UTF8')
$$;

-- Append rows, each {at, kind, subject_kind, subject, actor, data}; returns the last number.
-- Only the chain itself is a loop: each hash needs the one before.
CREATE FUNCTION store.journal_append(p_rows jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_seq bigint;
    v_hash bytea;
    v_body bytea;
    v_bodies bytea [];
    v_chain bytea [];
BEGIN
    SELECT h.seq, h.hash INTO v_seq, v_hash FROM store.journal_head AS h FOR UPDATE;
    SELECT array_agg(
        store.journal_body(v_seq + r.n, r.at, r.kind, r.subject_kind, r.subject, r.actor, r.data) ORDER BY r.n)
    INTO v_bodies
    FROM ROWS FROM (jsonb_to_recordset(p_rows) AS (
        at timestamptz, kind text, subject_kind text, subject uuid, actor text, data jsonb
    )) WITH ORDINALITY AS r (at, kind, subject_kind, subject, actor, data, n);
    v_chain := ARRAY[v_hash];
    FOREACH v_body IN ARRAY v_bodies LOOP
        v_hash := sha256(v_hash || v_body);
        v_chain := v_chain || v_hash;
    END LOOP;
    INSERT INTO store.journal
    SELECT v_seq + r.n, r.at, r.kind, r.subject_kind, r.subject, r.actor, r.data, r.previous, r.hash
    FROM ROWS FROM (
        jsonb_to_recordset(p_rows) AS (
            at timestamptz, kind text, subject_kind text, subject uuid, actor text, data jsonb
        ),
        unnest(v_chain[:cardinality(v_bodies)]), unnest(v_chain[2:])
    ) WITH ORDINALITY AS r (at, kind, subject_kind, subject, actor, data, previous, hash, n);
    v_seq := v_seq + cardinality(v_bodies);
    UPDATE store.journal_head SET seq = v_seq, hash = v_hash;
    RETURN v_seq;
END
$$;

-- Timers: rows popped against the clock that is passed in, so that a test clock drives them --

CREATE TABLE store.timer (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    subject uuid NOT NULL,
    due_at timestamptz NOT NULL,
    set_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    outcome text,
    -- What falls due at one instant is done in the order in which it was set: letters as they were written.
    place bigint GENERATED ALWAYS AS IDENTITY
);
CREATE UNIQUE INDEX timer_open ON store.timer (kind, subject) WHERE done_at IS NULL;
CREATE INDEX timer_due ON store.timer (due_at, place) WHERE done_at IS NULL;

-- Idempotency keys -------------------------------------------------------------------------

CREATE TABLE store.idempotency (
    scope text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    response jsonb,
    at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);

-- The stored clock of a demo or test installation; no row means the machine's clock ---------

CREATE TABLE store.clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    frozen_at timestamptz NOT NULL
);
