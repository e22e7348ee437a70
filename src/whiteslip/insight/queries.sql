-- What rooms below publish, counted. :since and :until are instants: after the one, up to the other.
-- A case counts when the customer asked and it stands: close or withdraw, not lapsed, cancelled or rejected.

-- name: salts
SELECT day, salt FROM insight.salt WHERE day >= :since ORDER BY day DESC;

-- name: add_salt!
INSERT INTO insight.salt (day, salt) VALUES (:day, :salt) ON CONFLICT (day) DO NOTHING;

-- name: add_step!
-- On the walk of these that is there, else on the first.
INSERT INTO insight.step (walk, step, journey, pack, at, simulated)
SELECT
    coalesce(
        (SELECT walk FROM insight.step WHERE walk = ANY(:walks::bytea[]) LIMIT 1), (:walks::bytea[])[1]),
    :step, :journey, :pack, :now, :simulated
ON CONFLICT (walk, step) DO NOTHING;

-- name: forget$
WITH salts AS (DELETE FROM insight.salt WHERE day < :salts_before RETURNING day),
steps AS (DELETE FROM insight.step WHERE at < :steps_before RETURNING at)
SELECT (SELECT count(*) FROM salts) + (SELECT count(*) FROM steps);

-- name: steps
-- Whole walks. A session lasts an hour, so a walk counts an hour after it began: the next window has those
-- that were still going on at the end of this one.
SELECT s.walk, CASE WHEN s.simulated THEN 'demonstration' WHEN :segment = 'pack' THEN s.pack ELSE 'all' END AS segment,
    s.journey, s.step, s.at
FROM (SELECT *, min(at) OVER (PARTITION BY walk) AS began FROM insight.step) AS s
WHERE s.began > :since::timestamptz - INTERVAL '1 hour' AND s.began <= :until::timestamptz - INTERVAL '1 hour'
ORDER BY s.walk, s.at, s.step;

-- name: reasons
SELECT CASE WHEN :segment = 'pack' THEN l.pack ELSE 'all' END AS segment,
    coalesce(c.reason, 'not_said') AS reason, count(*) AS exits
FROM exits.v_case AS c JOIN lines.v_line AS l ON l.id = c.line
WHERE c.kind IN ('close', 'withdraw') AND c.state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder')
    AND c.requested_at > :since AND c.requested_at <= :until
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: complaints
-- Complaints of those who asked to leave in the window, from the request until 90 days later, by topic.
WITH leaver AS (
    SELECT c.customer, c.requested_at, CASE WHEN :segment = 'pack' THEN l.pack ELSE 'all' END AS segment
    FROM exits.v_case AS c JOIN lines.v_line AS l ON l.id = c.line
    WHERE c.kind IN ('close', 'withdraw') AND c.state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder')
        AND c.requested_at > :since AND c.requested_at <= :until
), exits AS (
    SELECT segment, count(*) AS exits FROM leaver GROUP BY segment
), filed AS (
    SELECT f.segment, k.topic, count(DISTINCT k.id) AS complaints
    FROM leaver AS f JOIN complaints.v_complaint AS k ON k.customer = f.customer
        AND k.filed_at >= f.requested_at AND k.filed_at < f.requested_at + INTERVAL '90 days'
    GROUP BY f.segment, k.topic
)
SELECT e.segment, e.exits, f.topic, coalesce(f.complaints, 0) AS complaints
FROM exits AS e LEFT JOIN filed AS f ON f.segment = e.segment
ORDER BY e.segment, f.topic;

-- name: rejoins
-- Of customers whose line closed at least so many months before the end of the window: how many opened
-- another line within as many months.
SELECT CASE WHEN :segment = 'pack' THEN l.pack ELSE 'all' END AS segment, m.months,
    count(*) AS leavers,
    count(*) FILTER (WHERE EXISTS (
        SELECT FROM lines.v_line AS o WHERE o.customer = l.customer AND o.id <> l.id
            AND o.opened_on >= l.closed_on AND o.opened_on < l.closed_on + make_interval(months => m.months)
    )) AS rejoined
FROM exits.v_case AS c
JOIN lines.v_line AS l ON l.id = c.line
CROSS JOIN (VALUES (1), (3), (6), (12)) AS m (months)
WHERE c.kind IN ('close', 'withdraw') AND c.state = 'closed'
    AND l.closed_on + make_interval(months => m.months) <= :until_day::date
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: hazard
-- Per month: lines that were there at its beginning and had not asked to leave, and who of them asked.
WITH month AS (
    SELECT m::date AS month, (m + INTERVAL '1 month')::date AS after
    FROM generate_series(date_trunc('month', :since_day::timestamp), :until_day::timestamp, INTERVAL '1 month') AS m
    WHERE (m + INTERVAL '1 month')::date <= :until_day::date + 1
), asked AS (
    SELECT c.line, min((c.requested_at AT TIME ZONE :timezone)::date) AS day
    FROM exits.v_case AS c
    WHERE c.kind IN ('close', 'withdraw') AND c.state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder')
    GROUP BY c.line
)
SELECT CASE WHEN :segment = 'pack' THEN l.pack ELSE 'all' END AS segment, m.month,
    count(*) AS at_risk, count(*) FILTER (WHERE a.day < m.after) AS asked
FROM month AS m
JOIN lines.v_line AS l ON l.opened_on < m.month AND (l.closed_on IS NULL OR l.closed_on >= m.month)
LEFT JOIN asked AS a ON a.line = l.id
WHERE a.day IS NULL OR a.day >= m.month
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: outcomes
-- Lines that were there at :start, by score band as known then, by what they did until :cut, and whether
-- they were ever more than 30 days past due from :cut to the end of :until_day.
WITH scored AS (
    SELECT DISTINCT ON (s.subject) s.subject AS line, s.probability::float8 AS risk
    FROM decisions.v_score AS s
    WHERE s.name = 'behaviour' AND s.role = 'champion' AND s.at <= :start
    ORDER BY s.subject, s.at DESC
), applied AS (
    -- Fewer points are more risk. Bands are of one score, never of two.
    SELECT a.line, (-a.score)::float8 AS risk FROM applications.v_application AS a
    WHERE a.line IS NOT NULL AND a.raises IS NULL AND a.score IS NOT NULL
        AND NOT EXISTS (SELECT FROM scored)
), risk AS (
    SELECT line, risk FROM scored UNION ALL SELECT line, risk FROM applied
), there AS (
    SELECT l.id AS line, CASE WHEN :segment = 'pack' THEN l.pack ELSE 'all' END AS segment, r.risk
    FROM lines.v_line AS l LEFT JOIN risk AS r ON r.line = l.id
    WHERE l.opened_on <= (:start AT TIME ZONE l.timezone)::date
        AND (l.closed_on IS NULL OR l.closed_on > (:start AT TIME ZONE l.timezone)::date)
        AND NOT EXISTS (
            SELECT FROM exits.v_case AS c WHERE c.line = l.id AND c.requested_at <= :start
                AND c.state IN ('stopped', 'confirmed', 'run_off', 'clearing', 'held', 'closed'))
), banded AS (
    SELECT line, segment, 'band_' || ntile(5) OVER (PARTITION BY segment ORDER BY risk, line) AS band
    FROM there WHERE risk IS NOT NULL
    UNION ALL
    SELECT line, segment, 'unscored' FROM there WHERE risk IS NULL
), gone AS (
    SELECT DISTINCT line FROM exits.v_case
    WHERE kind IN ('close', 'withdraw') AND state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder')
        AND requested_at > :start AND requested_at <= :cut
), reduced AS (
    SELECT DISTINCT subject AS line FROM store.v_journal
    WHERE kind = 'line.limit_changed' AND at > :start AND at <= :cut
        AND (data ->> 'to_minor')::bigint < (data ->> 'from_minor')::bigint
        AND split_part(actor, ':', 1) NOT IN ('staff', 'desk', 'system')
), paused AS (
    SELECT DISTINCT line FROM lines.v_lock
    WHERE kind = 'customer' AND party = 'customer' AND feature = 'all' AND reason = 'customer_request'
        AND set_at > :start AND set_at <= :cut
), late AS (
    -- What was unpaid on a day is what is open now and what was settled since. Nothing counts from a day
    -- after it was booked.
    SELECT DISTINCT a.line FROM (
        SELECT o.line, o.plan, o.no, o.due_on, o.principal_minor + o.interest_minor + o.fee_minor AS minor
        FROM billing.v_open AS o WHERE o.billed
        UNION ALL
        SELECT s.line, s.plan, s.no, a.due_on, s.amount_minor
        FROM billing.v_settlement AS s JOIN billing.v_asked AS a ON a.plan = s.plan AND a.no = s.no
        WHERE s.on_day > :cut_day::date + 1 AND s.counts_from > greatest(a.due_on + 30, :cut_day::date + 1)
    ) AS a
    WHERE a.due_on > :cut_day::date - 800 AND a.due_on <= :until_day::date - 30
    GROUP BY a.line, a.plan, a.no HAVING sum(a.minor) > 0
)
SELECT b.segment, b.band,
    CASE WHEN g.line IS NOT NULL THEN 'left' WHEN r.line IS NOT NULL THEN 'reduced'
        WHEN p.line IS NOT NULL THEN 'paused' ELSE 'stayed' END AS did,
    count(*) AS lines, count(t.line) AS late
FROM banded AS b
LEFT JOIN gone AS g ON g.line = b.line
LEFT JOIN reduced AS r ON r.line = b.line
LEFT JOIN paused AS p ON p.line = b.line
LEFT JOIN late AS t ON t.line = b.line
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: facts
-- What an attrition model reads of lines at the end of :day, and whether they asked to leave in the 30
-- days after. With :one_in above 1, that share of the lines, always the same.
WITH line AS (
    SELECT l.id, l.highest_limit_minor AS limit_minor, l.opened_on FROM lines.v_line AS l
    WHERE l.opened_on <= :day::date AND (l.closed_on IS NULL OR l.closed_on > :day::date)
        AND mod(hashtextextended(l.id::text, 0), :one_in::int) = 0
        AND NOT EXISTS (
            SELECT FROM exits.v_case AS c WHERE c.line = l.id AND c.requested_at <= :until
                AND c.state IN ('stopped', 'confirmed', 'run_off', 'clearing', 'held', 'closed'))
), owed AS (
    SELECT m.line, sum(m.minor)::bigint AS minor FROM billing.v_movement AS m
    WHERE m.day <= :day::date AND m.line IN (SELECT id FROM line) GROUP BY m.line
), bought AS (
    SELECT b.line, max(b.opened_on) AS last_on,
        count(*) FILTER (WHERE b.opened_on > :day::date - 90) AS recent,
        count(*) FILTER (WHERE b.opened_on <= :day::date - 90 AND b.opened_on > :day::date - 180) AS before,
        count(*) FILTER (WHERE b.opened_on > :day::date - 365) AS year,
        coalesce(sum(b.principal_minor) FILTER (WHERE b.opened_on > :day::date - 90), 0)::bigint AS recent_minor
    FROM billing.v_bought AS b WHERE b.opened_on <= :day::date AND b.line IN (SELECT id FROM line) GROUP BY b.line
)
SELECT left(encode(sha256(convert_to(l.id::text || :day::date::text, 'UTF8')), 'hex'), 16) AS id,
    ((:day::date - l.opened_on) / 30)::int AS months_on_book,
    ((:day::date - greatest(coalesce(b.last_on, l.opened_on), l.opened_on)) / 30)::int AS months_idle,
    l.limit_minor, greatest(coalesce(o.minor, 0), 0) AS owed_minor,
    coalesce(b.recent, 0)::int AS purchases_3m, coalesce(b.before, 0)::int AS purchases_before_3m,
    coalesce(b.year, 0)::int AS purchases_12m, coalesce(b.recent_minor, 0) AS bought_3m_minor,
    EXISTS (
        SELECT FROM exits.v_case AS c WHERE c.line = l.id
            AND c.kind IN ('close', 'withdraw') AND c.state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder')
            AND c.requested_at > :until AND c.requested_at <= :until::timestamptz + INTERVAL '30 days') AS asked
FROM line AS l LEFT JOIN owed AS o ON o.line = l.id LEFT JOIN bought AS b ON b.line = l.id
ORDER BY 1;

-- name: trials
-- Each look that an offer was meant for, with what followed by :until_day. A horizon that is not over
-- yet is null. Difficulty at the look is as it is known today.
SELECT o.offer, o.kind, o.held_out, o.held_out_percent, o.why, o.drawn_bps, o.months, o.ended_at IS NOT NULL AS ended,
    -- The last bits of an identifier are drawn by lot.
    mod(get_byte(uuid_send(o.id), 15), 2) AS half,
    CASE WHEN o.shown_at + INTERVAL '30 days' <= :until
        THEN coalesce(g.day <= o.shown_at + INTERVAL '30 days', false) END AS left_30,
    CASE WHEN o.shown_at + INTERVAL '180 days' <= :until
        THEN coalesce(g.day <= o.shown_at + INTERVAL '180 days', false) END AS left_180,
    CASE WHEN o.shown_at + INTERVAL '180 days' <= :until THEN EXISTS (
        SELECT FROM complaints.v_complaint AS k JOIN lines.v_line AS l ON l.customer = k.customer
        WHERE l.id = o.line AND k.filed_at > o.shown_at AND k.filed_at <= o.shown_at + INTERVAL '180 days'
    ) END AS complained,
    EXISTS (
        SELECT FROM billing.v_hardship AS h WHERE h.line = o.line AND h.agreed_on <= d.day + 60
            AND (h.ended_on IS NULL OR h.ended_on > d.day)
    ) OR EXISTS (
        SELECT FROM billing.v_asked AS a WHERE a.line = o.line AND a.due_on < d.day AND a.due_on > d.day - 400
            AND a.minor > coalesce((
                SELECT sum(s.amount_minor) FROM billing.v_settlement AS s
                WHERE s.line = a.line AND s.plan = a.plan AND s.no = a.no AND s.counts_from <= d.day), 0)
    ) AS in_difficulty
FROM exits.v_offer AS o
CROSS JOIN LATERAL (SELECT (o.shown_at AT TIME ZONE :timezone)::date AS day) AS d
LEFT JOIN LATERAL (
    SELECT min(c.requested_at) AS day FROM exits.v_case AS c
    WHERE c.line = o.line AND c.requested_at >= o.shown_at
        AND c.kind IN ('close', 'withdraw') AND c.state NOT IN ('lapsed', 'cancelled', 'rejected_not_holder')
) AS g ON true
WHERE o.shown_at <= :until
ORDER BY o.offer, o.shown_at, o.id;

-- name: alarms
-- Alarms of the watch that somebody labelled, with the facts that raised them, in the order of labelling:
-- both are in the journal and among the decisions.
SELECT found.rule, found.right, found.facts
FROM (
    SELECT DISTINCT ON (said.data ->> 'alert') said.seq, said.data ->> 'rule' AS rule,
        (said.data ->> 'right')::boolean AS right, d.facts
    FROM store.v_journal AS said
    JOIN store.v_journal AS raised ON raised.subject = said.subject AND raised.kind = 'alert.raised'
        AND raised.data ->> 'alert' = said.data ->> 'alert'
    JOIN decisions.v_decision AS d ON d.subject = raised.subject AND d.at = raised.at
        AND d.table_name = 'watch-monitor' AND d.outcome ->> 'rule' = said.data ->> 'rule'
    WHERE said.kind = 'alert.labelled' AND said.at > :since AND said.at <= :until
    ORDER BY said.data ->> 'alert', said.seq DESC
) AS found
ORDER BY found.seq;

-- name: desk
-- Cases that the table sent to the desk and the path that was chosen, by the rule that sent them.
SELECT d.reasons[1] AS rule, count(*) AS cases, count(*) FILTER (WHERE h.path IN ('close_now', 'run_off')) AS let_go
FROM (
    SELECT DISTINCT ON (exit) exit, path FROM exits.v_choice WHERE at > :since AND at <= :until AND route = 'desk'
    ORDER BY exit, at DESC
) AS h
JOIN LATERAL (
    SELECT d.reasons FROM decisions.v_decision AS d
    WHERE d.subject = h.exit AND d.table_name = 'exit-routing' AND d.outcome ->> 'route' = 'desk'
    ORDER BY d.at DESC LIMIT 1
) AS d ON true
GROUP BY 1 ORDER BY 1;

-- name: add_report$
INSERT INTO insight.report (month, made_at, content, sha256) VALUES (:month, :now, :content, :sha256)
ON CONFLICT (month) DO NOTHING RETURNING sha256;

-- name: report^
SELECT month, made_at, content, sha256 FROM insight.report WHERE month = :month;

-- name: months
SELECT month, made_at, sha256 FROM insight.report ORDER BY month DESC;

-- name: add_draft!
INSERT INTO insight.draft (month, no, table_name, version, actor, at)
VALUES (:month, :no, :table_name, :version, :actor, :now) ON CONFLICT (month, no) DO NOTHING;

-- name: drafts
SELECT no, table_name, version, actor, at FROM insight.draft WHERE month = :month ORDER BY no;

-- name: lines_there$
SELECT count(*) FROM lines.v_line WHERE opened_on <= :day AND (closed_on IS NULL OR closed_on > :day);

-- name: what_followed
-- The most days past due, by :day, of what is followed after each decision: the purchase; or the line
-- that an application opened or would have raised, or that was restricted, watched or left, where only what
-- was unpaid after the decision counts. Of a leaver also what became of them: closed, held on the way,
-- charged off, complained.
WITH followed AS (
    SELECT d.id, d.at, d.subject AS line FROM decisions.v_decision AS d
    WHERE d.id = ANY(:decisions::uuid[]) AND d.table_name IN ('issuer-restriction', 'watch-monitor')
    UNION ALL
    SELECT d.id, d.at, coalesce(a.line, a.raises) FROM decisions.v_decision AS d
    JOIN applications.v_application AS a ON a.id = d.subject
    WHERE d.id = ANY(:decisions::uuid[]) AND d.table_name = 'application-limit'
    UNION ALL
    SELECT d.id, d.at, c.line FROM decisions.v_decision AS d JOIN exits.v_case AS c ON c.id = d.subject
    WHERE d.id = ANY(:decisions::uuid[]) AND d.table_name = 'exit-routing'
), late AS (
    SELECT d.id, coalesce(i.paid_on, :day::date) - i.due_on AS days
    FROM decisions.v_decision AS d JOIN billing.v_paid AS i ON i.purchase = d.subject
    WHERE d.id = ANY(:decisions::uuid[]) AND d.table_name = 'purchase-authorisation'
    UNION ALL
    SELECT f.id, CASE
        WHEN coalesce(i.paid_on, :day::date) > (f.at AT TIME ZONE l.timezone)::date
        THEN coalesce(i.paid_on, :day::date) - i.due_on
    END
    FROM followed AS f JOIN lines.v_line AS l ON l.id = f.line
    LEFT JOIN billing.v_paid AS i ON i.line = f.line
)
SELECT late.id, greatest(0, max(late.days))::integer AS days, ARRAY(
        SELECT 'closed' FROM exits.v_case AS c JOIN lines.v_line AS l ON l.id = c.line
        WHERE c.id = d.subject AND l.closed_on <= :day
        UNION ALL
        SELECT 'held' FROM exits.v_case AS c WHERE c.id = d.subject AND EXISTS (
            SELECT FROM store.v_journal AS j
            WHERE j.subject = c.id AND j.kind = 'exit.held' AND j.at >= d.at AND j.at::date <= :day)
        UNION ALL
        SELECT 'charged_off' FROM exits.v_case AS c WHERE c.id = d.subject AND EXISTS (
            SELECT FROM billing.v_charge_off AS o
            WHERE o.line = c.line AND o.on_day BETWEEN d.at::date AND :day)
        UNION ALL
        SELECT 'complained' FROM exits.v_case AS c WHERE c.id = d.subject AND EXISTS (
            SELECT FROM complaints.v_complaint AS p
            WHERE p.customer = c.customer AND p.filed_at > d.at AND p.filed_at::date <= :day)
    ) AS became
FROM late JOIN decisions.v_decision AS d ON d.id = late.id
GROUP BY late.id, d.id, d.subject, d.at;
