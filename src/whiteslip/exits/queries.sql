-- name: add!
INSERT INTO exits.exit (
    id, reference, line, customer, kind, channel, reason, state, why, since, ground, held_from, identity,
    not_me, route, path, requested_at, confirmed_at, closed_at, due_at, tail_until, plan
) VALUES (
    :id, :reference, :line, :customer, :kind, :channel, :reason, :state, :why, :since, :ground, :held_from,
    :identity, :not_me, :route, :path, :requested_at, :confirmed_at, :closed_at, :due_at, :tail_until,
    :plan
);

-- name: save!
UPDATE exits.exit SET
    kind = :kind, reason = :reason, requested_at = :requested_at, state = :state, why = :why, since = :since, ground = :ground,
    held_from = :held_from, identity = :identity, not_me = :not_me, route = :route, path = :path,
    confirmed_at = :confirmed_at, closed_at = :closed_at, due_at = :due_at, tail_until = :tail_until,
    plan = :plan
WHERE id = :id;

-- name: by_id^
SELECT * FROM exits.exit WHERE id = :id;

-- name: lock_one^
SELECT * FROM exits.exit WHERE id = :id FOR UPDATE;

-- name: lock_many
SELECT * FROM exits.exit WHERE id = ANY(:ids::uuid[]) ORDER BY id FOR UPDATE;

-- name: by_reference^
SELECT * FROM exits.exit WHERE reference = :reference;

-- name: open_of_line^
SELECT * FROM exits.exit
WHERE line = :line AND state IN ('stopped', 'confirmed', 'run_off', 'clearing', 'held');

-- name: notice_of_line^
SELECT * FROM exits.exit WHERE line = :line AND state = 'notice';

-- name: standing^
SELECT * FROM exits.exit
WHERE line = :line AND state IN ('stopped', 'confirmed', 'run_off', 'clearing', 'held', 'notice')
ORDER BY state = 'notice' LIMIT 1;

-- name: of_line
SELECT * FROM exits.exit WHERE line = :line ORDER BY requested_at DESC, id DESC;

-- name: queue
-- Cases that wait for a person, the one whose deadline breaks first on top; not what was just
-- chosen for, nor what was put aside.
SELECT e.* FROM exits.exit AS e
LEFT JOIN exits.snooze AS s ON s.exit = e.id AND s.until > :now
LEFT JOIN exits.pending AS p ON p.exit = e.id
WHERE ((e.state = 'held' AND e.ground = 'identity')
        OR (e.state = 'confirmed' AND e.route = 'desk' AND e.path IS NULL))
    AND s.exit IS NULL AND p.exit IS NULL
    AND (:after::uuid IS NULL OR (coalesce(e.due_at, 'infinity'), e.id) > (
        SELECT coalesce(a.due_at, 'infinity'), a.id FROM exits.exit AS a WHERE a.id = :after))
ORDER BY e.due_at, e.id LIMIT :count;

-- name: next_case^
-- The case whose deadline breaks first and that nobody else works on.
SELECT e.* FROM exits.exit AS e LEFT JOIN exits.claim AS c ON c.exit = e.id AND c.until > :now
WHERE ((e.state = 'held' AND e.ground = 'identity')
        OR (e.state = 'confirmed' AND e.route = 'desk' AND e.path IS NULL))
    AND (c.actor IS NULL OR c.actor = :actor)
    AND NOT EXISTS (
        SELECT FROM exits.proposal AS p
        WHERE p.exit = e.id AND p.outcome = 'open' AND p.proposed_by = :actor)
    AND NOT EXISTS (SELECT FROM exits.pending AS p WHERE p.exit = e.id)
    AND NOT EXISTS (SELECT FROM exits.snooze AS s WHERE s.exit = e.id AND s.until > :now)
    AND e.id <> ALL(:but::uuid[])
ORDER BY e.due_at, e.id LIMIT 1 FOR UPDATE OF e SKIP LOCKED;

-- name: add_pending!
INSERT INTO exits.pending (
    exit, path, ground, reasons, actor, chosen_at, due_at, proposal, letter_sha256
) VALUES (
    :exit, :path, :ground, :reasons::text[], :actor, :chosen_at, :due_at, :proposal, :letter_sha256
);

-- name: pending^
SELECT * FROM exits.pending WHERE exit = :exit;

-- name: pending_of
-- What somebody chose and can still take back, the newest first.
SELECT p.exit, e.reference, p.path, p.due_at FROM exits.pending AS p JOIN exits.exit AS e ON e.id = p.exit
WHERE p.actor = :actor AND p.due_at > :now ORDER BY p.chosen_at DESC, p.exit LIMIT 5;

-- name: drop_pending!
DELETE FROM exits.pending WHERE exit = :exit;

-- name: snooze!
INSERT INTO exits.snooze (exit, actor, until) VALUES (:exit, :actor, :until)
ON CONFLICT (exit) DO UPDATE SET actor = excluded.actor, until = excluded.until;

-- name: snoozed_until$
SELECT until FROM exits.snooze WHERE exit = :exit AND until > :now;

-- name: claim^
INSERT INTO exits.claim AS c (exit, actor, until) VALUES (:exit, :actor, :until)
ON CONFLICT (exit) DO UPDATE SET actor = excluded.actor, until = excluded.until
    WHERE c.actor = excluded.actor OR c.until <= :now
RETURNING exit;

-- name: claim_of^
SELECT actor, until FROM exits.claim WHERE exit = :exit AND until > :now;

-- name: release_claim!
DELETE FROM exits.claim WHERE exit = :exit AND actor = :actor;

-- name: add_proposal!
INSERT INTO exits.proposal (id, exit, path, ground, reasons, proposed_by, proposed_at)
VALUES (:id, :exit, :path, :ground, :reasons::text[], :proposed_by, :proposed_at);

-- name: decide_proposal!
UPDATE exits.proposal SET outcome = :outcome, decided_by = :decided_by, decided_at = :now
WHERE id = :id AND outcome = 'open';

-- name: proposal^
SELECT id, exit, path, ground, reasons, proposed_by, proposed_at FROM exits.proposal
WHERE exit = :exit AND outcome = 'open';

-- name: page
-- :sent_by is the reason for which the table sent a case to the desk.
SELECT * FROM exits.exit AS e
WHERE id > :after AND (:state::text IS NULL OR state = :state) AND (:reason::text IS NULL OR reason = :reason)
    AND (:sent_by::text IS NULL OR EXISTS (
        SELECT FROM decisions.v_decision AS d WHERE d.subject = e.id AND d.table_name = 'exit-routing'
            AND d.outcome ->> 'route' = 'desk' AND d.reasons[1] = :sent_by))
ORDER BY id LIMIT :count;

-- name: recent
-- :sent_by as above.
SELECT * FROM exits.exit AS e
WHERE (:state::text IS NULL OR state = :state) AND (:reason::text IS NULL OR reason = :reason)
    AND (:sent_by::text IS NULL OR EXISTS (
        SELECT FROM decisions.v_decision AS d WHERE d.subject = e.id AND d.table_name = 'exit-routing'
            AND d.outcome ->> 'route' = 'desk' AND d.reasons[1] = :sent_by))
ORDER BY requested_at DESC, id DESC LIMIT :count;

-- name: counts
SELECT state, count(*) AS count FROM exits.exit GROUP BY state;

-- name: to_review
-- Open cases that something may have changed for: debt is gone, a payment came back, a deadline.
SELECT e.id, e.line FROM exits.exit AS e JOIN lines.v_line AS l ON l.id = e.line
WHERE e.id > :after AND (
    (e.state = 'run_off' AND l.principal_minor + l.interest_minor + l.fee_minor <= :de_minimis
        AND l.held_minor = 0)
    OR e.state IN ('confirmed', 'clearing')
    OR (e.state = 'notice' AND (e.kind = 'inactivity' OR e.due_at <= :now::timestamptz))
    OR (e.state = 'stopped' AND e.due_at <= :now::timestamptz)
    OR e.state = 'held'
    OR (e.state <> 'held' AND 'legal' = ANY(l.locks)
        AND e.state IN ('stopped', 'run_off'))
    -- Money that is the customer's goes out however late it comes, after the tail as well.
    OR (e.state = 'closed' AND l.credit_minor > 0)
    OR (e.state = 'closed' AND l.principal_minor + l.interest_minor + l.fee_minor BETWEEN 1 AND :de_minimis)
    OR e.tail_until <= (:now::timestamptz AT TIME ZONE l.timezone)::date
)
ORDER BY e.id LIMIT :count;

-- name: add_assessment!
INSERT INTO exits.assessment (exit, at, decision, route, reasons, parts)
VALUES (:exit, :now, :decision, :route, :reasons, :parts);

-- name: assessment^
SELECT exit, at, decision, route, reasons, parts FROM exits.assessment
WHERE exit = :exit ORDER BY at DESC LIMIT 1;

-- name: add_choice!
INSERT INTO exits.choice (exit, at, actor, path, ground, reasons, route, blind, letter_sha256)
VALUES (:exit, :now, :actor, :path, :ground, :reasons, :route, :blind, :letter_sha256);

-- name: choices
SELECT at, actor, path, ground, reasons, route, blind, letter_sha256 FROM exits.choice
WHERE exit = :exit ORDER BY at;

-- name: agreement
-- How often each path was chosen on each advice, blind or seen; by people, not by a simulation.
SELECT route, path, blind, count(*) AS count FROM exits.choice
WHERE route IS NOT NULL AND actor LIKE 'staff:%%' GROUP BY route, path, blind;

-- name: inactive
-- Lines in use on which nothing is owed and nothing has moved for so many months of their own days, and
-- whose end was not weighed in that time either, but by one proposal; one line, or all above an id.
SELECT l.id FROM lines.v_line AS l
CROSS JOIN LATERAL (
    SELECT ((:now::timestamptz AT TIME ZONE l.timezone)::date - make_interval(months => :months))::date AS day
) AS since
WHERE l.pack = :pack AND l.lifecycle = 'active' AND l.opened_on <= since.day
    AND l.id > :after AND (:line::uuid IS NULL OR l.id = :line)
    AND l.principal_minor + l.interest_minor + l.fee_minor + l.credit_minor = 0 AND l.held_minor = 0
    AND NOT EXISTS (
        SELECT FROM ledger.v_touched AS t WHERE t.account = l.principal AND t.booked_on > since.day)
    AND NOT EXISTS (SELECT FROM purchases.v_disputed AS d WHERE d.line = l.id)
    AND NOT EXISTS (SELECT FROM exits.exit AS e WHERE e.line = l.id AND e.state = 'notice')
    AND NOT EXISTS (
        SELECT FROM exits.termination AS t WHERE t.line = l.id
            AND t.id IS DISTINCT FROM :but
            AND (t.outcome = 'open' OR (t.proposed_at AT TIME ZONE l.timezone)::date > since.day))
ORDER BY l.id LIMIT :count;

-- name: add_termination!
INSERT INTO exits.termination (id, line, kind, reasons, proposed_by, proposed_at)
VALUES (:id, :line, :kind, :reasons::text[], :proposed_by, :proposed_at);

-- name: decide_termination!
UPDATE exits.termination SET outcome = :outcome, decided_by = :decided_by, decided_at = :decided_at, exit = :exit
WHERE id = :id AND outcome = 'open';

-- name: overtake_termination$
UPDATE exits.termination SET outcome = 'overtaken', decided_at = :now WHERE line = :line AND outcome = 'open'
RETURNING id;

-- name: termination^
SELECT * FROM exits.termination WHERE id = :id FOR UPDATE;

-- name: open_terminations
SELECT * FROM exits.termination WHERE outcome = 'open' AND id > :after ORDER BY id LIMIT :count;

-- name: terminations_of_line
SELECT * FROM exits.termination WHERE line = :line ORDER BY proposed_at DESC, id DESC;

-- name: termination_of_exit^
SELECT * FROM exits.termination WHERE exit = :exit;

-- name: add_estate!
INSERT INTO exits.estate (line, exit, reported_by, reported_at, took_over)
VALUES (:line, :exit, :reported_by, :reported_at, :took_over);

-- name: save_estate!
UPDATE exits.estate SET exit = :exit, contact = :contact,
    earlier_contacts = earlier_contacts || array_remove(ARRAY[nullif(contact, :contact)], NULL), language = :language, authority = :authority,
    told_at = :told_at, told_minor = :told_minor, settle_by = :settle_by, undo_asked_by = :undo_asked_by
WHERE line = :line AND ended_at IS NULL;

-- name: end_estate!
UPDATE exits.estate SET ended_at = :now WHERE line = :line AND ended_at IS NULL;

-- name: estate_of_line^
SELECT * FROM exits.estate WHERE line = :line AND ended_at IS NULL;

-- name: paid_since$
-- What came in after an instant, is still there, and counts from no later than a day.
SELECT coalesce(sum(amount_minor), 0)::bigint FROM billing.v_payment
WHERE line = :line AND received_at > :since AND value_on <= :until AND returned_at IS NULL;

-- name: bought_since$
-- What was captured after a day: promised to shops before drawing stopped.
SELECT coalesce(sum(principal_minor), 0)::bigint FROM billing.v_bought
WHERE line = :line AND opened_on > :day;

-- name: credit_since$
-- When the credit that stands on a line began to: its first movement after the last payout, if any.
SELECT min(t.at) FROM lines.v_line AS l JOIN ledger.v_touched AS t ON t.account = l.credit
WHERE l.id = :line AND (:paid_at::timestamptz IS NULL OR t.at > :paid_at);

-- name: violations
SELECT invariant, detail FROM exits.v_violation
WHERE :ended_after::timestamptz IS NULL OR ended_at IS NULL OR ended_at > :ended_after
LIMIT 100;

-- name: add_restriction!
INSERT INTO exits.restriction (
    id, reference, line, reasons, set_by, set_at, review_on, measure, feature, cap_minor, before_minor
) VALUES (
    :id, :reference, :line, :reasons::text[], :set_by, :set_at, :review_on, :measure, :feature, :cap_minor,
    :before_minor
);

-- name: renew_restriction!
UPDATE exits.restriction SET reasons = :reasons::text[], review_on = :review_on WHERE id = :id;

-- name: lift_restriction!
UPDATE exits.restriction SET lifted_at = :now, lifted_why = :why WHERE id = :id;

-- name: restriction_of_line^
SELECT id, reference, line, reasons, set_by, set_at, review_on, measure, feature, cap_minor, before_minor
FROM exits.restriction
WHERE line = :line AND lifted_at IS NULL;

-- name: restriction^
SELECT id, reference, line, reasons, set_by, set_at, review_on, measure, feature, cap_minor, before_minor
FROM exits.restriction
WHERE id = :id AND lifted_at IS NULL;

-- name: ties^
-- Everything that hangs on a line, in one look.
SELECT
    ARRAY(
        SELECT m.reference FROM billing.v_mandate AS m
        WHERE m.line = :line AND m.state = 'active' ORDER BY m.signed_on, m.id
    ) AS mandates,
    ARRAY(
        SELECT c.shop FROM purchases.v_credential AS c WHERE c.line = :line ORDER BY c.last_used_at DESC, c.shop
    ) AS shops,
    ARRAY(
        SELECT u.id FROM lines.v_user AS u WHERE u.line = :line AND u.removed_at IS NULL ORDER BY u.added_at, u.id
    ) AS users,
    coalesce((
        SELECT -b.net_debit FROM ledger.v_balance AS b
        WHERE b.owner = :line AND b.code = 'line.reward' AND b.currency = :currency
    ), 0) AS reward_minor,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object('title', v.title, 'usable_until', v.usable_until) ORDER BY v.usable_until, v.id)
        FROM billing.v_coupon AS v
        WHERE v.line = :line AND v.used_at IS NULL AND v.usable_until >= :today
    ), '[]') AS vouchers,
    (SELECT i.to_minor FROM lines.v_increase AS i WHERE i.line = :line) AS increase_to_minor;

-- name: one_look_at_a_time^
SELECT pg_advisory_xact_lock(hashtextextended('offer ' || :customer, 0))::text;

-- name: add_offer!
INSERT INTO exits.offer (
    id, customer, line, offer, kind, days, why, held_out, held_out_percent, drawn_bps, months, shown_at
) VALUES (
    :id, :customer, :line, :offer, :kind, :days, :why, :held_out, :held_out_percent, :drawn_bps, :months, :now
);

-- name: offer_has_ended$
SELECT EXISTS (SELECT FROM exits.offer_end WHERE offer = :offer);

-- name: end_offer$
INSERT INTO exits.offer_end (offer, why, actor, ended_at) VALUES (:offer, :why, :actor, :now)
ON CONFLICT (offer) DO NOTHING RETURNING offer;

-- name: last_offer^
SELECT id, customer, line, offer, kind, days, why, held_out, shown_at, answered_at, chosen
FROM exits.offer WHERE customer = :customer ORDER BY shown_at DESC, id DESC LIMIT 1;

-- name: answer_offer!
UPDATE exits.offer SET answered_at = :now, chosen = :chosen WHERE id = :id;
-- name: wake!
DELETE FROM exits.snooze WHERE exit = :exit;

-- name: add_paper_request!
INSERT INTO exits.paper_request (id, exit, wanted, why, asked_by, asked_at, answer_by, code_hash)
VALUES (:id, :exit, :wanted, :why, :asked_by, :asked_at, :answer_by, :code_hash);

-- name: save_paper_request!
UPDATE exits.paper_request SET document = :document, handed_in_at = :handed_in_at WHERE id = :id;

-- name: paper_requests
SELECT id, exit, wanted, why, asked_by, asked_at, answer_by, document, handed_in_at
FROM exits.paper_request WHERE exit = :exit ORDER BY asked_at DESC, id DESC;

-- name: paper_request_by_code^
SELECT id, exit, wanted, why, asked_by, asked_at, answer_by, document, handed_in_at
FROM exits.paper_request WHERE code_hash = :code_hash;

-- name: restriction_proposal_of_line^
SELECT * FROM exits.restriction_proposal WHERE line = :line AND outcome = 'open';

-- name: add_restriction_proposal!
INSERT INTO exits.restriction_proposal (
    id, line, measure, feature, cap_minor, reasons, alert, decision, proposed_by, proposed_at
) VALUES (
    :id, :line, :measure, :feature, :cap_minor, :reasons::text[], :alert, :decision, :proposed_by, :proposed_at
);

-- name: decide_restriction_proposal!
UPDATE exits.restriction_proposal
SET outcome = :outcome, decided_by = :decided_by, decided_at = :decided_at, restriction = :restriction
WHERE id = :id AND outcome = 'open';

-- name: restriction_proposal^
SELECT * FROM exits.restriction_proposal WHERE id = :id FOR UPDATE;

-- name: restriction_proposals_waiting
SELECT * FROM exits.restriction_proposal WHERE outcome = 'open' AND id > :after ORDER BY id LIMIT :count;

-- name: had_part_in_restriction$
SELECT EXISTS (SELECT FROM exits.restriction WHERE id = :restriction AND set_by = :actor)
    OR EXISTS (
        SELECT FROM exits.restriction_proposal
        WHERE restriction = :restriction AND :actor IN (proposed_by, decided_by));

-- name: restriction_objection_open$
SELECT EXISTS (
    SELECT FROM exits.restriction_objection WHERE restriction = :restriction AND outcome IS NULL);

-- name: add_restriction_objection!
INSERT INTO exits.restriction_objection (id, restriction, line, words, opened_at, due_at)
VALUES (:id, :restriction, :line, :words, :opened_at, :due_at);

-- name: restriction_objection^
SELECT * FROM exits.restriction_objection WHERE id = :id;

-- name: lock_restriction_objection^
SELECT * FROM exits.restriction_objection WHERE id = :id FOR UPDATE;

-- name: last_restriction_objection^
SELECT * FROM exits.restriction_objection WHERE restriction = :restriction
ORDER BY opened_at DESC, id DESC LIMIT 1;

-- name: restriction_objections
SELECT * FROM exits.restriction_objection WHERE outcome IS NULL AND id > :after ORDER BY id LIMIT :count;

-- name: propose_restriction_stays!
UPDATE exits.restriction_objection SET stay_by = :stay_by, stay_why = :stay_why
WHERE id = :id AND outcome IS NULL;

-- name: answer_restriction_objection!
UPDATE exits.restriction_objection
SET outcome = :outcome, answered_by = :answered_by, answered_at = :answered_at
WHERE id = :id AND outcome IS NULL;

-- name: borne_reasons
-- Of the reasons that the books can tell, those that hold for each line.
SELECT l.id AS line, told.reason FROM lines.v_line AS l
CROSS JOIN LATERAL (
    SELECT 'past_due' AS reason WHERE EXISTS (
        SELECT FROM billing.v_open AS o
        WHERE o.line = l.id AND o.billed
            AND o.due_on < (:now::timestamptz AT TIME ZONE l.timezone)::date)
    UNION ALL
    SELECT 'returned_payments' WHERE EXISTS (
        SELECT FROM billing.v_payment AS p WHERE p.line = l.id AND p.returned_at >= :returned_since)
) AS told
WHERE l.id = ANY(:lines);

-- name: restricted_by_books
-- Standing restrictions with no reason but those that the books can tell.
SELECT line, reasons FROM exits.restriction
WHERE lifted_at IS NULL AND reasons <@ :told::text[]
ORDER BY line;

-- name: freeze_of_line^
SELECT id, line, ground, reference, proposed_by, proposed_at, placed_by, placed_at, lift_by, lifted_by, lifted_at
FROM exits.freeze WHERE line = :line AND lifted_at IS NULL;

-- name: lines_untold
-- Lines on which an order of one of these grounds is proposed, stands or stood.
SELECT DISTINCT line FROM exits.freeze WHERE line = ANY(:lines::uuid[]) AND ground = ANY(:grounds::text[]);

-- name: freeze_by_id^
SELECT id, line, ground, reference, proposed_by, proposed_at, placed_by, placed_at, lift_by, lifted_by, lifted_at
FROM exits.freeze WHERE id = :id;

-- name: drop_freeze!
-- A proposal that another one takes the place of, or that was turned down.
DELETE FROM exits.freeze WHERE line = :line AND placed_at IS NULL;

-- name: propose_freeze!
INSERT INTO exits.freeze (id, line, ground, reference, proposed_by, proposed_at)
VALUES (:id, :line, :ground, :reference, :actor, :now);

-- name: place_freeze!
UPDATE exits.freeze SET placed_by = :actor, placed_at = :now WHERE id = :id;

-- name: propose_lift!
UPDATE exits.freeze SET lift_by = :actor WHERE id = :id;

-- name: keep_freeze!
-- A lift that was turned down.
UPDATE exits.freeze SET lift_by = NULL WHERE id = :id;

-- name: lift_freeze!
UPDATE exits.freeze SET lifted_by = :actor, lifted_at = :now WHERE id = :id;

-- name: erase_assessments$
SELECT store.erase('exits.assessment', ARRAY(SELECT id FROM exits.exit WHERE customer = :customer));

-- name: erase_offers$
WITH gone AS (
    DELETE FROM exits.offer AS o USING lines.v_line AS l
    WHERE o.customer = :customer AND l.id = o.line AND l.closed_on IS NOT NULL RETURNING 1
)
SELECT count(*) FROM gone;

-- name: add_dispute_statement!
INSERT INTO exits.dispute_statement (id, dispute, side, document, media_type, kept_by, kept_at)
VALUES (:id, :dispute, :side, :document, :media_type, :kept_by, :kept_at);

-- name: dispute_statements
SELECT id, dispute, side, document, media_type, kept_by, kept_at
FROM exits.dispute_statement WHERE dispute = :dispute ORDER BY kept_at, id;

-- name: add_default_notice!
INSERT INTO exits.default_notice (id, line, given_on, remedy_by, past_due_minor)
VALUES (:id, :line, :given_on, :remedy_by, :past_due_minor);

-- name: last_default_notice^
SELECT id, line, given_on, remedy_by, past_due_minor FROM exits.default_notice
WHERE line = :line ORDER BY given_on DESC, id DESC LIMIT 1;

-- name: in_arrears
-- Lines with something past due at the end of :day of which nobody was told: since :due_before of their pack;
-- or not since :missed payments are, or since :told_before. With what fell due when, and the highest late fee
-- that may be charged for it.
WITH late AS MATERIALIZED (
    SELECT line, min(due_on) AS since, count(DISTINCT due_on)::integer AS missed,
        sum(principal_minor + interest_minor + fee_minor)::bigint AS past_due_minor
    FROM billing.v_open WHERE billed AND due_on < :day GROUP BY line
), untold AS MATERIALIZED (
    SELECT d.*, l.customer, l.currency, l.timezone, l.pack, l.terms_version
    FROM late AS d
    JOIN lines.v_line AS l ON l.id = d.line
    JOIN unnest(:pack::text[], :due_before::date[], :missed::integer[], :told_before::date[])
        AS p (pack, due_before, missed, told_before) ON p.pack = l.pack
    LEFT JOIN LATERAL (
        SELECT a.on_day, a.missed FROM exits.arrears_letter AS a
        WHERE a.line = d.line AND a.on_day > d.since ORDER BY a.on_day DESC LIMIT 1
    ) AS told ON true
    WHERE CASE WHEN told.on_day IS NULL THEN d.since < p.due_before
            ELSE told.on_day <= p.told_before OR (d.missed >= p.missed AND told.missed < p.missed) END
        AND EXISTS (SELECT FROM identity.v_person AS v WHERE v.subject = l.customer)
        AND NOT EXISTS (SELECT FROM billing.v_charge_off AS c WHERE c.line = d.line)
        AND NOT EXISTS (SELECT FROM exits.estate AS e WHERE e.line = d.line AND e.ended_at IS NULL)
        AND NOT EXISTS (
            SELECT FROM exits.freeze AS f WHERE f.line = d.line AND f.ground = 'insolvency'
                AND f.placed_at IS NOT NULL AND f.lifted_at IS NULL)
    ORDER BY d.line LIMIT :count
)
SELECT u.line, u.since, u.missed, u.past_due_minor, u.customer, c.language, u.currency, u.timezone, u.pack,
    i.due_on, i.minor, coalesce(f.minor, 0) AS late_fee_minor, coalesce(f.days, 0) AS late_fee_days
FROM untold AS u
JOIN lines.v_customer AS c ON c.id = u.customer
CROSS JOIN LATERAL (
    SELECT array_agg(o.due_on ORDER BY o.due_on) AS due_on, array_agg(o.minor ORDER BY o.due_on) AS minor
    FROM (
        SELECT due_on, sum(principal_minor + interest_minor + fee_minor)::bigint AS minor
        FROM billing.v_open WHERE line = u.line AND billed AND due_on < :day GROUP BY due_on
    ) AS o
) AS i
LEFT JOIN LATERAL (
    SELECT (t.terms ->> 'late_fee_minor')::bigint AS minor,
        (t.terms ->> 'late_fee_grace_days')::integer AS days
    FROM billing.v_open AS o
    JOIN billing.v_plan AS p ON p.id = o.plan AND p.kind = 'purchase'
    LEFT JOIN billing.v_earlier_terms AS e ON e.plan = o.plan
    JOIN lines.v_terms AS t ON t.version = coalesce(e.version, u.terms_version)
    WHERE o.line = u.line AND o.billed AND o.due_on < :day
    ORDER BY 1 DESC, 2 LIMIT 1
) AS f ON true
ORDER BY u.line;

-- name: told_elsewhere!
-- What is past due of :lines at the end of :day, as if a letter had told of it that day.
INSERT INTO exits.arrears_letter (line, on_day, since, missed, past_due_minor)
SELECT line, :day, min(due_on), count(DISTINCT due_on), sum(principal_minor + interest_minor + fee_minor)
FROM billing.v_open WHERE line = ANY(:lines::uuid[]) AND billed AND due_on < :day GROUP BY line;

-- name: last_arrears_letter$
SELECT max(on_day) FROM exits.arrears_letter WHERE line = :line;

-- name: add_arrears_letters!
INSERT INTO exits.arrears_letter (line, on_day, since, missed, past_due_minor)
SELECT u.line, :day, u.since, u.missed, u.minor
FROM unnest(:line::uuid[], :since::date[], :missed::integer[], :past_due_minor::bigint[])
    AS u (line, since, missed, minor);

-- name: part_statements
-- When a statement of each payment was asked for, where it was.
SELECT p.id AS payment, n.queued_at FROM unnest(:payments::uuid[]) AS p (id)
JOIN notices.v_queued AS n ON n.dedupe = 'statement.part_payment:' || p.id;

-- name: unsent_letters
SELECT id, kind, subject_kind, subject, queued_at, pack, timezone FROM notices.v_timed ORDER BY queued_at, id;

-- name: stopped_late
-- Cases in which drawing was stopped later than the pack's minutes after it had to be.
SELECT e.reference FROM exits.exit AS e
JOIN lines.v_line AS l ON l.id = e.line
JOIN unnest(:packs::text[], :minutes::integer[]) AS k (pack, minutes) ON k.pack = l.pack
WHERE e.stopped_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM lines.v_lock AS o
    WHERE o.line = e.line AND o.kind = 'exit' AND o.feature = 'all'
        AND o.set_at <= e.stopped_at + make_interval(mins => k.minutes)
        AND (o.lifted_at IS NULL OR o.lifted_at >= e.stopped_at))
ORDER BY e.reference LIMIT 100;

-- name: unacknowledged
-- Disputes that nobody was written to about within the pack's days.
SELECT d.id FROM purchases.v_dispute AS d
JOIN lines.v_line AS l ON l.id = d.line
JOIN unnest(:packs::text[], :days::integer[]) AS k (pack, days) ON k.pack = l.pack
WHERE d.opened_at + make_interval(days => k.days) < :now AND NOT EXISTS (
    SELECT FROM notices.v_queued AS n
    WHERE n.dedupe IN (
            'dispute.received:' || d.id, 'dispute.posted:' || d.id, 'dispute.refund_missed:' || d.id)
        AND n.queued_at <= d.opened_at + make_interval(days => k.days))
ORDER BY d.id LIMIT 100;

-- name: open_at_zero
-- Proven cases of lines that owe, hold and dispute nothing, and since when; not where the law has them wait.
SELECT e.reference, l.pack, l.timezone, greatest(
    (coalesce(e.stopped_at, e.requested_at) AT TIME ZONE l.timezone)::date,
    (SELECT max(s.on_day) FROM billing.v_settlement AS s WHERE s.line = e.line),
    (SELECT max(d.resolved_at AT TIME ZONE l.timezone)::date FROM purchases.v_dispute AS d
     WHERE d.line = e.line)) AS zero_on
FROM exits.exit AS e JOIN lines.v_line AS l ON l.id = e.line
WHERE e.state IN ('confirmed', 'run_off', 'clearing', 'held') AND e.ground IS DISTINCT FROM 'legal'
    AND l.principal_minor + l.interest_minor + l.fee_minor + l.held_minor = 0
    AND NOT EXISTS (SELECT FROM purchases.v_disputed AS v WHERE v.line = e.line AND v.suspended_minor > 0)
ORDER BY e.requested_at LIMIT 1000;
