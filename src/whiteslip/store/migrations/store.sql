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

-- What the application may not do to a table ------------------------------------------------

CREATE TABLE store.guarded_table (
    name text PRIMARY KEY,
    -- The columns that the application may give when it inserts: null is all, an empty list is no insert.
    inserted text [],
    -- The column by which rows go at the end of their retention; without one they never do.
    erased_by text
);

CREATE FUNCTION store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_table text := tg_table_schema || '.' || tg_table_name;
BEGIN
    -- The setting alone, which anybody may make, opens nothing that was not declared to be erased.
    IF tg_op = 'DELETE' AND current_setting('store.erasing', true) = v_table
        AND EXISTS (SELECT FROM store.guarded_table WHERE name = v_table AND erased_by IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', v_table, tg_op
        USING ERRCODE = 'WS001', HINT = 'Post a compensating row instead.';
END
$$;

-- Declare a table append-only: a trigger refuses every update, delete and truncate to any role, also while
-- a session replays for replication, and store.grant_rights() leaves the application select and insert.
-- Who owns the table can drop the trigger; against the owner stand the hash chain and the invariants.
CREATE PROCEDURE store.append_only(p_table text, p_erased_by text DEFAULT NULL, p_inserted text [] DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO store.guarded_table (name, inserted, erased_by) VALUES (p_table, p_inserted, p_erased_by);
    EXECUTE format(
        'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %1$s '
        'FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change();'
        'ALTER TABLE %1$s ENABLE ALWAYS TRIGGER append_only', p_table);
END
$$;

-- Declare a table whose rows change by functions of its room alone and are never deleted.
CREATE PROCEDURE store.changed_by_functions(p_table text, p_inserted text [] DEFAULT '{}') LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO store.guarded_table (name, inserted) VALUES (p_table, p_inserted);
    EXECUTE format(
        'CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON %1$s '
        'FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change();'
        'ALTER TABLE %1$s ENABLE ALWAYS TRIGGER never_deleted', p_table);
END
$$;

-- Whoever could write here could open the others.
CALL store.append_only('store.guarded_table', p_inserted => '{}');
CALL store.append_only('store.migration', p_inserted => '{}');

-- The one way out of an append-only table: rows of the given ids, at the end of their retention, from a table
-- that was declared with a column to erase by. Returns how many went.
CREATE FUNCTION store.erase(p_table text, p_ids uuid[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_column text;
    v_count bigint;
BEGIN
    SELECT erased_by INTO v_column FROM store.guarded_table WHERE name = p_table;
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
    v_schema text;
    v_guarded store.guarded_table;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'whiteslip_app') THEN
        RETURN;
    END IF;
    FOREACH v_schema IN ARRAY p_schemas LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO whiteslip_app', v_schema);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO whiteslip_app', v_schema);
        -- Views are for reading: what is written through one is written with the rights of its owner.
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO whiteslip_app', v_schema);
        EXECUTE (
            SELECT 'GRANT INSERT, UPDATE, DELETE ON '
                || string_agg(format('%I.%I', schemaname, tablename), ', ') || ' TO whiteslip_app'
            FROM pg_tables WHERE schemaname = v_schema);
    END LOOP;
    FOR v_guarded IN SELECT * FROM store.guarded_table LOOP
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s FROM whiteslip_app', v_guarded.name);
        IF v_guarded.inserted IS NULL THEN
            EXECUTE format('GRANT INSERT ON %s TO whiteslip_app', v_guarded.name);
        ELSIF cardinality(v_guarded.inserted) > 0 THEN
            EXECUTE format('GRANT INSERT (%s) ON %s TO whiteslip_app',
                (SELECT string_agg(quote_ident(c), ', ') FROM unnest(v_guarded.inserted) AS c), v_guarded.name);
        END IF;
    END LOOP;
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
CALL store.append_only('store.journal', p_inserted => '{}');  -- by store.journal_append alone

CREATE VIEW store.v_journal AS
SELECT seq, at, kind, subject_kind, subject, actor, data FROM store.journal;

CREATE TABLE store.journal_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO store.journal_head (seq, hash) VALUES (0, sha256('whiteslip journal'));
CALL store.changed_by_functions('store.journal_head');
CREATE VIEW store.v_journal_head AS SELECT seq, hash FROM store.journal_head;

-- The hash that each row of the journal ends with, and what the first begins with.
CREATE VIEW store.v_journal_hash AS
SELECT seq, hash FROM store.journal UNION ALL SELECT 0, sha256('whiteslip journal');

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
