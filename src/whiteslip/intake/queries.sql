-- name: take_turn$
-- One batch is loaded at a time, whatever the file: references are looked up and taken in one go.
SELECT pg_advisory_xact_lock(hashtext('whiteslip intake'))::text;

-- name: open_run^
SELECT id, file_name, state, next_byte, next_line, counts FROM intake.run
WHERE sha256 = :sha256 AND mapping_version = :mapping_version AND state = 'running';

-- name: locked_run^
SELECT id, file_name, state, next_byte, next_line, counts FROM intake.run WHERE id = :id FOR UPDATE;

-- name: start_run!
INSERT INTO intake.run (
    id, file_name, sha256, bytes, mapping, mapping_version, state, next_byte, next_line, counts, started_at
)
VALUES (
    :id, :file_name, :sha256, :bytes, :mapping, :mapping_version, 'running', :next_byte, :next_line,
    :counts, :now
);

-- name: advance_run!
UPDATE intake.run SET next_byte = :next_byte, next_line = :next_line, counts = :counts WHERE id = :id;

-- name: finish_run!
UPDATE intake.run SET state = 'finished', finished_at = :now, counts = :counts WHERE id = :id;

-- name: add_rejected!
INSERT INTO intake.rejected (run, row, reference, column_name, code, text)
SELECT :run, u.* FROM unnest(
    :row::integer[], :reference::text[], :column_name::text[], :code::text[], :text::text[]
) AS u;

-- name: rejected
SELECT row, reference, column_name, code, text FROM intake.rejected
WHERE run = :run AND row > :after ORDER BY row LIMIT :count;

-- name: rows_of_file
-- Rows of this very file that were taken over before, by this run or another.
SELECT t.reference, t.row FROM intake.taken_over AS t JOIN intake.run AS r ON r.id = t.run
WHERE t.reference = ANY(:references::text[]) AND r.sha256 = :sha256;

-- name: add_taken_over!
INSERT INTO intake.taken_over (
    customer, line, run, row, reference, defaulted, schedule
)
SELECT u.customer, u.line, :run, u.row, u.reference, u.defaulted, u.schedule
FROM unnest(
    :customer::uuid[], :line::uuid[], :row::integer[], :reference::text[], :defaulted::boolean[],
    :schedule::text[]
) AS u (customer, line, row, reference, defaulted, schedule);

-- name: add_reported!
INSERT INTO intake.reported (customer, statement_on, balance_minor, paid_minor, status)
SELECT * FROM unnest(
    :customer::uuid[], :statement_on::date[], :balance_minor::bigint[], :paid_minor::bigint[],
    :status::smallint[]
);

-- name: reported
SELECT statement_on, balance_minor, paid_minor, status FROM intake.reported
WHERE customer = :customer ORDER BY statement_on;
