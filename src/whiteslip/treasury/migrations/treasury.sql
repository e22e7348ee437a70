-- Treasury: plans for capacity that leaving freed. Groups of lines, and never a line.
-- depends: funding

CREATE SCHEMA treasury;

CREATE TABLE treasury.plan (
    id uuid PRIMARY KEY,
    basis jsonb NOT NULL,
    appetite jsonb NOT NULL,
    answer jsonb NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('approved', 'turned_down')),
    decided_by text,
    decided_at timestamptz,
    CHECK ((outcome IS NULL) = (decided_by IS NULL)),
    CHECK (outcome IS DISTINCT FROM 'approved' OR decided_by <> proposed_by)
);
CREATE INDEX plan_proposed_at ON treasury.plan (proposed_at);
