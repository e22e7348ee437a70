-- name: progress_since
SELECT day, stage, cursor, done, finished_at FROM day.progress WHERE day >= :day;

-- name: at_work^
-- By stage, whether there is any of what it works on: what many installations never have, in one look.
SELECT
    EXISTS (SELECT FROM billing.v_hardship) AS watch_hardship,
    EXISTS (SELECT FROM billing.v_sale) AS remit_to_buyers,
    EXISTS (SELECT FROM exits.v_restriction) AS lift_restrictions,
    EXISTS (SELECT FROM decisions.v_model_step) AS score_lines,
    EXISTS (SELECT FROM decisions.v_model_step) AS measure_shift,
    EXISTS (SELECT FROM funding.v_facility) AS take_borrowing_bases;

-- name: save_progress!
INSERT INTO day.progress (day, stage, cursor, done, finished_at)
SELECT * FROM unnest(:day::date[], :stage::text[], :cursor::text[], :done::integer[], :finished_at::timestamptz[])
ON CONFLICT (day, stage) DO UPDATE SET
    cursor = excluded.cursor, done = excluded.done, finished_at = excluded.finished_at;
