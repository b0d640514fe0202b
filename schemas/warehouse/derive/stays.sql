-- Stays: submissions, queue entries and legs, each with what its own evidence tells.

-- @stays
CREATE OR REPLACE TABLE work_chains ENGINE = Memory AS
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

CREATE OR REPLACE TABLE work_chained ENGINE = Memory AS
SELECT
    c.chain AS chain, f.*,
    (f.kind = 'reported' AND f.action IN ('delivered', 'failed', 'relayed', 'expanded')) OR f.kind = 'discharged'
        OR (f.kind = 'transferred' AND f.action = 'relayed') AS is_final,
    f.kind = 'reported' AND (f.action = 'failed' OR (f.action = 'issued' AND f.stay = 'session' AND has(f.attributes, 'notification=failed'))) AS is_told
FROM work_facts AS f
INNER JOIN (SELECT leg AS of_leg, chain FROM work_chains) AS c ON f.leg = c.of_leg
WHERE f.stay != 'entry';

CREATE OR REPLACE TABLE work_submissions ENGINE = Memory AS
SELECT
    *,
    at + toIntervalMicrosecond(arrayFirst(t -> t.1 <= ifNull(priority, 0), levels).2) AS term,
    if(levels = [], NULL, term) AS proof_due,
    if(levels = [] OR NOT ifNull(report_requested, {unless_declined:Bool}), @never, term) AS promised
FROM
(
    SELECT
        *,
        arrayExists(p -> match(lowerUTF8(originator), p), {bulk:Array(String)}) AS is_bulk,
        if(is_bulk, [], arrayLast(
            r -> r.4 AND (r.1 = '' OR match('ours', r.1)) AND (r.8 = '' OR match(@grade, r.8)) AND (r.2 = '' OR match(@originator_domain, r.2)) AND (r.3 = '' OR match(@recipient_domain, r.3)),
            {owed:@owed}
        ).5) AS levels
    FROM work_chained
    WHERE kind = 'submitted' AND traffic = 'ours'
);

CREATE OR REPLACE TABLE work_messages ENGINE = Memory AS
SELECT message_key, two[1].3 AS first_place, toNullable(two[1].1) AS first_known, if(length(two) = 2, toNullable(two[2].1), NULL) AS second_known
FROM
(
    SELECT message_key, arraySlice(arraySort(groupArray((one.1, one.2, place))), 1, 2) AS two
    FROM (SELECT message_key, place, min((known, at)) AS one FROM work_submissions GROUP BY message_key, place)
    GROUP BY message_key
);

CREATE OR REPLACE TABLE work_entries ENGINE = Memory AS
SELECT
    place,
    any(toFixedString(concat(substring(leg, 1, 10), unhex('0000000000000000')), 18)) AS leg,
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
    minOrNullIf(known, stay = 'entry' AND kind = 'rerouted') AS rerouted_known,
    minOrNullIf(known, stay = 'entry' AND kind = 'rerouted' AND next_place != 0) AS resumed_known,
    minOrNullIf(at, stay = 'entry' AND kind = 'refused') AS refused_at,
    minOrNullIf(known, stay = 'entry' AND kind = 'refused') AS refused_known,
    argMinIf(status, (at, event_id), stay = 'entry' AND kind = 'refused') AS refused_status,
    argMinIf(@abandoned, (at, event_id), stay = 'entry' AND kind = 'refused') AS abandoned,
    maxOrNullIf(at, kind = 'held') AS held_at,
    maxOrNullIf(at, kind = 'released') AS released_at,
    argMinIf(recipients_expected, (known, -recipients_expected), is_arrival AND recipients_expected > 0) AS recipients_expected,
    minOrNullIf(known, is_arrival AND recipients_expected > 0) AS expected_known,
    argMinIf(class, (known, at, stay_for, indexOf(['ours', 'inbound', 'report', 'receipt', 'system', 'probe', 'bulk', 'transit'], class)), is_arrival) AS traffic,
    argMinIf(priority, (at, event_id), is_arrival AND priority IS NOT NULL) AS priority,
    maxIf(size, is_arrival) AS size,
    nullIf(argMinIf(if(stay_for = @for_ever, @never, at + toIntervalMicrosecond(stay_for)), (known, at, stay_for), is_arrival), if(countIf(is_arrival) = 0, toDateTime64(0, 6, 'UTC'), @never)) AS stuck_due,
    max(observed_at) AS observed_at
FROM
(
    SELECT
        *,
        kind = 'submitted' OR (kind = 'transferred' AND side = 'received') AS is_arrival,
        if(traffic = 'ours' AND arrayExists(p -> match(lowerUTF8(originator), p), {bulk:Array(String)}), 'bulk', traffic) AS class,
        if(NOT is_arrival OR class IN ('system', 'probe'), [], arrayLast(
            r -> r.6 AND (r.1 = '' OR match(class, r.1)) AND (r.8 = '' OR match(@grade, r.8)) AND (r.2 = '' OR match(@originator_domain, r.2)) AND (r.3 = '' OR match(@recipient_domain, r.3)),
            {owed:@owed}
        ).7) AS levels,
        if(levels = [], @for_ever, arrayFirst(t -> t.1 <= ifNull(priority, 0), levels).2) AS stay_for
    FROM work_facts
    WHERE stay IN ('entry', 'queue') AND place != 0
)
GROUP BY place;

-- Notifications of failure that tell of an entry's recipients until they are undelivered themselves.
CREATE OR REPLACE TABLE work_notices ENGINE = Memory AS
SELECT
    place, next_queue_id AS number,
    minOrNullIf(at, is_issue) AS issued_at,
    minOrNullIf(known, is_issue) AS issued_known,
    minOrNullIf(known, NOT is_issue) AS lost_known
FROM
(
    SELECT *, action = 'issued' AS is_issue FROM work_facts
    WHERE stay IN ('entry', 'queue') AND place != 0 AND kind = 'reported'
        AND (action = 'undelivered' OR (action = 'issued' AND has(attributes, 'notification=failed')))
)
GROUP BY place, number
HAVING issued_known IS NOT NULL;

CREATE OR REPLACE TABLE work_legs ENGINE = Memory AS
SELECT
    g.* REPLACE (if(g.host = '', n.entry_host, g.host) AS host, if(g.queue_id = '', n.entry_queue_id, g.queue_id) AS queue_id),
    g.handed.2 AS handed_to, c.chain AS chain, c.place AS place, c.half AS half,
    n.traffic AS traffic, n.priority AS priority, n.size AS size, n.arrived_at AS arrived_at, n.arrived_known AS arrived_known,
    n.left_at AS entry_left_at, n.left_known AS entry_left_known, n.held_at AS held_at, n.released_at AS released_at,
    n.deleted_at AS deleted_at, n.deleted_known AS deleted_known, ifNull(g.own_left_known >= n.deleted_known, n.deleted_known IS NOT NULL) AS was_deleted,
    n.refused_at AS refused_at, n.refused_known AS refused_known, n.refused_status AS refused_status, n.abandoned AS abandoned,
    ifNull(g.own_left_known >= n.refused_known, n.refused_known IS NOT NULL) AS was_refused,
    t.arrived_known AS next_arrived_known, n.stuck_due AS stuck_due
FROM
(
    SELECT
        leg,
        min(log_partition) AS log_partition,
        minOrNullIf(known, is_sent) AS sent_known,
        argMinIf((next_place, peer), (known, next_place, peer), is_sent) AS handed,
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
        minOrNullIf(known, is_turn AND is_kept) AS kept_known, -- an alias that keeps a copy: who gave way is still there
        minOrNullIf(known, is_turn AND NOT is_kept) AS turned_known,
        if(kept_known IS NULL, minOrNullIf(at, is_end OR is_turn), minOrNullIf(at, is_end)) AS own_left_at,
        if(kept_known IS NULL, minOrNullIf(known, is_end OR is_turn), minOrNullIf(known, is_end)) AS own_left_known,
        max(observed_at) AS observed_at
    FROM
    (
        SELECT
            leg, 0 AS is_next, log_partition, message_key, host, queue_id, recipient, event_id, kind, status, diagnostic, peer, next_queue_id,
            next_place, at, known, seq, observed_at,
            kind = 'transferred' AND side = 'sent' AND next_place != 0 AS is_sent,
            (kind = 'transferred' AND side = 'sent') OR kind IN ('delivered', 'refused', 'discarded', 'quarantined') AS is_try,
            kind = 'redirected' AS is_turn, leg = next_leg AS is_kept,
            is_try OR kind IN ('deleted', 'rerouted', 'forwarded', 'non_delivered') AS is_end,
            is_try OR kind = 'deferred' AS is_attempt
        FROM work_facts
        WHERE stay = 'queue'
        UNION ALL
        SELECT
            next_leg, 1, log_partition, message_key, peer, next_queue_id, recipient, event_id, kind, '', '', '', '', 0, at, known, seq, observed_at, 0, 0, 0, 0, 0, 0
        FROM work_facts
        WHERE next_stay = 'queue'
    )
    GROUP BY leg
) AS g
INNER JOIN (SELECT leg AS of_leg, chain, place, half FROM work_chains) AS c ON g.leg = c.of_leg
LEFT JOIN (SELECT place AS of_place, host AS entry_host, queue_id AS entry_queue_id, * EXCEPT (place, leg, log_partition, message_key, host, queue_id, observed_at) FROM work_entries) AS n ON c.place = n.of_place
LEFT JOIN (SELECT place AS of_place, log_partition AS of_partition, arrived_known FROM work_entries) AS t ON g.handed.1 = t.of_place AND g.log_partition = t.of_partition;
