-- Exits: every wish to leave, the path it takes, and why.
-- depends: purchases decisions identity notices

CREATE SCHEMA exits;

CREATE TABLE exits.exit (
    id uuid PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    line uuid NOT NULL,
    customer uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('close', 'withdraw', 'termination', 'inactivity', 'estate')),
    channel text NOT NULL,
    reason text,
    -- There is no state "refused" and none that waits for leave to go.
    state text NOT NULL CHECK (state IN (
        'notice', 'stopped', 'confirmed', 'run_off', 'clearing', 'closed', 'lapsed', 'held', 'cancelled',
        'rejected_not_holder')),
    why text NOT NULL,
    since timestamptz NOT NULL,
    ground text CHECK (ground IN ('identity', 'legal')),
    held_from text,
    identity text NOT NULL CHECK (identity IN ('pending', 'verified', 'doubted')),
    not_me boolean NOT NULL DEFAULT false,
    route text CHECK (route IN ('straight_through', 'desk', 'hold')),
    path text CHECK (path IN ('close_now', 'run_off', 'hold', 'reject_not_holder')),
    requested_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    closed_at timestamptz,
    due_at timestamptz,
    tail_until date,
    -- When drawing stopped: with the customer's request, or at the end of the lender's notice.
    stopped_at timestamptz GENERATED ALWAYS AS (
        CASE WHEN kind IN ('termination', 'inactivity') THEN confirmed_at ELSE requested_at END) STORED,
    -- What the customer was shown before confirming, with its schedule to the minor unit.
    plan jsonb NOT NULL,
    CHECK (state <> 'notice' OR kind IN ('termination', 'inactivity')),
    CHECK ((state = 'held') = (ground IS NOT NULL)),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL))
) WITH (fillfactor = 80);
-- One open case per line, however many times and ways the customer asks.
CREATE UNIQUE INDEX exit_open ON exits.exit (line)
    WHERE state IN ('stopped', 'confirmed', 'run_off', 'clearing', 'held');
CREATE UNIQUE INDEX exit_notice ON exits.exit (line) WHERE state = 'notice';
CREATE INDEX exit_line ON exits.exit (line, requested_at);
CREATE INDEX exit_state ON exits.exit (state, due_at);
CREATE INDEX exit_tail ON exits.exit (tail_until) WHERE tail_until IS NOT NULL;

CREATE TABLE exits.assessment (
    exit uuid NOT NULL REFERENCES exits.exit,
    at timestamptz NOT NULL,
    decision uuid NOT NULL,
    route text NOT NULL,
    reasons text[] NOT NULL,
    parts jsonb NOT NULL
);
CREATE INDEX assessment_exit ON exits.assessment (exit, at);
CALL store.append_only('exits.assessment', 'exit');

CREATE TABLE exits.choice (
    exit uuid NOT NULL REFERENCES exits.exit,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    path text NOT NULL,
    ground text,
    reasons text[] NOT NULL,
    -- What the table advised, whether the reviewer was shown it, and the letter they had read.
    route text,
    blind boolean NOT NULL,
    letter_sha256 text
);
CREATE INDEX choice_exit ON exits.choice (exit, at);
CALL store.append_only('exits.choice');

-- Who works on a case, and until when nobody else does.
CREATE TABLE exits.claim (
    exit uuid PRIMARY KEY REFERENCES exits.exit,
    actor text NOT NULL,
    until timestamptz NOT NULL
);

-- What was chosen and can still be taken back; carried out at "due_at".
CREATE TABLE exits.pending (
    exit uuid PRIMARY KEY REFERENCES exits.exit,
    path text NOT NULL,
    ground text,
    reasons text[] NOT NULL,
    actor text NOT NULL,
    chosen_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    proposal uuid,
    letter_sha256 text
);

-- Put aside till an instant before the deadline.
CREATE TABLE exits.snooze (
    exit uuid PRIMARY KEY REFERENCES exits.exit,
    actor text NOT NULL,
    until timestamptz NOT NULL
);

-- A hold and a rejection take two: one proposes it, another decides.
CREATE TABLE exits.proposal (
    id uuid PRIMARY KEY,
    exit uuid NOT NULL REFERENCES exits.exit,
    path text NOT NULL CHECK (path IN ('hold', 'reject_not_holder')),
    ground text CHECK (ground IN ('identity', 'legal')),
    reasons text[] NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by text CHECK (decided_by <> proposed_by),
    decided_at timestamptz,
    outcome text NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'approved', 'rejected', 'overtaken')),
    CHECK ((outcome = 'open') = (decided_at IS NULL)),
    CHECK ((path = 'hold') = (ground IS NOT NULL))
);
CREATE UNIQUE INDEX proposal_open ON exits.proposal (exit) WHERE outcome = 'open';

-- Drawing that the lender stopped: objective reasons, a day by which it ends unless it is renewed.
CREATE TABLE exits.restriction (
    id uuid PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    line uuid NOT NULL,
    reasons text[] NOT NULL CHECK (cardinality(reasons) BETWEEN 1 AND 4),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    review_on date NOT NULL,
    measure text NOT NULL DEFAULT 'stop' CHECK (measure IN ('stop', 'lower_cap', 'pause_feature')),
    feature text CHECK ((feature IS NOT NULL) = (measure = 'pause_feature')),
    cap_minor bigint CHECK ((cap_minor IS NOT NULL) = (measure = 'lower_cap')),
    before_minor bigint CHECK ((before_minor IS NOT NULL) = (cap_minor IS NOT NULL)),
    lifted_at timestamptz,
    lifted_why text CHECK ((lifted_why IS NULL) = (lifted_at IS NULL))
);
CREATE UNIQUE INDEX restriction_standing ON exits.restriction (line) WHERE lifted_at IS NULL;

-- An order of the law on a line, without a case: two people place it, and two lift it.
CREATE TABLE exits.freeze (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    ground text NOT NULL
        CHECK (ground IN ('court_order', 'attachment', 'insolvency', 'sanctions', 'investigation')),
    reference text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    placed_by text CHECK (placed_by <> proposed_by),
    placed_at timestamptz CHECK ((placed_at IS NULL) = (placed_by IS NULL)),
    lift_by text,
    lifted_by text CHECK (lifted_by <> lift_by),
    lifted_at timestamptz CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE UNIQUE INDEX freeze_standing ON exits.freeze (line) WHERE lifted_at IS NULL;

-- Restricting is proposed; a table says whether a second person must agree. ``alert`` is the watch's.
CREATE TABLE exits.restriction_proposal (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    measure text NOT NULL,
    feature text,
    cap_minor bigint,
    reasons text[] NOT NULL CHECK (cardinality(reasons) BETWEEN 1 AND 4),
    alert uuid,
    decision uuid NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    outcome text NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'done', 'rejected')),
    decided_by text,
    decided_at timestamptz,
    restriction uuid REFERENCES exits.restriction,
    CHECK ((outcome = 'open') = (decided_at IS NULL)),
    CHECK ((outcome = 'done') = (restriction IS NOT NULL))
);
CREATE UNIQUE INDEX restriction_proposal_open ON exits.restriction_proposal (line) WHERE outcome = 'open';
CREATE INDEX restriction_proposal_of ON exits.restriction_proposal (restriction);

-- The customer sees it otherwise; what they wrote is in the identity vault.
CREATE TABLE exits.restriction_objection (
    id uuid PRIMARY KEY,
    restriction uuid NOT NULL REFERENCES exits.restriction,
    line uuid NOT NULL,
    words uuid,
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    -- That the restriction stays is proposed by one, for a reason, and answered by another.
    stay_by text,
    stay_why text CHECK ((stay_why IS NULL) = (stay_by IS NULL)),
    outcome text CHECK (outcome IN ('stays', 'lifted')),
    answered_by text CHECK ((answered_by IS NULL) = (outcome IS NULL)),
    answered_at timestamptz CHECK ((answered_at IS NULL) = (outcome IS NULL)),
    CHECK (outcome <> 'stays' OR (stay_by IS NOT NULL AND stay_by <> answered_by))
);
CREATE UNIQUE INDEX restriction_objection_open ON exits.restriction_objection (restriction) WHERE outcome IS NULL;

-- When who missed a payment was told what is past due, and how much of how many payments that was then.
CREATE TABLE exits.arrears_letter (
    line uuid NOT NULL,
    on_day date NOT NULL,
    since date NOT NULL CHECK (since < on_day),
    missed integer NOT NULL CHECK (missed > 0),
    past_due_minor bigint NOT NULL CHECK (past_due_minor > 0),
    PRIMARY KEY (line, on_day)
);
CALL store.append_only('exits.arrears_letter');

-- What was past due and is to be put right, before a debt is lost or an agreement ends for it.
CREATE TABLE exits.default_notice (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    given_on date NOT NULL,
    remedy_by date NOT NULL CHECK (remedy_by > given_on),
    past_due_minor bigint NOT NULL CHECK (past_due_minor > 0)
);
CREATE INDEX default_notice_line ON exits.default_notice (line, given_on);
CALL store.append_only('exits.default_notice');

-- Ending an agreement takes two as well.
CREATE TABLE exits.termination (
    id uuid PRIMARY KEY,
    line uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('termination', 'inactivity')),
    reasons text[] NOT NULL CHECK (cardinality(reasons) BETWEEN 1 AND 4),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    outcome text NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'approved', 'rejected', 'overtaken')),
    decided_by text CHECK (decided_by <> proposed_by),
    decided_at timestamptz,
    exit uuid REFERENCES exits.exit,
    CHECK ((outcome = 'open') = (decided_at IS NULL)),
    CHECK ((outcome = 'approved') = (exit IS NOT NULL))
);
CREATE UNIQUE INDEX termination_open ON exits.termination (line) WHERE outcome = 'open';
CREATE INDEX termination_line ON exits.termination (line, proposed_at);

-- A death that was reported. Whom the estate is told by is in the identity vault; of the paper that
-- shows their authority only a reference is kept.
CREATE TABLE exits.estate (
    -- On a clock that stands still two reports have the same instant.
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line uuid NOT NULL,
    exit uuid NOT NULL REFERENCES exits.exit,
    reported_by text NOT NULL,
    reported_at timestamptz NOT NULL,
    contact uuid,
    -- Contacts that were replaced by another: they too are in the vault until the customer is erased.
    earlier_contacts uuid[] NOT NULL DEFAULT '{}',
    language text NOT NULL DEFAULT 'en',
    authority text,
    told_at timestamptz,
    told_minor bigint CHECK (told_minor >= 0),
    settle_by date,
    -- Somebody had asked to close and not proven who they were: that case became the estate's.
    took_over boolean NOT NULL DEFAULT false,
    -- Who says that it was reported in error, until a second person agrees.
    undo_asked_by text,
    -- Reported in error: the row stays, and counts no more.
    ended_at timestamptz,
    CHECK ((contact IS NULL) = (authority IS NULL)),
    CHECK (num_nulls(told_at, told_minor, settle_by) IN (0, 3))
);
CREATE UNIQUE INDEX estate_standing ON exits.estate (line) WHERE ended_at IS NULL;
CREATE INDEX estate_line ON exits.estate (line);

-- Each look at the page that an alternative was meant for, why, and what was answered. No answer means
-- nothing. By lot some do not see it (``held_out``), so that what it does can be told.
CREATE TABLE exits.offer (
    id uuid PRIMARY KEY,
    customer uuid NOT NULL,
    line uuid NOT NULL,
    offer text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('lower_limit', 'pause', 'hardship_help')),
    days smallint NOT NULL,
    why text NOT NULL,
    held_out boolean NOT NULL,
    held_out_percent smallint NOT NULL,
    -- How the line stood: drawn of the limit, and since when it was open.
    drawn_bps integer NOT NULL,
    months smallint NOT NULL,
    shown_at timestamptz NOT NULL,
    answered_at timestamptz,
    chosen boolean,
    CHECK ((chosen IS NULL) = (answered_at IS NULL)),
    CHECK (NOT held_out OR answered_at IS NULL)
);
CREATE INDEX offer_customer ON exits.offer (customer, shown_at);

-- Offers that were switched off; under that name nothing is shown again.
CREATE TABLE exits.offer_end (
    offer text PRIMARY KEY,
    why text NOT NULL,
    actor text NOT NULL,
    ended_at timestamptz NOT NULL
);

CREATE VIEW exits.v_offer AS
SELECT o.id, o.line, o.offer, o.kind, o.why, o.held_out, o.held_out_percent, o.drawn_bps, o.months, o.shown_at,
    o.answered_at, o.chosen, e.ended_at, e.why AS ended_why
FROM exits.offer AS o LEFT JOIN exits.offer_end AS e ON e.offer = o.offer;

-- A paper that the desk asked for. Of the letter's code only a hash is kept.
CREATE TABLE exits.paper_request (
    id uuid PRIMARY KEY,
    exit uuid NOT NULL REFERENCES exits.exit,
    wanted text NOT NULL CHECK (wanted IN ('id_document', 'authority')),
    why text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    answer_by timestamptz NOT NULL,
    code_hash bytea NOT NULL UNIQUE,
    -- A sealed document of the vault, which goes before this row does.
    document uuid,
    handed_in_at timestamptz,
    CHECK ((document IS NULL) = (handed_in_at IS NULL))
);
CREATE INDEX paper_request_exit ON exits.paper_request (exit, asked_at);

-- What either side of a dispute says, and its papers: sealed documents of the vault, which go before these rows.
CREATE TABLE exits.dispute_statement (
    id uuid PRIMARY KEY,
    dispute uuid NOT NULL,
    side text NOT NULL CHECK (side IN ('customer', 'shop')),
    document uuid NOT NULL,
    media_type text NOT NULL,
    kept_by text NOT NULL,
    kept_at timestamptz NOT NULL
);
CREATE INDEX dispute_statement_dispute ON exits.dispute_statement (dispute, kept_at);

-- Broken promises of this room; no row is sound. ``ended_at`` is of schedules alone: those of cases that are
-- over become ever more, and a night need not look at all of them. Nothing is missed for good: triggers of
-- billing.instalment refuse another sum, an earlier day and any day of what was billed, so that a change that
-- got past them could not be taken back either. Whoever looks at all later, the first night of a month,
-- `whiteslip doctor`, the end of a world or of examples/leavers.py, sees whatever happened before.
CREATE VIEW exits.v_violation AS
SELECT 'drawing stays stopped while a case is open' AS invariant, e.reference AS detail,
    NULL::timestamptz AS ended_at
FROM exits.exit AS e JOIN lines.v_line AS l ON l.id = e.line
WHERE e.state IN ('stopped', 'confirmed', 'run_off', 'clearing', 'held')
    AND (l.lifecycle NOT IN ('closing', 'run_off') OR NOT 'exit' = ANY(l.locks))
UNION ALL
SELECT 'a closed case has a closed line', e.reference, NULL
FROM exits.exit AS e JOIN lines.v_line AS l ON l.id = e.line
WHERE e.state = 'closed' AND l.lifecycle <> 'closed'
UNION ALL
SELECT 'a notice stands beside nothing that was proven', n.reference, NULL
FROM exits.exit AS n JOIN lines.v_line AS l ON l.id = n.line
WHERE n.state = 'notice' AND (l.lifecycle = 'closed' OR EXISTS (
    SELECT FROM exits.exit AS e WHERE e.line = n.line
        AND e.state IN ('stopped', 'confirmed', 'run_off', 'clearing', 'held')
        AND (e.identity = 'verified' OR e.confirmed_at IS NOT NULL)))
UNION ALL
SELECT 'nothing is authorised after the stop', format('%s: purchase %s', e.reference, p.id), NULL
FROM exits.exit AS e JOIN purchases.v_purchase AS p ON p.line = e.line
WHERE e.state IN ('stopped', 'confirmed', 'run_off', 'clearing', 'held', 'closed')
    AND p.authorised_at > e.stopped_at
UNION ALL
SELECT 'what is disputed stands in suspense', coalesce(d.currency, h.currency), NULL
FROM (SELECT currency, sum(suspended_minor) AS minor FROM purchases.v_disputed GROUP BY currency) AS d
FULL JOIN (SELECT currency, net_debit FROM ledger.v_balance WHERE code = 'house.disputed') AS h
    ON h.currency = d.currency
WHERE coalesce(d.minor, 0) <> coalesce(h.net_debit, 0)
UNION ALL
SELECT 'leaving changes no schedule', format('%s: plan %s, instalment %s', e.reference, s.plan, s.no),
    CASE WHEN e.state IN ('closed', 'lapsed', 'cancelled', 'rejected_not_holder') THEN e.since END
FROM exits.exit AS e
CROSS JOIN LATERAL jsonb_to_recordset(e.plan -> 'schedule') AS s (
    plan uuid, no smallint, due_on date, principal_minor bigint, interest_minor bigint, fee_minor bigint)
LEFT JOIN LATERAL (
    SELECT due_on, principal_minor, interest_minor, fee_minor FROM billing.v_schedule
    WHERE plan = s.plan AND no = s.no
    OFFSET 0 -- a fence: each by its key, however many the planner takes a schedule to have
) AS i ON true
WHERE (i.principal_minor, i.interest_minor, i.fee_minor)
        IS DISTINCT FROM (s.principal_minor, s.interest_minor, s.fee_minor)
    -- A later day is the customer's own wish, or none.
    OR (i.due_on IS DISTINCT FROM s.due_on AND NOT (i.due_on > s.due_on AND EXISTS (
        SELECT FROM billing.v_payday AS m WHERE m.line = e.line AND m.moved_at >= e.requested_at)));

-- Cases as rooms above see them.
CREATE VIEW exits.v_case AS
SELECT id, line, customer, kind, channel, state, route, reason, since, requested_at, confirmed_at, closed_at,
    stopped_at, not_me
FROM exits.exit;

-- Restrictions that stand.
CREATE VIEW exits.v_restriction AS
SELECT id, line, reasons, set_at, review_on FROM exits.restriction WHERE lifted_at IS NULL;

-- What the desk chose, beside what the table had advised.
CREATE VIEW exits.v_choice AS
SELECT exit, at, path, route FROM exits.choice;

-- Whom estates were told by, also of deaths that were reported in error: for who erases.
CREATE VIEW exits.v_estate_contact AS
SELECT line, unnest(earlier_contacts || contact) AS contact FROM exits.estate WHERE contact IS NOT NULL;

-- Lines whose customer is said to have died.
CREATE VIEW exits.v_estate AS
SELECT line, exit, reported_at FROM exits.estate WHERE ended_at IS NULL;
