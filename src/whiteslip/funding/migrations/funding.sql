-- Funding: deals, what the facilities hold, and what each night made of it.
-- depends: exits

CREATE SCHEMA funding;

CREATE TABLE funding.facility (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    currency text NOT NULL,
    -- Since when more is drawn than the base bears, and since when principal pays the funder down.
    deficient_since date,
    amortising_since date
);

CREATE VIEW funding.v_facility AS SELECT id, name, currency FROM funding.facility;

-- Versions of a deal; the newest one counts.
CREATE TABLE funding.deal (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    facility uuid NOT NULL REFERENCES funding.facility,
    version text NOT NULL,
    content jsonb NOT NULL,
    loaded_at timestamptz NOT NULL,
    actor text NOT NULL
);
CREATE INDEX deal_facility ON funding.deal (facility, seq);
CALL store.append_only('funding.deal');

-- What was drawn and what the accounts hold; the newest statement counts.
CREATE TABLE funding.position (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    facility uuid NOT NULL REFERENCES funding.facility,
    debt_minor bigint NOT NULL CHECK (debt_minor >= 0),
    cash_minor bigint NOT NULL CHECK (cash_minor >= 0),
    reserve_minor bigint NOT NULL CHECK (reserve_minor >= 0),
    stated_at timestamptz NOT NULL,
    actor text NOT NULL
);
CREATE INDEX position_facility ON funding.position (facility, seq);
CALL store.append_only('funding.position');

-- The proof holds the facts and the verdict of each receivable, packed; the hash is of it unpacked.
CREATE TABLE funding.night (
    facility uuid NOT NULL REFERENCES funding.facility,
    day date NOT NULL,
    version text NOT NULL,
    position jsonb NOT NULL,
    base jsonb NOT NULL,
    performance jsonb NOT NULL,
    pool_minor bigint NOT NULL,
    delinquent_minor bigint NOT NULL,
    charged_off_minor bigint NOT NULL,
    collected_minor bigint NOT NULL,
    yield_minor bigint NOT NULL,
    recovered_minor bigint NOT NULL,
    headroom jsonb NOT NULL,
    receivables integer NOT NULL,
    proof bytea NOT NULL,
    sha256 bytea NOT NULL,
    PRIMARY KEY (facility, day)
);
CALL store.append_only('funding.night');

-- What makes a pool whole. It moves money: who approves it is not who proposed it, and what the
-- software proposed takes two people.
CREATE TABLE funding.remedy (
    id uuid PRIMARY KEY,
    facility uuid NOT NULL REFERENCES funding.facility,
    kind text NOT NULL CHECK (kind IN ('deemed_collection', 'repurchase', 'substitution')),
    plan uuid NOT NULL,
    instead uuid CHECK ((instead IS NOT NULL) = (kind = 'substitution')),
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    why text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    endorsed_by text,
    outcome text CHECK (outcome IN ('approved', 'turned_down')),
    decided_by text,
    decided_at timestamptz,
    CHECK ((outcome IS NULL) = (decided_by IS NULL)),
    CHECK (outcome IS DISTINCT FROM 'approved' OR decided_by NOT IN (proposed_by, coalesce(endorsed_by, '')))
);
CREATE INDEX remedy_facility ON funding.remedy (facility, proposed_at);
-- One proposal at a time takes a plan out of a pool; what the software proposed it proposes once.
CREATE UNIQUE INDEX remedy_leaves ON funding.remedy (facility, plan)
WHERE outcome IS NULL AND kind <> 'deemed_collection';
CREATE UNIQUE INDEX remedy_once ON funding.remedy (facility, plan, why) WHERE proposed_by = 'night';
