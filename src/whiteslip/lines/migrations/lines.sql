-- Lines: customers, agreements and what may be drawn.
-- depends: ledger

CREATE SCHEMA lines;

CREATE TABLE lines.customer (
    id uuid PRIMARY KEY,
    reference text UNIQUE,
    language text NOT NULL CHECK (language IN ('zh-CN', 'en')),
    opened_at timestamptz NOT NULL
);

-- What lines agreed to, once per version; the version is the hash of the terms.
CREATE TABLE lines.terms (
    version text PRIMARY KEY,
    terms jsonb NOT NULL
);
CALL store.append_only('lines.terms');

CREATE TABLE lines.line (
    id uuid PRIMARY KEY,
    customer uuid NOT NULL REFERENCES lines.customer,
    pack text NOT NULL,
    currency text NOT NULL,
    timezone text NOT NULL,
    terms_version text NOT NULL REFERENCES lines.terms,
    limit_minor bigint NOT NULL CHECK (limit_minor >= 0),
    -- The highest there ever was: what is used is measured by it, so that a lower limit makes nobody look worse.
    highest_limit_minor bigint NOT NULL CHECK (highest_limit_minor >= limit_minor),
    statement_day smallint NOT NULL CHECK (statement_day BETWEEN 1 AND 28),
    lifecycle text NOT NULL CHECK (lifecycle IN ('active', 'closing', 'run_off', 'closed')),
    opened_on date NOT NULL,
    -- Whether the customer then had the terms and was told of the right to withdraw.
    informed boolean NOT NULL,
    closed_on date CHECK ((closed_on IS NOT NULL) = (lifecycle = 'closed')),
    principal uuid NOT NULL,
    interest uuid NOT NULL,
    fee uuid NOT NULL,
    credit uuid NOT NULL
);
CREATE INDEX line_customer ON lines.line (customer);
CREATE INDEX line_closed ON lines.line (closed_on) WHERE closed_on IS NOT NULL;

-- What was agreed stays, but for new terms of which the holder was told and that they did not reject; a closed
-- line stays closed, and a line closes only at zero.
CREATE FUNCTION lines.keep_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (new.id, new.customer, new.pack, new.currency, new.timezone,
        new.opened_on, new.informed, new.principal, new.interest, new.fee, new.credit)
        IS DISTINCT FROM
        (old.id, old.customer, old.pack, old.currency, old.timezone,
        old.opened_on, old.informed, old.principal, old.interest, old.fee, old.credit)
        OR (new.terms_version <> old.terms_version AND NOT EXISTS (
            SELECT FROM lines.terms_notice AS n JOIN lines.terms_change AS c ON c.id = n.change
            WHERE n.line = old.id AND n.outcome = 'told' AND c.state = 'approved'
                AND (c.from_version, c.to_version) = (old.terms_version, new.terms_version)))
    THEN
        RAISE EXCEPTION 'what was agreed on line % is fixed', old.id USING ERRCODE = 'WN001';
    END IF;
    IF old.lifecycle = 'closed' AND new.lifecycle <> 'closed' THEN
        RAISE EXCEPTION 'line % is closed and stays closed', old.id USING ERRCODE = 'WN002';
    END IF;
    IF new.lifecycle = 'closed' AND old.lifecycle <> 'closed' AND EXISTS (
        SELECT FROM ledger.v_balance AS b
        WHERE b.id IN (new.principal, new.interest, new.fee)
            AND (b.net_debit <> 0 OR b.debits_pending <> 0))
    THEN
        RAISE EXCEPTION 'line % still owes or holds something', old.id USING ERRCODE = 'WN003';
    END IF;
    RETURN new;
END
$$;
CREATE TRIGGER keep_agreement BEFORE UPDATE ON lines.line
FOR EACH ROW EXECUTE FUNCTION lines.keep_agreement();

-- Draw permission is the AND of the locks that stand. Only the party that set one lifts it. A lock
-- is on all drawing, or on one feature of it; ``value`` names the category or the shop. A firm lock
-- stands until its time is over: who set it for their own protection cannot talk it away.
CREATE TABLE lines.lock (
    id uuid PRIMARY KEY,
    line uuid NOT NULL REFERENCES lines.line,
    kind text NOT NULL CHECK (kind IN ('customer', 'issuer', 'legal', 'exit')),
    party text NOT NULL CHECK (party IN ('customer', 'issuer', 'authority')),
    ground text NOT NULL CHECK (
        ground IN ('general', 'firm', 'restriction', 'charge_off', 'sale', 'step_up', 'order')
    ),
    feature text NOT NULL DEFAULT 'all'
        CHECK (feature IN ('all', 'category', 'merchant', 'cash', 'instalments', 'night', 'unconfirmed')),
    value text NOT NULL DEFAULT '' CHECK ((value <> '') = (feature IN ('category', 'merchant'))),
    reason text NOT NULL,
    until timestamptz,
    firm boolean NOT NULL DEFAULT false CHECK (NOT firm OR until IS NOT NULL),
    set_at timestamptz NOT NULL,
    -- What is told late counts from the day it began.
    began_at timestamptz NOT NULL CHECK (began_at <= set_at),
    lifted_at timestamptz,
    CHECK (feature = 'all' OR kind IN ('customer', 'issuer'))
);
-- Two parties may lock for the same cause, and one party on two grounds; lifting one lock leaves the other.
CREATE UNIQUE INDEX lock_standing ON lines.lock (line, kind, party, ground, feature, value)
WHERE lifted_at IS NULL;

-- What an authorisation needs to know of a line; narrow, because it is read for each purchase.
CREATE VIEW lines.v_drawing AS
SELECT l.id, l.currency, l.timezone, l.terms_version, l.lifecycle, l.limit_minor, l.principal,
    coalesce(p.room, 0)::bigint AS room_minor,
    -- As in v_line, and with 'issuer:' before a part that the lender locked; null when nothing is locked.
    nullif(ARRAY(
        SELECT DISTINCT CASE WHEN k.feature = 'all' THEN k.kind
            WHEN k.kind = 'issuer' THEN 'issuer:' || k.feature || ':' || k.value
            ELSE k.feature || ':' || k.value END
        FROM lines.lock AS k WHERE k.line = l.id AND k.lifted_at IS NULL
    ), '{}') AS locks,
    l.pack
FROM lines.line AS l LEFT JOIN ledger.v_balance AS p ON p.id = l.principal;

-- Others who may draw on a line: what they buy, the customer owes. What names them is in the vault
-- under their id; whoever is removed can be removed once and does not come back under that id.
CREATE TABLE lines.authorised_user (
    id uuid PRIMARY KEY,
    line uuid NOT NULL REFERENCES lines.line,
    language text NOT NULL CHECK (language IN ('zh-CN', 'en')),
    added_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE INDEX authorised_user_line ON lines.authorised_user (line, added_at);

-- A higher limit that the lender proposed. It takes effect by consent and by time, never by one alone.
CREATE TABLE lines.limit_increase (
    id uuid PRIMARY KEY,
    line uuid NOT NULL REFERENCES lines.line,
    to_minor bigint NOT NULL CHECK (to_minor > 0),
    from_minor bigint CHECK (from_minor < to_minor),
    effective_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'consented', 'effective', 'declined', 'dropped')),
    proposed_at timestamptz NOT NULL,
    consented_at timestamptz,
    ended_at timestamptz,
    ended_why text,
    CHECK (state NOT IN ('consented', 'effective') OR consented_at IS NOT NULL),
    CHECK ((ended_at IS NULL) = (state IN ('proposed', 'consented')))
);
CREATE UNIQUE INDEX limit_increase_open ON lines.limit_increase (line)
WHERE state IN ('proposed', 'consented');

-- New terms that one person proposed for a line, or for all open lines of a pack that have a version, and
-- another approved; then what each holder was told, and what came of it on their line.
CREATE TABLE lines.terms_change (
    id uuid PRIMARY KEY,
    pack text NOT NULL,
    from_version text NOT NULL REFERENCES lines.terms,
    to_version text NOT NULL REFERENCES lines.terms CHECK (to_version <> from_version),
    line uuid REFERENCES lines.line,
    effective_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'approved', 'turned_down', 'taken_back')),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by text CHECK (decided_by <> proposed_by),
    decided_at timestamptz,
    taken_back_by text,
    taken_back_at timestamptz,
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK (state = 'taken_back' OR (state = 'proposed') = (decided_by IS NULL)),
    CHECK ((state = 'taken_back') = (taken_back_by IS NOT NULL)
        AND (taken_back_by IS NULL) = (taken_back_at IS NULL))
);
CREATE TABLE lines.terms_notice (
    id uuid PRIMARY KEY,
    change uuid NOT NULL REFERENCES lines.terms_change,
    line uuid NOT NULL REFERENCES lines.line,
    effective_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('told', 'in_force', 'rejected', 'passed_over', 'taken_back')),
    told_at timestamptz NOT NULL CHECK (told_at < effective_at),
    ended_at timestamptz,
    ended_why text,
    CHECK ((outcome = 'told') = (ended_at IS NULL)),
    CHECK (outcome <> 'in_force' OR ended_at >= effective_at),
    UNIQUE (change, line)
);
CREATE UNIQUE INDEX terms_notice_open ON lines.terms_notice (line) WHERE outcome = 'told';

-- What is open on a line; there is at most one.
CREATE VIEW lines.v_increase AS
SELECT id, line, to_minor, effective_at, state FROM lines.limit_increase
WHERE state IN ('proposed', 'consented');

CREATE VIEW lines.v_user AS
SELECT id, line, language, added_at, removed_at FROM lines.authorised_user;

-- Locks with their times, for rooms that count them.
CREATE VIEW lines.v_lock AS
SELECT line, kind, party, ground, feature, reason, firm, set_at, until, lifted_at FROM lines.lock;

-- In which language somebody is written to.
CREATE VIEW lines.v_customer AS
SELECT id, language FROM lines.customer;

CREATE VIEW lines.v_terms AS
SELECT version, terms FROM lines.terms;

CREATE VIEW lines.v_line AS
SELECT l.*,
    -- A kind for a lock on all drawing, feature and value for one on a feature.
    ARRAY(
        SELECT DISTINCT CASE k.feature WHEN 'all' THEN k.kind ELSE k.feature || ':' || k.value END
        FROM lines.lock AS k WHERE k.line = l.id AND k.lifted_at IS NULL
    ) AS locks,
    p.net_debit AS principal_minor, p.debits_pending AS held_minor,
    coalesce(p.room, 0)::bigint AS room_minor,
    i.net_debit AS interest_minor, f.net_debit AS fee_minor, -c.net_debit AS credit_minor
FROM lines.line AS l
-- Outer, so that a reader who asks for no balances pays for none.
LEFT JOIN ledger.v_balance AS p ON p.id = l.principal
LEFT JOIN ledger.v_balance AS i ON i.id = l.interest
LEFT JOIN ledger.v_balance AS f ON f.id = l.fee
LEFT JOIN ledger.v_balance AS c ON c.id = l.credit;

-- Lines held until the transaction ends, as they stand then. Lines are locked before anything is decided
-- about them, always in id order; each statement of a volatile function sees what was committed before it.
-- They are found by id however many there are, so planning it again for each call is in vain.
CREATE FUNCTION lines.locked(p_ids uuid []) RETURNS SETOF lines.v_line LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM FROM lines.line WHERE id = ANY(p_ids) ORDER BY id FOR UPDATE;
    RETURN QUERY SELECT * FROM lines.v_line WHERE id = ANY(p_ids) ORDER BY id;
END
$$;
