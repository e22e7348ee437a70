-- name: progress
SELECT stage, cursor, done, finished_at FROM day.progress WHERE day = :day;

-- name: save_progress!
INSERT INTO day.progress (day, stage, cursor, done, finished_at)
SELECT :day, * FROM unnest(:stage::text[], :cursor::text[], :done::integer[], :finished_at::timestamptz[])
ON CONFLICT (day, stage) DO UPDATE SET
    cursor = excluded.cursor, done = excluded.done, finished_at = excluded.finished_at;
