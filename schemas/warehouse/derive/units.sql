-- Units of custody: what became of each recipient of each submission, and whom they were expanded to.

-- @units
CREATE OR REPLACE TABLE work_members ENGINE = Memory AS
WITH r AS (SELECT chain, leg, next_leg FROM work_chained WHERE kind = 'redirected' AND next_stay = 'queue')
SELECT DISTINCT chain, next_leg AS member FROM r WHERE next_leg NOT IN (SELECT leg FROM r GROUP BY leg HAVING NOT max(leg = next_leg));

CREATE OR REPLACE TABLE work_expansions ENGINE = Memory AS
WITH RECURSIVE
    -- What befalls those whom a member gave way to says nothing of the copy that it keeps.
    hops AS
    (
        SELECT leg, next_leg FROM work_chained
        WHERE next_stay != 'none' AND kind != 'reported' AND chain IN (SELECT chain FROM work_members) AND (kind != 'redirected' OR leg NOT IN (SELECT member FROM work_members))
    ),
    reach AS
    (
        SELECT chain, member, member AS leg, 0 AS depth FROM work_members
        UNION ALL
        SELECT r.chain, r.member, h.next_leg, r.depth + 1 FROM reach AS r INNER JOIN hops AS h ON r.leg = h.leg WHERE r.depth < 16
    )
SELECT m.chain AS chain, count() AS members, countIf(p.proof_at IS NOT NULL) AS proven, max(p.proof_at) AS last_proof_at
FROM work_members AS m
LEFT JOIN
(
    SELECT r.chain AS chain, r.member AS member, minOrNull(p.at) AS proof_at
    FROM (SELECT DISTINCT chain, member, leg FROM reach) AS r
    INNER JOIN
    (
        SELECT if(kind = 'reported', next_leg, leg) AS leg, at FROM work_credited WHERE is_proof AND owner IN (SELECT chain FROM work_members)
    ) AS p ON r.leg = p.leg
    GROUP BY r.chain, r.member
) AS p ON m.chain = p.chain AND m.member = p.member
GROUP BY m.chain;

CREATE OR REPLACE TABLE work_stays ENGINE = Memory AS
SELECT
    owner AS chain,
    minOrNullIf(deleted_at, is_deletion) AS deleted_at,
    minOrNullIf(deletion, is_deletion) AS deleted_known,
    minOrNullIf(refused_at, is_refusal) AS refused_at,
    minOrNullIf(refusal, is_refusal) AS refused_known,
    argMinIf(refused_status, refused_at, is_refusal) AS refused_status,
    argMinIf(abandoned, refused_at, is_refusal) AS abandoned
FROM
(
    SELECT
        c.owner AS owner, g.deleted_at AS deleted_at, g.refused_at AS refused_at, g.refused_status AS refused_status, g.abandoned AS abandoned,
        greatest(g.deleted_known, g.met_known, if(g.turned_known < g.deleted_known, g.kept_known, NULL), c.since) AS deletion, g.was_deleted AND deletion < c.until AS is_deletion,
        greatest(g.refused_known, g.met_known, if(g.turned_known < g.refused_known, g.kept_known, NULL), c.since) AS refusal, g.was_refused AND refusal < c.until AS is_refusal
    FROM work_legs AS g
    INNER JOIN work_credits AS c ON g.chain = c.chain
    WHERE g.met_known IS NOT NULL
)
GROUP BY owner;

-- By what switches issued: since when it stands, and from when to when it did.
CREATE OR REPLACE TABLE work_told ENGINE = Memory AS
SELECT
    owner AS chain,
    minOrNullIf(issued_at, is_standing) AS told_at,
    minOrNullIf(since, is_standing) AS told_known,
    arraySort(groupUniqArrayIf((since, lost_known), NOT is_standing AND since < lost_known)) AS untold
FROM
(
    SELECT c.owner AS owner, n.issued_at AS issued_at, n.lost_known IS NULL AS is_standing, ifNull(n.lost_known, @never) AS lost_known,
        assumeNotNull(greatest(n.issued_known, g.met_known, c.since)) AS since, since < c.until AS is_owned
    FROM work_legs AS g
    INNER JOIN work_notices AS n ON g.place = n.place
    INNER JOIN work_credits AS c ON g.chain = c.chain
    WHERE g.met_known IS NOT NULL
)
WHERE is_owned
GROUP BY owner;

CREATE OR REPLACE TABLE work_holders ENGINE = Memory AS
SELECT
    if(w.owner = @none, g.chain, w.owner) AS holder,
    argMax((g.host, g.queue_id), (least(g.own_left_at, g.entry_left_at) IS NULL OR g.was_deleted, g.arrived_at, g.leg)) AS last,
    countIf(least(g.own_left_at, g.entry_left_at) IS NULL) AS open
FROM work_legs AS g
LEFT JOIN work_owners AS w ON g.chain = w.chain
WHERE g.arrived_at IS NOT NULL AND g.met_known IS NOT NULL
GROUP BY holder;

CREATE OR REPLACE TABLE work_units ENGINE = Memory AS
WITH
    s AS
    (
        SELECT
            chain,
            argMin((leg, message_key, message_id, host, queue_id, originator, recipient, ifNull(priority, 0), size, report_requested, proof_due, promised, place, at), (known, at, promised, place, half)) AS one,
            min(at) AS submitted_at,
            min(known) AS submitted_known
        FROM work_submissions
        GROUP BY chain
    ),
    v AS
    (
        SELECT
            owner,
            argMinIf(if(kind = 'discharged', 'discharged', action), (at, known, event_id), is_final) AS report,
            minOrNullIf(at, is_final) AS report_at,
            minOrNullIf(known, is_final) AS report_known,
            minOrNullIf(at, kind = 'reported' AND action = 'delayed') AS delayed_at,
            minOrNullIf(at, kind = 'delivered') AS delivered_at,
            minOrNullIf(known, kind = 'delivered') AS delivered_known,
            minOrNullIf(at, kind IN ('refused', 'non_delivered')) AS refused_at,
            minOrNullIf(known, kind IN ('refused', 'non_delivered')) AS refused_known,
            argMinIf(status, (at, known, event_id), kind IN ('refused', 'non_delivered')) AS refused_status,
            argMinIf(@abandoned, (at, known, event_id), kind IN ('refused', 'non_delivered')) AS abandoned,
            argMinIf(status, (at, known, event_id), kind = 'reported' AND action = 'failed') AS failed_status,
            argMinIf(@abandoned, (at, known, event_id), kind = 'reported' AND action = 'failed') AS failed_abandoned,
            minOrNullIf(at, is_told) AS told_at,
            minOrNullIf(known, is_told) AS told_known,
            minOrNullIf(at, kind IN ('discarded', 'quarantined')) AS discarded_at,
            argMinIf((kind, host), (at, known, event_id), kind IN ('discarded', 'quarantined')) AS discard,
            groupUniqArrayIf(host, kind = 'delivered') AS delivered_by,
            minOrNullIf(at, kind = 'read') AS read_at,
            minOrNullIf(known, kind = 'read' AND stay != 'copy') AS receipt_known,
            minOrNullIf(at, kind = 'read' AND stay != 'copy') AS receipt_at,
            minOrNullIf(at, is_proof) AS proof_at,
            argMinIf(multiIf(kind = 'reported', 'report', kind = 'discharged', 'hand', 'store'), (at, known, event_id), is_proof) AS proof,
            minOrNullIf(at, is_proof AND kind != 'delivered') AS said_at,
            argMinIf(if(kind = 'reported', 'report', 'hand'), (at, known, event_id), is_proof AND kind != 'delivered') AS said,
            countIf(kind = 'delivered' AND stay != 'queue') > 0 AS has_store,
            minOrNullIf(at, action = 'relayed') AS relayed_at,
            minOrNullIf(at, kind = 'reported' AND action = 'expanded') AS expanded_at,
            argMinIf(peer, (at, seq, event_id), kind = 'transferred' AND side = 'sent' AND peer != host) AS peer, -- not its own filter
            minOrNullIf(at, kind = 'discharged') AS discharged_at,
            minOrNullIf(known, kind = 'discharged') AS discharged_known,
            max(observed_at) AS observed_at
        FROM work_credited
        GROUP BY owner
    )
SELECT
    s.one.1 AS unit, s.chain AS chain, s.one.2 AS message_key, s.one.3 AS message_id, s.one.4 AS host, s.one.5 AS queue_id,
    s.one.6 AS originator, s.one.7 AS recipient, s.one.8 AS priority, s.one.9 AS size,
    s.submitted_at AS submitted_at, s.submitted_known AS submitted_known, s.one.10 AS report_requested,
    s.one.11 AS due, nullIf(s.one.12, @never) AS report_due,
    v.report AS report, v.report_at AS report_at, least(v.report_known, y.report_known) AS report_known,
    arrayFold((t, r) -> if(r.1 <= t AND r.2 > t, r.2, t), y.reports, greatest(s.one.12, s.submitted_known)) AS late_known,
    if(report_due IS NULL, NULL, late_known) AS unanswered_known,
    arrayFilter(r -> r.1 > late_known, y.reports) AS answers, arrayFilter(d -> d.2 > late_known, y.deliveries) AS shown,
    least(v.report_known, if(empty(answers), NULL, arrayMin(r -> r.1, answers))) AS answered_known,
    ifNull(least(v.delivered_known, if(empty(shown), NULL, arrayMin(d -> d.1, shown))) <= late_known, 0) AS was_proven,
    v.delayed_at AS delayed_at,
    v.delivered_at AS delivered_at, least(v.delivered_known, y.delivered_known) AS delivered_known,
    least(v.refused_at, t.refused_at) AS gave_up_at, gave_up_at AS refused_at, least(v.refused_known, t.refused_known, y.refused_known) AS refused_known,
    multiIf(v.refused_at IS NOT NULL, v.refused_status, t.refused_at IS NOT NULL, t.refused_status, v.failed_status) AS refused_status,
    multiIf(v.refused_at IS NOT NULL, v.abandoned, t.refused_at IS NOT NULL, t.abandoned, v.failed_abandoned) AS abandoned,
    least(v.told_at, i.told_at) AS told_at, least(v.told_known, i.told_known, y.told_known) AS told_known, i.untold AS untold,
    v.discarded_at AS discarded_at, t.deleted_at AS deleted_at, t.deleted_known AS deleted_known, least(v.discharged_known, y.discharged_known) AS discharged_known, v.relayed_at AS relayed_at, v.read_at AS read_at,
    v.discarded_at IS NOT NULL AND NOT has(v.delivered_by, v.discard.2) AS is_thrown_away, -- by its store, which took it: the switch's word for it was wrong
    if(is_thrown_away, v.said_at, v.proof_at) AS proved_at, if(is_thrown_away, v.said, v.proof) AS prover,
    multiIf(x.members < 2, proved_at, x.proven = x.members, least(v.discharged_at, x.last_proof_at), v.discharged_at) AS proven_at, proven_at AS proof_at,
    multiIf(proven_at IS NULL, '', prover = 'store' AND NOT v.has_store, 'switch', prover) AS proof,
    v.peer AS peer, x.members AS members, if(x.members = 1, toUInt64(proved_at IS NOT NULL), x.proven) AS members_proven,
    multiIf(
        v.expanded_at IS NOT NULL, 'expanded',
        v.relayed_at IS NOT NULL, 'relayed',
        is_thrown_away, v.discard.1,
        v.delivered_at IS NOT NULL OR v.report IN ('delivered', 'discharged'), 'delivered',
        gave_up_at IS NOT NULL OR v.report = 'failed', 'refused',
        t.deleted_at IS NOT NULL, 'deleted',
        h.open > 0, 'in-queue',
        'unknown'
    ) AS outcome,
    h.last.1 AS last_host, h.last.2 AS last_queue_id,
    s.one.13 = f.first_place AS first_of_key, d.diverted_known AS diverted_known, d.redirected_known AS redirected_known,
    s.one.14 AS counted_from, v.observed_at AS observed_at,
    least(v.receipt_known, y.receipt_known) AS receipt_known, v.receipt_at AS receipt_at
FROM s
INNER JOIN v ON s.chain = v.owner
LEFT JOIN work_early AS y ON s.chain = y.owner
LEFT JOIN work_stays AS t ON s.chain = t.chain
LEFT JOIN work_told AS i ON s.chain = i.chain
LEFT JOIN work_holders AS h ON s.chain = h.holder
LEFT JOIN work_expansions AS x ON s.chain = x.chain
LEFT JOIN
(
    SELECT
        c.owner AS chain,
        minOrNullIf(greatest(w.known, c.since) AS turned, w.kind = 'redirected' AND w.leg != w.next_leg AND w.half = o.half AND turned < c.until) AS redirected_known,
        minOrNullIf(
            greatest(w.known, if(w.kind = 'reported', ifNull(n.arrived_known, w.known), w.known), c.since) AS crossed,
            w.kind != 'redirected' AND w.stay = 'queue' AND w.next_stay = 'queue' AND w.half != w.next_half AND w.next_half != o.half
                AND (w.kind != 'reported' OR n.arrived_known IS NOT NULL) AND crossed < c.until
        ) AS diverted_known
    FROM work_chained AS w
    INNER JOIN work_credits AS c ON w.chain = c.chain
    INNER JOIN (SELECT chain AS of_chain, reinterpretAsUInt64(substring(one.1, 11, 8)) AS half FROM s) AS o ON c.owner = o.of_chain
    LEFT JOIN (SELECT place AS of_place, arrived_known FROM work_entries) AS n ON w.next_place = n.of_place
    WHERE w.kind IN ('redirected', 'transferred', 'rerouted', 'reported')
    GROUP BY c.owner
) AS d ON s.chain = d.chain
LEFT JOIN work_messages AS f ON s.one.2 = f.message_key;
