-- name: reached
-- The last sealed day, and how far the stages came since then; since :day where none is sealed.
SELECT s.sealed_on, p.day, p.stage, p.cursor, p.done, p.finished_at
FROM (SELECT max(day) AS sealed_on FROM ledger.v_sealed_day) AS s
LEFT JOIN day.progress AS p ON p.day >= coalesce(s.sealed_on, :day);

-- name: at_work^
-- By stage, whether there is any of what it works on: what most nights do not have, in one look.
SELECT
    EXISTS (SELECT FROM purchases.v_hold WHERE expires_at <= :now) AS expire_holds,
    EXISTS (SELECT FROM billing.v_hardship) AS watch_hardship,
    -- By UTC a day ends on itself or on the next, whatever its zone.
    EXISTS (SELECT FROM billing.v_open WHERE billed AND due_on < (:now AT TIME ZONE 'UTC')::date) AS tell_of_arrears,
    EXISTS (SELECT FROM billing.v_sale) AS remit_to_buyers,
    EXISTS (SELECT FROM exits.v_restriction) AS lift_restrictions,
    EXISTS (SELECT FROM decisions.v_model_step) AS score_lines,
    EXISTS (SELECT FROM decisions.v_model_step) AS measure_shift,
    EXISTS (SELECT FROM notices.v_sending WHERE claimed_at <= :now) OR EXISTS (SELECT FROM notices.v_timed)
        AS sweep_notices,
    EXISTS (SELECT FROM funding.v_facility) AS take_borrowing_bases,
    EXISTS (SELECT FROM exits.v_offer) AS judge_offers,
    EXISTS (SELECT FROM identity.v_document WHERE keep_until <= :now) AS delete_documents;

-- name: save_progress!
INSERT INTO day.progress (day, stage, cursor, done, finished_at)
SELECT * FROM unnest(:day::date[], :stage::text[], :cursor::text[], :done::integer[], :finished_at::timestamptz[])
ON CONFLICT (day, stage) DO UPDATE SET
    cursor = excluded.cursor, done = excluded.done, finished_at = excluded.finished_at;
