-- name: open_customers!
INSERT INTO lines.customer (id, reference, language, opened_at)
SELECT *, :now FROM unnest(:id::uuid[], :reference::text[], :language::text[]);

-- name: customer^
SELECT id, reference, language, opened_at FROM lines.customer WHERE id = :id;

-- name: forget_reference!
UPDATE lines.customer SET reference = NULL WHERE id = :id;

-- name: customers_by_reference
SELECT id, reference FROM lines.customer WHERE reference = ANY(:references::text[]);

-- name: customers
SELECT id, reference, language, opened_at FROM lines.customer
WHERE id > :after ORDER BY id LIMIT :count;

-- name: keep_terms!
INSERT INTO lines.terms (version, terms) VALUES (:version, :terms) ON CONFLICT (version) DO NOTHING;

-- name: terms
SELECT version, terms FROM lines.terms WHERE version = ANY(:versions::text[]);

-- name: open_lines!
INSERT INTO lines.line (
    id, customer, pack, currency, timezone, terms_version, limit_minor, highest_limit_minor,
    statement_day, lifecycle, opened_on, informed, principal, interest, fee, credit
)
SELECT id, customer, :pack, :currency, :timezone, :terms_version, limit_minor, limit_minor,
    statement_day, 'active', opened_on, informed, principal, interest, fee, credit
FROM unnest(
    :id::uuid[], :customer::uuid[], :limit_minor::bigint[], :statement_day::smallint[],
    :opened_on::date[], :informed::boolean[], :principal::uuid[], :interest::uuid[], :fee::uuid[],
    :credit::uuid[]
) AS n (id, customer, limit_minor, statement_day, opened_on, informed, principal, interest, fee, credit);

-- name: lock_rows$
-- Lines are locked before anything is decided about them, always in id order.
SELECT count(*) FROM (
    SELECT FROM lines.line WHERE id = ANY(:ids::uuid[]) ORDER BY id FOR UPDATE
) AS locked;

-- name: locked_lines
SELECT * FROM lines.locked(:ids::uuid[]);

-- name: locked_line
SELECT * FROM lines.locked(ARRAY[:id::uuid]);

-- name: line
-- By its id alone, so that one plan serves for every line.
SELECT * FROM lines.v_line WHERE id = :id;

-- name: lines
SELECT * FROM lines.v_line WHERE id = ANY(:ids::uuid[]) ORDER BY id;

-- name: lines_of_customer
SELECT * FROM lines.v_line WHERE customer = :customer ORDER BY opened_on, id;

-- name: page
SELECT * FROM lines.v_line WHERE id > :after ORDER BY id LIMIT :count;

-- name: opened_between
SELECT id FROM lines.line WHERE opened_on >= :first AND opened_on < :next ORDER BY opened_on, id LIMIT :count;

-- name: lines_ending_in
SELECT id FROM lines.line WHERE substring(uuid_send(id) FROM 12) = :tail::bytea ORDER BY id LIMIT 2;

-- name: set_lifecycle!
UPDATE lines.line SET lifecycle = :lifecycle, closed_on = :closed_on
WHERE id = :id AND lifecycle = :before;

-- name: set_limit!
UPDATE lines.line
SET limit_minor = :limit_minor, highest_limit_minor = greatest(highest_limit_minor, :limit_minor::bigint)
WHERE id = :id;

-- name: set_statement_day!
UPDATE lines.line SET statement_day = :statement_day WHERE id = :id;

-- name: set_lock^
-- A lock that stands only ever gets longer, and one without an end keeps none.
INSERT INTO lines.lock AS l (
    id, line, kind, party, ground, feature, value, reason, until, firm, set_at, began_at
)
VALUES (:id, :line, :kind, :party, :ground, :feature, :value, :reason, :until, :firm, :now, :began_at)
ON CONFLICT (line, kind, party, ground, feature, value) WHERE lifted_at IS NULL DO UPDATE SET
    until = CASE WHEN excluded.until > l.until THEN excluded.until WHEN excluded.until IS NOT NULL THEN l.until END,
    began_at = least(l.began_at, excluded.began_at)
    WHERE l.began_at > excluded.began_at OR l.until < coalesce(excluded.until, 'infinity')
RETURNING id, until;

-- name: note_past_lock$
-- A lock that is over before it is written down; once.
INSERT INTO lines.lock (
    id, line, kind, party, ground, feature, value, reason, until, firm, set_at, began_at, lifted_at
)
SELECT :id, :line, :kind, :party, 'general', :feature, :value, :reason, :until, :firm, :now, :began_at, :lifted_at
WHERE NOT EXISTS (
    SELECT FROM lines.lock AS l
    WHERE l.line = :line AND l.kind = :kind AND l.party = :party AND l.feature = :feature
        AND l.value = :value AND l.began_at = :began_at AND l.until IS NOT DISTINCT FROM :until)
RETURNING id;

-- name: lifted_since$
-- When the party first lifted that lock itself after an instant; what ended by its time does not count.
SELECT min(lifted_at) FROM lines.lock
WHERE line = :line AND kind = :kind AND party = :party AND feature = :feature AND value = :value
    AND lifted_at > :since AND (until IS NULL OR lifted_at < until) AND began_at <= lifted_at;

-- name: standing_locks
SELECT id, line, kind, party, ground, feature, value, reason, until, firm, set_at, began_at
FROM lines.lock WHERE line = :line AND lifted_at IS NULL AND id > :after ORDER BY id LIMIT :count;

-- name: same_locks
SELECT id, line, kind, party, ground, feature, value, reason, until, firm, set_at, began_at
FROM lines.lock
WHERE line = :line AND kind = :kind AND feature = :feature AND value = :value AND lifted_at IS NULL
ORDER BY party, ground FOR UPDATE;

-- name: lock_by_id^
SELECT id, line, kind, party, ground, feature, value, reason, until, firm, set_at, began_at
FROM lines.lock WHERE id = :id AND lifted_at IS NULL FOR UPDATE;

-- name: lift_lock!
UPDATE lines.lock SET lifted_at = :now WHERE id = :id;

-- name: add_user!
INSERT INTO lines.authorised_user (id, line, language, added_at) VALUES (:id, :line, :language, :now);

-- name: one_user^
SELECT id, line, language, added_at, removed_at FROM lines.authorised_user WHERE id = :id;

-- name: users_of_line
SELECT id, line, language, added_at, removed_at FROM lines.authorised_user
WHERE line = :line AND id > :after ORDER BY id LIMIT :count;

-- name: active_users
SELECT id, line FROM lines.authorised_user WHERE id = ANY(:ids::uuid[]) AND removed_at IS NULL;

-- name: remove_user!
UPDATE lines.authorised_user SET removed_at = :now WHERE id = :id AND removed_at IS NULL;

-- name: are_customers
SELECT id FROM lines.customer WHERE id = ANY(:ids::uuid[]) ORDER BY id;

-- name: add_increase!
INSERT INTO lines.limit_increase (id, line, to_minor, effective_at, state, proposed_at)
VALUES (:id, :line, :to_minor, :effective_at, 'proposed', :now);

-- name: increase^
SELECT id, line, to_minor, effective_at, state, proposed_at, consented_at, ended_at, ended_why,
    from_minor
FROM lines.limit_increase WHERE id = :id;

-- name: open_increase^
SELECT id, line, to_minor, effective_at, state, proposed_at, consented_at, ended_at, ended_why,
    from_minor
FROM lines.limit_increase WHERE line = :line AND state IN ('proposed', 'consented');

-- name: increases_of_line
SELECT id, line, to_minor, effective_at, state, proposed_at, consented_at, ended_at, ended_why,
    from_minor
FROM lines.limit_increase WHERE line = :line AND id > :after ORDER BY id LIMIT :count;

-- name: move_increase!
UPDATE lines.limit_increase SET
    state = :state, consented_at = :consented_at, ended_at = :ended_at, ended_why = :ended_why,
    from_minor = :from_minor
WHERE id = :id;

-- name: has_terms$
SELECT EXISTS (
    SELECT FROM lines.line
    WHERE pack = :pack AND terms_version = :version AND lifecycle = 'active' AND id = coalesce(:line::uuid, id)
);

-- name: versions_in_use
-- The terms that open lines of a pack are on, those of most lines first.
SELECT terms_version AS version, count(*)::integer AS lines FROM lines.line
WHERE pack = :pack AND lifecycle = 'active' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :count;

-- name: open_change$
-- A change of the same lines that waits for the second person, or the line has been told of one.
SELECT EXISTS (
    SELECT FROM lines.terms_change AS c
    WHERE c.pack = :pack AND c.from_version = :version AND c.state = 'proposed'
        AND (c.line IS NULL OR :line::uuid IS NULL OR c.line = :line)
) OR EXISTS (
    SELECT FROM lines.terms_notice AS n WHERE n.line = :line::uuid AND n.outcome = 'told'
);

-- name: add_change!
INSERT INTO lines.terms_change (
    id, pack, from_version, to_version, line, effective_on, state, proposed_by, proposed_at
) VALUES (:id, :pack, :from_version, :to_version, :line, :effective_on, 'proposed', :actor, :now);

-- name: change^
SELECT id, pack, from_version, to_version, line, effective_on, state, proposed_by, proposed_at, decided_by,
    decided_at, taken_back_at
FROM lines.terms_change WHERE id = :id;

-- name: locked_change^
SELECT id, pack, from_version, to_version, line, effective_on, state, proposed_by, proposed_at, decided_by,
    decided_at, taken_back_at
FROM lines.terms_change WHERE id = :id FOR UPDATE;

-- name: changes
SELECT id, pack, from_version, to_version, line, effective_on, state, proposed_by, proposed_at, decided_by,
    decided_at, taken_back_at
FROM lines.terms_change WHERE id > :after AND state = coalesce(:state::text, state) ORDER BY id LIMIT :count;

-- name: decide_change!
UPDATE lines.terms_change SET state = :state, decided_by = :actor, decided_at = :now WHERE id = :id;

-- name: take_change_back!
UPDATE lines.terms_change SET state = 'taken_back', taken_back_by = :actor, taken_back_at = :now WHERE id = :id;

-- name: lines_to_tell
-- After the last that was told: lines are told in order of id.
SELECT l.id FROM lines.line AS l
WHERE l.pack = :pack AND l.terms_version = :version AND l.lifecycle = 'active'
    AND l.id = coalesce(:line::uuid, l.id)
    AND l.id > coalesce(
        (SELECT n.line FROM lines.terms_notice AS n WHERE n.change = :change ORDER BY n.line DESC LIMIT 1),
        '00000000-0000-0000-0000-000000000000')
    AND NOT EXISTS (SELECT FROM lines.terms_notice AS o WHERE o.line = l.id AND o.outcome = 'told')
ORDER BY l.id LIMIT :count;

-- name: add_told!
INSERT INTO lines.terms_notice (id, change, line, effective_at, outcome, told_at)
VALUES (:id, :change, :line, :effective_at, 'told', :now);

-- name: told^
SELECT n.id, n.change, n.line, c.from_version, c.to_version, n.effective_at, n.outcome, n.told_at, n.ended_at,
    n.ended_why
FROM lines.terms_notice AS n JOIN lines.terms_change AS c ON c.id = n.change WHERE n.id = :id;

-- name: told_of_line^
SELECT n.id, n.change, n.line, c.from_version, c.to_version, n.effective_at, n.outcome, n.told_at, n.ended_at,
    n.ended_why
FROM lines.terms_notice AS n JOIN lines.terms_change AS c ON c.id = n.change
WHERE n.line = :line AND n.outcome = 'told' AND c.state = :state;

-- name: told_lines
SELECT line FROM lines.terms_notice WHERE change = :change AND outcome = 'told' ORDER BY line LIMIT :count;

-- name: told_counts
SELECT outcome, count(*)::integer AS lines FROM lines.terms_notice WHERE change = :change GROUP BY outcome;

-- name: set_terms!
UPDATE lines.line SET terms_version = :version WHERE id = :id;

-- name: end_told!
UPDATE lines.terms_notice SET outcome = :outcome, ended_at = :now, ended_why = :why WHERE id = :id;
