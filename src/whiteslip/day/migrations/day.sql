-- Day: how far the nightly close has come.
-- depends: exits

CREATE SCHEMA day;

-- A stage of a night: where its last committed batch ended, and how much it has done.
CREATE TABLE day.progress (
    day date NOT NULL,
    stage text NOT NULL,
    cursor text,
    done integer NOT NULL DEFAULT 0,
    finished_at timestamptz,
    PRIMARY KEY (day, stage)
);
