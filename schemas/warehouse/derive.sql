-- Derives entries, legs, copies and units from events, independently of the stream processors: for the messages that were
-- touched, and those connected with them by hand-over. `-- @name` begins a block; streams/warehouse/derive.py says in
-- which order blocks are run and which are repeated. `work_` tables belong to one derivation and are dropped after it.

-- @begin
CREATE TABLE work_touched ENGINE = MergeTree ORDER BY message_key AS
SELECT DISTINCT message_key
FROM event_records
WHERE log_offset >= {least:UInt64} AND log_offset >= transform(log_partition, {partitions:Array(UInt16)}, {offsets:Array(UInt64)}, toUInt64(0));

-- @touched
SELECT count() FROM work_touched;

-- @slice
CREATE OR REPLACE TABLE work_keys ENGINE = MergeTree ORDER BY message_key AS
SELECT message_key, toUInt8(0) AS round
FROM work_touched
WHERE message_key > {after:String}
ORDER BY message_key
LIMIT {limit:UInt32};

CREATE OR REPLACE TABLE work_facts
(
    round UInt8, log_partition UInt16, kind LowCardinality(String), at DateTime64(6, 'UTC'), known DateTime64(6, 'UTC'), clock DateTime64(6, 'UTC'), observed_at DateTime,
    leg FixedString(16), place UInt64, half UInt64, stay LowCardinality(String),
    next_leg FixedString(16), next_place UInt64, next_half UInt64, next_stay LowCardinality(String),
    message_key String, host LowCardinality(String), queue_id String, recipient String, next_queue_id String,
    peer LowCardinality(String), side LowCardinality(String), traffic LowCardinality(String), action LowCardinality(String),
    status LowCardinality(String), diagnostic String, priority Nullable(Int32), size Nullable(Int64), originator String,
    message_id Nullable(String), report_requested Nullable(Bool), recipients_expected Int32, attributes Array(String),
    seq Int32, event_id FixedString(16)
)
ENGINE = MergeTree ORDER BY leg;

-- @slice_end
SELECT count(), max(message_key) FROM work_keys WHERE round = 0;

-- @to_take
SELECT count() FROM work_keys WHERE round = {round:UInt8};

-- @take
INSERT INTO work_facts
SELECT
    {round:UInt8}, e.log_partition, e.kind, e.occurred_at, if(toUnixTimestamp64Micro(e.clock) = 0, e.occurred_at, greatest(e.occurred_at, e.clock + toIntervalMicrosecond(1))), e.clock, toDateTime(e.observed_at),
    e.leg,
    reinterpretAsUInt64(substring(e.leg, 1, 8)),
    reinterpretAsUInt64(substring(e.leg, 9, 8)) AS h,
    multiIf(h = 0, 'entry', h = @session, 'session', h = @copy, 'copy', 'queue'),
    e.next_leg,
    reinterpretAsUInt64(substring(e.next_leg, 1, 8)),
    reinterpretAsUInt64(substring(e.next_leg, 9, 8)) AS n,
    multiIf(n = 0, 'none', n = @session, 'session', n = @copy, 'copy', 'queue'),
    e.message_key, e.host, e.queue_id, e.recipient, ifNull(e.next_queue_id, ''),
    ifNull(e.peer, ''), ifNull(e.side, ''), if(ifNull(e.traffic, '') = '', 'ours', assumeNotNull(e.traffic)), ifNull(e.action, ''),
    ifNull(e.status, ''), ifNull(e.diagnostic, ''), e.priority, e.size, ifNull(e.originator, ''),
    e.message_id, e.report_requested, ifNull(e.recipients_expected, 0), e.attributes,
    e.seq, e.event_id
FROM event_records AS e FINAL
WHERE e.message_key IN (SELECT message_key FROM work_keys WHERE round = {round:UInt8});

INSERT INTO place_keys
SELECT DISTINCT arrayJoin([place, next_place]) AS one, message_key
FROM work_facts
WHERE round = {round:UInt8} AND one != 0;

INSERT INTO recipient_keys
SELECT lower(recipient) AS name, message_key, min(at), max(observed_at)
FROM work_facts
WHERE round = {round:UInt8} AND recipient != ''
GROUP BY name, message_key;

INSERT INTO work_keys
SELECT DISTINCT message_key, {round:UInt8} + 1
FROM place_keys
WHERE place IN (SELECT arrayJoin([place, next_place]) FROM work_facts WHERE round = {round:UInt8})
    AND message_key NOT IN (SELECT message_key FROM work_keys);

-- @chains
CREATE OR REPLACE TABLE work_edges ENGINE = MergeTree ORDER BY a AS
SELECT one.1 AS a, one.2 AS b, min(clock) AS since
FROM (SELECT arrayJoin([(leg, next_leg), (next_leg, leg)]) AS one, clock FROM work_facts WHERE stay != 'entry' AND next_stay != 'none')
GROUP BY a, b;

CREATE OR REPLACE TABLE work_labels ENGINE = MergeTree ORDER BY leg AS
SELECT a AS leg, least(a, min(b)) AS label FROM work_edges GROUP BY a;

-- @round
CREATE OR REPLACE TABLE work_labels_next ENGINE = MergeTree ORDER BY leg AS
SELECT leg, min(label) AS label
FROM
(
    SELECT leg, label FROM work_labels
    UNION ALL
    SELECT e.a AS leg, l.label AS label FROM work_edges AS e INNER JOIN work_labels AS l ON e.b = l.leg
    UNION ALL
    SELECT o.leg AS leg, l.label AS label FROM work_labels AS o INNER JOIN work_labels AS l ON o.label = l.leg
)
GROUP BY leg;

-- @changed
SELECT count()
FROM work_labels_next AS n
INNER JOIN work_labels AS l ON n.leg = l.leg
WHERE n.label != l.label;

-- @exchange
EXCHANGE TABLES work_labels AND work_labels_next;

-- @units
CREATE OR REPLACE TABLE work_chains ENGINE = MergeTree ORDER BY leg AS
SELECT n.leg AS leg, n.place AS place, n.half AS half, n.stay AS stay, n.since AS since, if(l.label = @none, n.leg, l.label) AS chain
FROM
(
    SELECT leg, any(place) AS place, any(half) AS half, any(stay) AS stay, min(clock) AS since
    FROM
    (
        SELECT leg, place, half, stay, clock FROM work_facts WHERE stay != 'entry'
        UNION ALL
        SELECT next_leg, next_place, next_half, next_stay, clock FROM work_facts WHERE next_stay != 'none'
    )
    GROUP BY leg
) AS n
LEFT JOIN work_labels AS l ON n.leg = l.leg;

CREATE OR REPLACE TABLE work_chained ENGINE = MergeTree ORDER BY chain AS
SELECT
    c.chain AS chain, f.*,
    (f.kind = 'reported' AND f.action IN ('delivered', 'failed', 'relayed', 'expanded')) OR f.kind = 'discharged'
        OR (f.kind = 'transferred' AND f.action = 'relayed') AS is_final
FROM work_facts AS f
INNER JOIN (SELECT leg AS of_leg, chain FROM work_chains) AS c ON f.leg = c.of_leg
WHERE f.stay != 'entry';

CREATE OR REPLACE TABLE work_submissions ENGINE = MergeTree ORDER BY chain AS
SELECT
    *,
    at + toIntervalMicrosecond(arrayFirst(t -> t.1 <= ifNull(priority, 0), levels).2) AS term,
    if(levels = [], NULL, term) AS proof_due,
    if(levels = [] OR NOT ifNull(report_requested, {unless_declined:Bool}), @never, term) AS promised
FROM
(
    SELECT
        *,
        arrayExists(p -> match(lower(originator), p), {bulk:Array(String)}) AS is_bulk,
        if(is_bulk, [], arrayLast(
            r -> r.4 AND (r.1 = '' OR match('ours', r.1)) AND (r.8 = '' OR match(@grade, r.8)) AND (r.2 = '' OR match(@originator_domain, r.2)) AND (r.3 = '' OR match(@recipient_domain, r.3)),
            {owed:@owed}
        ).5) AS levels
    FROM work_chained
    WHERE kind = 'submitted' AND traffic = 'ours'
);

CREATE OR REPLACE TABLE work_messages ENGINE = MergeTree ORDER BY message_key AS
SELECT message_key, two[1].3 AS first_place, toNullable(two[1].1) AS first_known, if(length(two) = 2, toNullable(two[2].1), NULL) AS second_known
FROM
(
    SELECT message_key, arraySlice(arraySort(groupArray((one.1, one.2, place))), 1, 2) AS two
    FROM (SELECT message_key, place, min((known, at)) AS one FROM work_submissions GROUP BY message_key, place)
    GROUP BY message_key
);

CREATE OR REPLACE TABLE work_entries ENGINE = MergeTree ORDER BY place AS
SELECT
    place,
    any(toFixedString(concat(substring(leg, 1, 8), unhex('0000000000000000')), 16)) AS leg,
    min(log_partition) AS log_partition,
    min(message_key) AS message_key,
    min(host) AS host,
    min(queue_id) AS queue_id,
    minOrNullIf(at, is_arrival) AS arrived_at,
    minOrNullIf(known, is_arrival) AS arrived_known,
    minOrNullIf(at, stay = 'entry' AND kind IN ('removed', 'deleted', 'rerouted')) AS left_at,
    minOrNullIf(known, stay = 'entry' AND kind IN ('removed', 'deleted', 'rerouted')) AS left_known,
    minOrNullIf(at, stay = 'entry' AND kind = 'deleted') AS deleted_at,
    minOrNullIf(known, stay = 'entry' AND kind = 'deleted') AS deleted_known,
    minOrNullIf(at, stay = 'entry' AND kind = 'refused') AS refused_at,
    minOrNullIf(known, stay = 'entry' AND kind = 'refused') AS refused_known,
    argMinIf(status, (at, event_id), stay = 'entry' AND kind = 'refused') AS refused_status,
    minOrNullIf(at, kind = 'reported' AND action = 'issued' AND has(attributes, 'notification=failed')) AS told_at,
    minOrNullIf(known, kind = 'reported' AND action = 'issued' AND has(attributes, 'notification=failed')) AS told_known,
    maxOrNullIf(at, kind = 'held') AS held_at,
    maxOrNullIf(at, kind = 'released') AS released_at,
    argMinIf(recipients_expected, (known, -recipients_expected), is_arrival AND recipients_expected > 0) AS recipients_expected,
    minOrNullIf(known, is_arrival AND recipients_expected > 0) AS expected_known,
    argMinIf(class, (at, event_id), is_arrival) AS traffic,
    argMinIf(priority, (at, event_id), is_arrival AND priority IS NOT NULL) AS priority,
    maxIf(size, is_arrival) AS size,
    nullIf(argMinIf(if(stay_for = @for_ever, @never, at + toIntervalMicrosecond(stay_for)), (known, at, stay_for), is_arrival), if(countIf(is_arrival) = 0, toDateTime64(0, 6, 'UTC'), @never)) AS stuck_due,
    max(observed_at) AS observed_at
FROM
(
    SELECT
        *,
        kind = 'submitted' OR (kind = 'transferred' AND side = 'received') AS is_arrival,
        if(traffic = 'ours' AND arrayExists(p -> match(lower(originator), p), {bulk:Array(String)}), 'bulk', traffic) AS class,
        if(NOT is_arrival OR class IN ('system', 'probe'), [], arrayLast(
            r -> r.6 AND (r.1 = '' OR match(class, r.1)) AND (r.8 = '' OR match(@grade, r.8)) AND (r.2 = '' OR match(@originator_domain, r.2)) AND (r.3 = '' OR match(@recipient_domain, r.3)),
            {owed:@owed}
        ).7) AS levels,
        if(levels = [], @for_ever, arrayFirst(t -> t.1 <= ifNull(priority, 0), levels).2) AS stay_for
    FROM work_facts
    WHERE stay IN ('entry', 'queue') AND place != 0
)
GROUP BY place;

CREATE OR REPLACE TABLE work_legs ENGINE = MergeTree ORDER BY leg AS
SELECT
    g.*, g.handed.2 AS handed_to, c.chain AS chain, c.place AS place, c.half AS half,
    n.traffic AS traffic, n.priority AS priority, n.size AS size, n.arrived_at AS arrived_at, n.arrived_known AS arrived_known,
    n.left_at AS entry_left_at, n.left_known AS entry_left_known, n.held_at AS held_at, n.released_at AS released_at,
    n.deleted_at AS deleted_at, n.deleted_known AS deleted_known, ifNull(g.own_left_known >= n.deleted_known, n.deleted_known IS NOT NULL) AS was_deleted,
    n.refused_at AS refused_at, n.refused_known AS refused_known, n.refused_status AS refused_status,
    ifNull(g.own_left_known >= n.refused_known, n.refused_known IS NOT NULL) AS was_refused,
    t.arrived_known AS next_arrived_known, n.told_at AS told_at, n.told_known AS told_known, n.stuck_due AS stuck_due
FROM
(
    SELECT
        leg,
        min(log_partition) AS log_partition,
        minOrNullIf(known, is_sent) AS sent_known,
        argMinIf((next_place, peer), (known, at, next_place, peer), is_sent) AS handed,
        minOrNullIf(known, kind NOT IN ('reported', 'read', 'not_read')) AS met_known,
        min(known) AS named_known,
        argMaxIf(peer, (at, seq, event_id), is_end OR is_attempt) AS last_hop,
        argMin(message_key, (is_next, message_key)) AS message_key,
        argMin(host, (is_next, host)) AS host,
        argMin(queue_id, (is_next, queue_id)) AS queue_id,
        argMin(recipient, (is_next, recipient)) AS recipient,
        uniqExactIf(event_id, is_attempt) AS attempts,
        minOrNullIf(at, is_attempt) AS first_attempt_at,
        maxOrNullIf(at, is_attempt) AS last_attempt_at,
        argMaxIf((kind, status, diagnostic, peer, next_queue_id), (at, seq, event_id), is_attempt) AS last,
        minOrNullIf(at, is_end) AS own_left_at,
        minOrNullIf(known, is_end) AS own_left_known,
        max(observed_at) AS observed_at
    FROM
    (
        SELECT
            leg, 0 AS is_next, log_partition, message_key, host, queue_id, recipient, event_id, kind, status, diagnostic, peer, next_queue_id,
            next_place, at, known, seq, observed_at,
            kind = 'transferred' AND side = 'sent' AND next_place != 0 AS is_sent,
            (kind = 'transferred' AND side = 'sent') OR kind IN ('delivered', 'refused', 'discarded', 'quarantined') AS is_try,
            is_try OR kind IN ('deleted', 'redirected', 'rerouted') AS is_end,
            is_try OR kind = 'deferred' AS is_attempt
        FROM work_facts
        WHERE stay = 'queue'
        UNION ALL
        SELECT
            next_leg, 1, log_partition, message_key, peer, next_queue_id, recipient, event_id, kind, '', '', '', '', 0, at, known, seq, observed_at, 0, 0, 0, 0
        FROM work_facts
        WHERE next_stay = 'queue'
    )
    GROUP BY leg
) AS g
INNER JOIN (SELECT leg AS of_leg, chain, place, half FROM work_chains) AS c ON g.leg = c.of_leg
LEFT JOIN (SELECT place AS of_place, * EXCEPT (place, leg, log_partition, message_key, host, queue_id, observed_at) FROM work_entries) AS n ON c.place = n.of_place
LEFT JOIN (SELECT place AS of_place, log_partition AS of_partition, arrived_known FROM work_entries) AS t ON g.handed.1 = t.of_place AND g.log_partition = t.of_partition;

CREATE OR REPLACE TABLE work_recipients ENGINE = MergeTree ORDER BY chain AS
SELECT chain, arraySlice(arraySort(groupArray((met, half))), 1, 2) AS two
FROM (SELECT chain, half, min(named_known) AS met FROM work_legs GROUP BY chain, half)
GROUP BY chain;

CREATE OR REPLACE TABLE work_claims ENGINE = MergeTree ORDER BY chain AS
WITH
    -- To whom a name belongs: as it was submitted, else as a submitted one gave way to it.
    p AS
    (
        SELECT message_key, half, any(lower(recipient)) AS address, argMin(chain, (known, at, place)) AS chain, min(known) AS first_known, 0 AS turn
        FROM work_submissions
        GROUP BY message_key, half
        UNION ALL
        SELECT t.message_key, t.half, t.address, t.chain, greatest(t.known, s.known), 3
        FROM
        (
            SELECT w.message_key AS message_key, w.next_half AS half, any(lower(g.recipient)) AS address, argMin(w.chain, (w.known, w.next_place)) AS chain, min(w.known) AS known
            FROM work_chained AS w
            INNER JOIN (SELECT leg AS of_leg, recipient FROM work_legs) AS g ON w.next_leg = g.of_leg
            WHERE w.kind = 'redirected' AND w.next_stay = 'queue'
            GROUP BY w.message_key, w.next_half
        ) AS t
        INNER JOIN (SELECT chain AS of_chain, min(known) AS known FROM work_submissions GROUP BY chain) AS s ON t.chain = s.of_chain
    )
SELECT
    of_chain AS chain,
    argMin((of_owner, valid), (valid, rank)) AS one,
    one.1 AS owner,
    one.2 AS since,
    any(s.own_known) AS own_known,
    least(any(m.second_known), any(s.own_known)) AS until
FROM
(
SELECT o.chain AS of_chain, p.chain AS of_owner, o.message_key AS of_key, greatest(o.named.1, p.first_known) AS valid, o.rank + p.turn AS rank
FROM
(
    SELECT r.chain AS chain, k.message_key AS message_key, named, rank
    FROM work_recipients AS r
    INNER JOIN (SELECT DISTINCT chain, message_key FROM work_legs) AS k ON r.chain = k.chain
    ARRAY JOIN r.two AS named, arrayEnumerate(r.two) AS rank
) AS o
INNER JOIN p ON o.message_key = p.message_key AND o.named.2 = p.half
UNION ALL
SELECT u.chain, p.chain, u.message_key, greatest(u.since, p.first_known), 3 + p.turn
FROM
(
    SELECT chain, message_key, argMin(lower(recipient), (known, lower(recipient))) AS address, min(known) AS since
    FROM work_chained
    WHERE kind = 'delivered' AND stay = 'session'
    GROUP BY chain, message_key
) AS u
INNER JOIN p ON u.message_key = p.message_key AND u.address = p.address
) AS f
INNER JOIN work_messages AS m ON f.of_key = m.message_key
LEFT JOIN (SELECT chain AS own_chain, toNullable(min(known)) AS own_known FROM work_submissions GROUP BY chain) AS s ON f.of_chain = s.own_chain
GROUP BY of_chain
HAVING ifNull(one.2 < until, 1);

CREATE OR REPLACE TABLE work_owners ENGINE = MergeTree ORDER BY chain AS
SELECT chain, owner, since, until FROM work_claims WHERE own_known IS NULL;

-- Whose is what is known of a chain, and what of it: all of its own, and what was known in time of those credited to it.
CREATE OR REPLACE TABLE work_credits ENGINE = MergeTree ORDER BY chain AS
SELECT DISTINCT chain, chain AS owner, @ever AS since, @never AS until FROM work_submissions
UNION ALL
SELECT chain, owner, since, ifNull(until, @never) FROM work_claims WHERE owner != chain;

-- What was known before its own submission was: it counts for both, since it was told. Where a report is due it counts only
-- if it came later: the alarm that it cleared had been told.
CREATE OR REPLACE TABLE work_early ENGINE = MergeTree ORDER BY owner AS
SELECT
    w.owner AS owner,
    minOrNullIf(greatest(c.known, w.since), c.is_final) AS report_known,
    minOrNullIf(greatest(c.known, w.since), c.kind = 'delivered') AS delivered_known,
    minOrNullIf(greatest(c.known, w.since), c.kind IN ('refused', 'non_delivered')) AS refused_known,
    minOrNullIf(greatest(c.known, w.since), c.kind = 'reported' AND c.action = 'failed') AS told_known,
    minOrNullIf(greatest(c.known, w.since), c.kind = 'read' AND c.stay != 'copy') AS receipt_known,
    groupArrayIf(greatest(c.known, w.since), c.is_final) AS reports,
    groupArrayIf((greatest(c.known, w.since), assumeNotNull(w.until)), c.kind = 'delivered') AS deliveries
FROM (SELECT * FROM work_claims WHERE own_known IS NOT NULL AND owner != chain) AS w
INNER JOIN work_chained AS c ON w.chain = c.chain
WHERE greatest(c.known, w.since) < w.until
GROUP BY owner;

CREATE OR REPLACE TABLE work_credited ENGINE = MergeTree ORDER BY owner AS
SELECT
    w.owner != @none AND ifNull(greatest(c.known, w.since) < w.until, 1) AS is_credited,
    if(is_credited, w.owner, c.chain) AS owner,
    c.* EXCEPT (known),
    if(is_credited, greatest(c.known, w.since), c.known) AS known,
    (c.kind = 'reported' AND c.action = 'delivered') OR c.kind IN ('delivered', 'discharged') AS is_proof
FROM work_chained AS c
LEFT JOIN (SELECT chain AS of_chain, owner, since, until FROM work_owners) AS w ON c.chain = w.of_chain;

CREATE OR REPLACE TABLE work_redirected ENGINE = MergeTree ORDER BY leg AS
SELECT chain, leg, next_leg FROM work_chained WHERE kind = 'redirected' AND next_stay = 'queue';

CREATE OR REPLACE TABLE work_members ENGINE = MergeTree ORDER BY chain AS
SELECT DISTINCT chain, next_leg AS member FROM work_redirected WHERE next_leg NOT IN (SELECT leg FROM work_redirected);

CREATE OR REPLACE TABLE work_member_proofs ENGINE = MergeTree ORDER BY chain AS
WITH RECURSIVE
    hops AS (SELECT leg, next_leg FROM work_chained WHERE next_stay != 'none' AND kind != 'reported' AND chain IN (SELECT chain FROM work_members)),
    reach AS
    (
        SELECT chain, member, member AS leg, 0 AS depth FROM work_members
        UNION ALL
        SELECT r.chain, r.member, h.next_leg, r.depth + 1 FROM reach AS r INNER JOIN hops AS h ON r.leg = h.leg WHERE r.depth < 16
    )
SELECT r.chain AS chain, r.member AS member, minOrNull(p.at) AS proof_at
FROM (SELECT DISTINCT chain, member, leg FROM reach) AS r
INNER JOIN
(
    SELECT if(kind = 'reported', next_leg, leg) AS leg, at FROM work_credited WHERE is_proof AND owner IN (SELECT chain FROM work_members)
) AS p ON r.leg = p.leg
GROUP BY r.chain, r.member;

CREATE OR REPLACE TABLE work_expansions ENGINE = MergeTree ORDER BY chain AS
SELECT m.chain AS chain, count() AS members, countIf(p.proof_at IS NOT NULL) AS proven, max(p.proof_at) AS last_proof_at
FROM work_members AS m
LEFT JOIN work_member_proofs AS p ON m.chain = p.chain AND m.member = p.member
GROUP BY m.chain;

CREATE OR REPLACE TABLE work_stays ENGINE = MergeTree ORDER BY chain AS
SELECT
    owner AS chain,
    minOrNullIf(deleted_at, is_deletion) AS deleted_at,
    minOrNullIf(deletion, is_deletion) AS deleted_known,
    minOrNullIf(refused_at, is_refusal) AS refused_at,
    minOrNullIf(refusal, is_refusal) AS refused_known,
    argMinIf(refused_status, refused_at, is_refusal) AS refused_status,
    minOrNullIf(told_at, is_notice) AS told_at,
    minOrNullIf(notice, is_notice) AS told_known
FROM
(
    SELECT
        c.owner AS owner, g.deleted_at AS deleted_at, g.refused_at AS refused_at, g.refused_status AS refused_status, g.told_at AS told_at,
        greatest(g.deleted_known, g.met_known, c.since) AS deletion, g.was_deleted AND deletion < c.until AS is_deletion,
        greatest(g.refused_known, g.met_known, c.since) AS refusal, g.was_refused AND refusal < c.until AS is_refusal,
        greatest(g.told_known, g.met_known, c.since) AS notice, g.told_known IS NOT NULL AND notice < c.until AS is_notice
    FROM work_legs AS g
    INNER JOIN work_credits AS c ON g.chain = c.chain
    WHERE g.met_known IS NOT NULL
)
GROUP BY owner;

CREATE OR REPLACE TABLE work_holders ENGINE = MergeTree ORDER BY holder AS
SELECT
    if(w.owner = @none, g.chain, w.owner) AS holder,
    argMax((g.host, g.queue_id), (least(g.own_left_at, g.entry_left_at) IS NULL OR g.was_deleted, g.arrived_at, g.leg)) AS last,
    countIf(least(g.own_left_at, g.entry_left_at) IS NULL) AS open
FROM work_legs AS g
LEFT JOIN work_owners AS w ON g.chain = w.chain
WHERE g.arrived_at IS NOT NULL AND g.met_known IS NOT NULL
GROUP BY holder;

CREATE OR REPLACE TABLE work_units ENGINE = MergeTree ORDER BY chain AS
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
            argMinIf(status, (at, known, event_id), kind = 'reported' AND action = 'failed') AS failed_status,
            minOrNullIf(at, kind = 'reported' AND action = 'failed') AS told_at,
            minOrNullIf(known, kind = 'reported' AND action = 'failed') AS told_known,
            minOrNullIf(at, kind IN ('discarded', 'quarantined')) AS discarded_at,
            argMinIf((kind, host), (at, known, event_id), kind IN ('discarded', 'quarantined')) AS discard,
            groupUniqArrayIf(host, kind = 'delivered') AS delivered_by,
            minOrNullIf(at, kind = 'read') AS read_at,
            minOrNullIf(known, kind = 'read' AND stay != 'copy') AS receipt_known,
            minOrNullIf(at, kind = 'read' AND stay != 'copy') AS receipt_at,
            minOrNullIf(at, is_proof) AS proof_at,
            argMinIf(multiIf(kind = 'reported', 'report', kind = 'discharged', 'hand', 'store'), (at, known, event_id), is_proof) AS proof,
            countIf(kind = 'delivered' AND stay != 'queue') > 0 AS has_store,
            minOrNullIf(at, action = 'relayed') AS relayed_at,
            minOrNullIf(at, kind = 'reported' AND action = 'expanded') AS expanded_at,
            argMinIf(peer, (at, seq, event_id), kind = 'transferred' AND side = 'sent') AS peer,
            minOrNullIf(at, kind = 'discharged') AS discharged_at,
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
    greatest(s.one.12, s.submitted_known) AS counted_by, arrayFilter(r -> r > counted_by, y.reports) AS answers, arrayFilter(d -> d.2 > counted_by, y.deliveries) AS shown,
    least(v.report_known, if(empty(answers), NULL, arrayMin(answers))) AS answered_known,
    ifNull(least(v.delivered_known, if(empty(shown), NULL, arrayMin(d -> d.1, shown))) <= counted_by, 0) AS was_proven,
    v.delayed_at AS delayed_at,
    v.delivered_at AS delivered_at, least(v.delivered_known, y.delivered_known) AS delivered_known,
    least(v.refused_at, t.refused_at) AS gave_up_at, gave_up_at AS refused_at, least(v.refused_known, t.refused_known, y.refused_known) AS refused_known,
    multiIf(v.refused_at IS NOT NULL, v.refused_status, t.refused_at IS NOT NULL, t.refused_status, v.failed_status) AS refused_status,
    least(v.told_at, t.told_at) AS told_at, least(v.told_known, t.told_known, y.told_known) AS told_known,
    v.discarded_at AS discarded_at, t.deleted_at AS deleted_at, t.deleted_known AS deleted_known, v.relayed_at AS relayed_at, v.read_at AS read_at,
    multiIf(x.members < 2, v.proof_at, x.proven = x.members, least(v.discharged_at, x.last_proof_at), v.discharged_at) AS proven_at, proven_at AS proof_at,
    multiIf(proven_at IS NULL, '', v.proof = 'store' AND NOT v.has_store, 'switch', v.proof) AS proof,
    v.peer AS peer, x.members AS members, if(x.members = 1, toUInt64(v.proof_at IS NOT NULL), x.proven) AS members_proven,
    multiIf(
        v.expanded_at IS NOT NULL, 'expanded',
        v.relayed_at IS NOT NULL, 'relayed',
        v.discarded_at IS NOT NULL AND NOT has(v.delivered_by, v.discard.2), v.discard.1, -- its store took it and threw it away
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
LEFT JOIN work_holders AS h ON s.chain = h.holder
LEFT JOIN work_expansions AS x ON s.chain = x.chain
LEFT JOIN
(
    SELECT
        c.owner AS chain,
        minOrNullIf(greatest(w.known, c.since) AS turned, w.kind = 'redirected' AND w.half = o.half AND turned < c.until) AS redirected_known,
        minOrNullIf(
            greatest(w.known, if(w.kind = 'reported', ifNull(n.arrived_known, w.known), w.known), c.since) AS crossed,
            w.kind != 'redirected' AND w.stay = 'queue' AND w.next_stay = 'queue' AND w.half != w.next_half AND w.next_half != o.half
                AND (w.kind != 'reported' OR n.arrived_known IS NOT NULL) AND crossed < c.until
        ) AS diverted_known
    FROM work_chained AS w
    INNER JOIN work_credits AS c ON w.chain = c.chain
    INNER JOIN (SELECT chain AS of_chain, reinterpretAsUInt64(substring(one.1, 9, 8)) AS half FROM s) AS o ON c.owner = o.of_chain
    LEFT JOIN (SELECT place AS of_place, arrived_known FROM work_entries) AS n ON w.next_place = n.of_place
    WHERE w.kind IN ('redirected', 'transferred', 'rerouted', 'reported')
    GROUP BY c.owner
) AS d ON s.chain = d.chain
LEFT JOIN work_messages AS f ON s.one.2 = f.message_key;

CREATE OR REPLACE TABLE work_copies ENGINE = MergeTree ORDER BY leg AS
SELECT g.*, c.chain AS chain
FROM
(
    SELECT
        leg,
        min(message_key) AS message_key,
        min(host) AS host,
        argMin(queue_id, (is_save, is_to, queue_id)) AS queue_id,
        argMin(recipient, (NOT is_save, recipient)) AS user,
        argMinIf(mailbox, at, is_save) AS mailbox,
        minOrNullIf(at, is_save) AS saved_at,
        minOrNullIf(known, is_save) AS saved_known,
        minOrNullIf(known, is_watched) AS due_known,
        if(due_known IS NULL, NULL, argMinIf(due, (known, due), is_watched)) AS unread_due,
        minOrNullIf(at, kind = 'read') AS read_at,
        minOrNullIf(known, kind = 'read') AS read_known,
        minOrNullIf(at, kind = 'not_read') AS gone_at,
        minOrNullIf(known, kind = 'not_read') AS gone_known,
        minOrNullIf(known, is_from) AS moved_known,
        argMinIf(next_leg, (known, next_place), is_from) AS moved_to,
        minOrNullIf(known, is_to) AS came_known,
        max(observed_at) AS observed_at
    FROM
    (
        SELECT
            leg, next_leg, next_place, message_key, host, queue_id, recipient, '' AS mailbox, kind, at, known, observed_at,
            0 AS is_save, kind = 'transferred' AS is_from, 0 AS is_to, 0 AS is_watched, at AS due
        FROM work_facts
        WHERE stay = 'copy' AND (kind IN ('read', 'not_read') OR (kind = 'transferred' AND next_stay = 'copy'))
        UNION ALL
        SELECT
            next_leg, leg, place, message_key, host, if(kind = 'transferred', next_queue_id, queue_id) AS number, recipient,
            replaceOne(arrayFirst(a -> startsWith(a, 'mailbox='), arrayPushBack(attributes, 'mailbox=INBOX')), 'mailbox=', '') AS box,
            kind, at, known, observed_at, kind != 'transferred', 0, kind = 'transferred',
            kind != 'transferred' AND watch >= 0,
            at + toIntervalMicrosecond(greatest(arrayLast(w -> match(lower(concat(recipient, '/', box)), w.1), {watched:Array(Tuple(String, Int64))}).2 AS watch, 0))
        FROM work_facts
        WHERE next_stay = 'copy' AND (kind IN ('delivered', 'quarantined') OR (kind = 'transferred' AND stay = 'copy'))
    )
    GROUP BY leg
) AS g
INNER JOIN (SELECT leg AS of_leg, chain FROM work_chains) AS c ON g.leg = c.of_leg;

CREATE OR REPLACE TABLE work_reads ENGINE = MergeTree ORDER BY leg AS
WITH RECURSIVE
    moves AS (SELECT leg, moved_to, moved_known FROM work_copies WHERE moved_known IS NOT NULL),
    own AS
    (
        SELECT
            c.leg AS leg,
            ifNull(f.first = c.leg AND ifNull(u.receipt_known < f.second_known, 1), 0) AS is_meant,
            least(c.read_at, if(is_meant, u.receipt_at, NULL)) AS read_at,
            least(c.read_known, if(is_meant, u.receipt_known, NULL)) AS read_known,
            c.gone_at AS gone_at,
            c.gone_known AS gone_known
        FROM work_copies AS c
        LEFT JOIN
        (
            SELECT chain, arraySort(groupArrayIf((assumeNotNull(saved_known), assumeNotNull(saved_at), reinterpretAsUInt64(substring(leg, 1, 8)), leg), saved_known IS NOT NULL)) AS saves,
                saves[1].4 AS first, if(length(saves) > 1, toNullable(saves[2].1), NULL) AS second_known
            FROM work_copies
            GROUP BY chain
        ) AS f ON c.chain = f.chain
        LEFT JOIN (SELECT chain, toNullable(receipt_at) AS receipt_at, toNullable(receipt_known) AS receipt_known FROM work_units) AS u ON c.chain = u.chain
    ),
    reach AS
    (
        SELECT leg, moved_to AS there, moved_known AS since, 1 AS depth FROM moves
        UNION ALL
        SELECT r.leg, m.moved_to, greatest(r.since, m.moved_known), r.depth + 1 FROM reach AS r INNER JOIN moves AS m ON r.there = m.leg WHERE r.depth < 16
    )
SELECT
    leg, minOrNull(read_at) AS read_at, minOrNull(read_known) AS read_known,
    minOrNull(gone_at) AS gone_at, minOrNull(gone_known) AS gone_known
FROM
(
    SELECT leg, read_at, read_known, gone_at, gone_known FROM own
    UNION ALL
    SELECT
        r.leg, o.read_at, if(o.read_known IS NULL, NULL, greatest(o.read_known, r.since)),
        o.gone_at, if(o.gone_known IS NULL, NULL, greatest(o.gone_known, r.since))
    FROM (SELECT DISTINCT leg, there, since FROM reach) AS r
    INNER JOIN own AS o ON r.there = o.leg
)
GROUP BY leg;

CREATE OR REPLACE TABLE work_astray ENGINE = MergeTree ORDER BY leg AS
SELECT a.leg AS leg, a.message_key AS message_key, a.host AS host, a.queue_id AS queue_id, a.recipient AS recipient, a.reported_known AS reported_known,
    least(s.submitted_known, m.first_known) AS submitted_known, a.observed_at AS observed_at
FROM
(
    SELECT
        chain,
        argMin((leg, message_key, host, queue_id, recipient), (known, place, half)) AS one,
        one.1 AS leg, one.2 AS message_key, one.3 AS host, one.4 AS queue_id, one.5 AS recipient,
        minOrNullIf(known, kind = 'reported') AS reported_known,
        max(observed_at) AS observed_at
    FROM work_chained
    WHERE (kind = 'reported' AND action != 'issued') OR kind IN ('delivered', 'refused', 'non_delivered', 'discarded', 'quarantined', 'discharged')
        OR (kind = 'transferred' AND action = 'relayed') OR (kind = 'read' AND stay != 'copy')
    GROUP BY chain
) AS a
LEFT JOIN work_messages AS m ON a.message_key = m.message_key
LEFT JOIN (SELECT chain, toNullable(min(known)) AS submitted_known FROM work_submissions GROUP BY chain) AS s ON a.chain = s.chain
WHERE reported_known IS NOT NULL AND ifNull(least(s.submitted_known, m.first_known) > reported_known, 1);

-- @keep
INSERT INTO @entry_records
SELECT
    e.leg, e.log_partition, e.message_key, e.host, e.queue_id, e.traffic, e.priority, e.size, e.recipients_expected, e.expected_known,
    length(r.met), if(length(r.met) = 0, NULL, r.met[1]), if(e.expected_known IS NULL OR length(r.met) < e.recipients_expected, NULL, r.met[e.recipients_expected]),
    e.arrived_at, e.arrived_known, e.left_at, e.left_known, e.deleted_at, e.deleted_known, e.held_at, e.released_at,
    e.stuck_due, e.observed_at, {version:UInt64}, 0
FROM work_entries AS e
LEFT JOIN (SELECT place, arraySort(groupArray(met_known)) AS met FROM work_legs GROUP BY place) AS r ON e.place = r.place;

INSERT INTO @leg_records
SELECT
    g.leg, g.log_partition, g.chain, u.unit, g.message_key, g.host, g.queue_id, g.recipient, g.traffic, g.priority, g.size,
    ifNull(g.met_known, g.named_known), if(g.met_known IS NULL, NULL, g.arrived_at), if(g.met_known IS NULL, NULL, g.arrived_known), g.attempts, g.first_attempt_at, g.last_attempt_at, g.last.1, g.last.2, g.last.3, g.last.4, g.last.5,
    g.last_hop, g.sent_known, g.handed_to, g.next_arrived_known,
    least(g.own_left_at, g.entry_left_at), least(g.own_left_known, g.entry_left_known), g.held_at, g.released_at,
    if(g.was_deleted, g.deleted_at, NULL), if(g.was_deleted, g.deleted_known, NULL),
    if(g.met_known IS NOT NULL AND q.peopled_known <= greatest(g.stuck_due, g.arrived_known), g.stuck_due, NULL), g.observed_at, {version:UInt64}, 0
FROM work_legs AS g
INNER JOIN (SELECT place, min(met_known) AS peopled_known FROM work_legs GROUP BY place) AS q ON g.place = q.place
LEFT JOIN work_owners AS w ON g.chain = w.chain
LEFT JOIN work_units AS u ON if(w.owner = @none, g.chain, w.owner) = u.chain;

INSERT INTO @copy_records
SELECT
    c.leg, c.chain, u.unit, c.message_key, c.host, c.queue_id, c.user, c.mailbox, c.saved_at, c.saved_known,
    r.read_at, r.read_known, r.gone_at, r.gone_known, c.moved_known IS NOT NULL, c.moved_known,
    if(c.is_new, greatest(
        row_number() OVER (PARTITION BY c.chain, lower(c.user), c.is_new ORDER BY c.saved_known, c.saved_at, reinterpretAsUInt64(substring(c.leg, 1, 8))),
        if(c.is_for_one, row_number() OVER (PARTITION BY c.message_key, lower(c.user), c.is_new ORDER BY c.saved_known, c.saved_at, reinterpretAsUInt64(substring(c.leg, 1, 8))), 0)
    ), 0),
    c.unread_due, c.due_known, c.observed_at, {version:UInt64}, 0
FROM
(
    SELECT k.*, ifNull(saved_known < ifNull(came_known, @never), 0) AS is_new,
        m.recipients = 1 AND ifNull(m.second_known > saved_known, 1) AS is_for_one
    FROM work_copies AS k
    LEFT JOIN
    (
        SELECT s.message_key AS of_key, s.second_known, ifNull(e.recipients_expected, 0) AS recipients
        FROM work_messages AS s
        INNER JOIN work_entries AS e ON s.first_place = e.place
    ) AS m ON k.message_key = m.of_key
) AS c
INNER JOIN work_reads AS r ON c.leg = r.leg
LEFT JOIN (SELECT chain AS of_chain, unit FROM work_units) AS u ON c.chain = u.of_chain;

INSERT INTO @unit_records SELECT * EXCEPT (receipt_known, receipt_at, gave_up_at, proven_at, counted_by, answers, shown), {version:UInt64}, 0 FROM work_units;

INSERT INTO @astray_records SELECT leg, message_key, host, queue_id, recipient, assumeNotNull(reported_known), submitted_known, observed_at, {version:UInt64}, 0 FROM work_astray;

-- @end_of_old
INSERT INTO entry_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM entry_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

INSERT INTO leg_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM leg_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

INSERT INTO copy_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM copy_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

INSERT INTO unit_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM unit_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

INSERT INTO astray_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM astray_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

-- @apart
CREATE OR REPLACE TABLE work_apart ENGINE = MergeTree ORDER BY chain AS
SELECT c.chain AS chain, e.since AS as_of
FROM (SELECT a, since FROM work_edges WHERE toUnixTimestamp64Micro(since) > 0) AS e
INNER JOIN (SELECT leg, chain, since FROM work_chains) AS c ON e.a = c.leg
WHERE c.since < e.since
GROUP BY chain, as_of
HAVING uniqExact(e.a) > 1;

-- @is_apart
SELECT (SELECT count() FROM work_apart), (SELECT count() FROM reunion_records WHERE message_key IN (SELECT message_key FROM work_keys));

-- @groups
CREATE OR REPLACE TABLE work_apart_keys ENGINE = MergeTree ORDER BY chain AS
SELECT DISTINCT chain, message_key FROM work_chained WHERE chain IN (SELECT chain FROM work_apart);

CREATE OR REPLACE TABLE work_shared ENGINE = MergeTree ORDER BY place AS
SELECT place, arrayJoin(message_keys) AS message_key
FROM
(
    SELECT one AS place, groupUniqArray(message_key) AS message_keys
    FROM (SELECT arrayJoin([place, next_place]) AS one, message_key FROM work_facts)
    WHERE one != 0
    GROUP BY one
    HAVING length(message_keys) > 1
);

CREATE OR REPLACE TABLE work_groups ENGINE = MergeTree ORDER BY message_key AS
SELECT DISTINCT message_key, message_key AS label
FROM (SELECT message_key FROM work_shared UNION ALL SELECT message_key FROM work_apart_keys);

-- @group_round
CREATE OR REPLACE TABLE work_groups_next ENGINE = MergeTree ORDER BY message_key AS
SELECT message_key, min(label) AS label
FROM
(
    SELECT message_key, label FROM work_groups
    UNION ALL
    SELECT s.message_key, p.label
    FROM work_shared AS s
    INNER JOIN
    (
        SELECT s.place AS place, min(g.label) AS label
        FROM work_shared AS s INNER JOIN work_groups AS g ON s.message_key = g.message_key
        GROUP BY s.place
    ) AS p ON s.place = p.place
)
GROUP BY message_key;

-- @group_changed
SELECT count()
FROM work_groups_next AS n
INNER JOIN work_groups AS g ON n.message_key = g.message_key
WHERE n.label != g.label;

-- @group_exchange
EXCHANGE TABLES work_groups AND work_groups_next;

-- @moments
CREATE OR REPLACE TABLE work_moments ENGINE = MergeTree ORDER BY message_key AS
SELECT g.message_key AS message_key, m.as_of AS as_of, m.number AS number
FROM work_groups AS g
INNER JOIN
(
    SELECT label, as_of, row_number() OVER (PARTITION BY label ORDER BY as_of) AS number
    FROM
    (
        SELECT DISTINCT g.label AS label, a.as_of AS as_of
        FROM work_apart AS a
        INNER JOIN work_apart_keys AS k ON a.chain = k.chain
        INNER JOIN work_groups AS g ON k.message_key = g.message_key
    )
) AS m ON g.label = m.label;

CREATE OR REPLACE TABLE work_all ENGINE = MergeTree ORDER BY leg AS
SELECT * FROM work_facts WHERE message_key IN (SELECT message_key FROM work_moments);

INSERT INTO reunion_records
SELECT m.message_key, f.log_partition, m.as_of, NULL, f.observed_at, {version:UInt64}, 0
FROM work_moments AS m
INNER JOIN (SELECT message_key, min(log_partition) AS log_partition, max(observed_at) AS observed_at FROM work_all GROUP BY message_key) AS f
    ON m.message_key = f.message_key;

-- @most
SELECT max(number) FROM work_moments;

-- @former
CREATE OR REPLACE TABLE work_facts ENGINE = MergeTree ORDER BY leg AS
SELECT f.*
FROM work_all AS f
INNER JOIN (SELECT message_key, as_of FROM work_moments WHERE number = {number:UInt64}) AS m ON f.message_key = m.message_key
WHERE f.clock < m.as_of;

CREATE OR REPLACE TABLE work_entry_records AS entry_records;

CREATE OR REPLACE TABLE work_leg_records AS leg_records;

CREATE OR REPLACE TABLE work_copy_records AS copy_records;

CREATE OR REPLACE TABLE work_unit_records AS unit_records;

CREATE OR REPLACE TABLE work_astray_records AS astray_records;

-- @keep_former
INSERT INTO former_entry_records SELECT r.*, m.as_of FROM work_entry_records AS r INNER JOIN work_moments AS m ON r.message_key = m.message_key WHERE m.number = {number:UInt64};

INSERT INTO former_leg_records SELECT r.*, m.as_of FROM work_leg_records AS r INNER JOIN work_moments AS m ON r.message_key = m.message_key WHERE m.number = {number:UInt64};

INSERT INTO former_copy_records SELECT r.*, m.as_of FROM work_copy_records AS r INNER JOIN work_moments AS m ON r.message_key = m.message_key WHERE m.number = {number:UInt64};

INSERT INTO former_unit_records SELECT r.*, m.as_of FROM work_unit_records AS r INNER JOIN work_moments AS m ON r.message_key = m.message_key WHERE m.number = {number:UInt64};

INSERT INTO former_astray_records SELECT r.*, m.as_of FROM work_astray_records AS r INNER JOIN work_moments AS m ON r.message_key = m.message_key WHERE m.number = {number:UInt64};

-- @end_of_former
INSERT INTO reunion_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM reunion_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

INSERT INTO former_entry_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM former_entry_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

INSERT INTO former_leg_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM former_leg_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

INSERT INTO former_copy_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM former_copy_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

INSERT INTO former_unit_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM former_unit_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

INSERT INTO former_astray_records SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM former_astray_records AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};

-- @nexts
INSERT INTO reunion_records
SELECT r.* REPLACE (n.next_at AS next_at, {version:UInt64} + 1 AS version)
FROM reunion_records AS r FINAL
INNER JOIN
(
    SELECT m.log_partition AS log_partition, m.as_of AS as_of, argMin(t.through, t.log_offset) AS next_at
    FROM
    (
        SELECT log_partition, through, log_offset FROM ticks
        WHERE through > (SELECT minOrNull(as_of) FROM reunion_records FINAL WHERE next_at IS NULL)
    ) AS t
    ASOF INNER JOIN (SELECT DISTINCT log_partition, as_of FROM reunion_records FINAL WHERE next_at IS NULL) AS m
        ON t.log_partition = m.log_partition AND t.through > m.as_of
    GROUP BY m.log_partition, m.as_of
) AS n ON r.log_partition = n.log_partition AND r.as_of = n.as_of
WHERE r.next_at IS NULL;
