-- Lines: customers, agreements and what may be drawn.
-- depends: ledger

CREATE SCHEMA lines;

CREATE TABLE lines.customer (
    id uuid PRIMARY KEY,
    reference text UNIQUE,
    language text NOT NULL CHECK (language IN ('zh-CN', 'en')),
    opened_at timestamptz NOT NULL
);

CREATE TABLE lines.line (
    id uuid PRIMARY KEY,
    customer uuid NOT NULL REFERENCES lines.customer,
    pack text NOT NULL,
    currency text NOT NULL,
    timezone text NOT NULL,
    terms jsonb NOT NULL,
    terms_version text NOT NULL,
    limit_minor bigint NOT NULL CHECK (limit_minor >= 0),
    statement_day smallint NOT NULL CHECK (statement_day BETWEEN 1 AND 28),
    lifecycle text NOT NULL CHECK (lifecycle IN ('active', 'closing', 'run_off', 'closed')),
    opened_on date NOT NULL,
    closed_on date CHECK ((closed_on IS NOT NULL) = (lifecycle = 'closed')),
    principal uuid NOT NULL,
    interest uuid NOT NULL,
    fee uuid NOT NULL,
    credit uuid NOT NULL
);
CREATE INDEX line_customer ON lines.line (customer);

-- Draw permission is the AND of the locks that stand. Only the party that set one lifts it.
CREATE TABLE lines.lock (
    id uuid PRIMARY KEY,
    line uuid NOT NULL REFERENCES lines.line,
    kind text NOT NULL CHECK (kind IN ('customer', 'issuer', 'legal', 'exit')),
    party text NOT NULL CHECK (party IN ('customer', 'issuer', 'authority')),
    reason text NOT NULL,
    set_at timestamptz NOT NULL,
    lifted_at timestamptz
);
CREATE UNIQUE INDEX lock_standing ON lines.lock (line, kind) WHERE lifted_at IS NULL;

CREATE VIEW lines.v_line AS
SELECT l.*,
    ARRAY(
        SELECT k.kind FROM lines.lock AS k
        WHERE k.line = l.id AND k.lifted_at IS NULL ORDER BY k.kind
    ) AS locks,
    p.net_debit AS principal_minor, p.debits_pending AS held_minor,
    coalesce(p.room, 0)::bigint AS room_minor,
    i.net_debit AS interest_minor, f.net_debit AS fee_minor, -c.net_debit AS credit_minor
FROM lines.line AS l
JOIN ledger.v_balance AS p ON p.id = l.principal
JOIN ledger.v_balance AS i ON i.id = l.interest
JOIN ledger.v_balance AS f ON f.id = l.fee
JOIN ledger.v_balance AS c ON c.id = l.credit;
