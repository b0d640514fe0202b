-- Derives legs, copies, custody and alarms from events and ticks, independently of the stream processors.
-- Statements are run in order; `-- @fixpoint` repeats its block until no chain changes its name.

CREATE OR REPLACE TABLE work_ticks ENGINE = Memory AS
SELECT
    log_partition,
    log_offset,
    max(through) OVER (PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS through
FROM ticks FINAL;

CREATE OR REPLACE TABLE work_facts ENGINE = MergeTree ORDER BY (message_key, leg) AS
SELECT
    e.kind AS kind,
    e.occurred_at AS at,
    greatest(e.occurred_at, t.through) AS known,
    e.leg AS leg,
    e.next_leg AS next_leg,
    e.message_key AS message_key,
    e.host AS host,
    e.queue_id AS queue_id,
    e.recipient AS recipient,
    e.next_queue_id AS next_queue_id,
    e.peer AS peer,
    e.side AS side,
    if(e.kind = 'submitted' AND e.traffic IS NULL, 'ours', toString(e.traffic)) AS traffic,
    e.action AS action,
    e.status AS status,
    e.priority AS priority,
    e.size AS size,
    e.originator AS originator,
    e.message_id AS message_id,
    e.report_requested AS report_requested,
    e.recipients_expected AS recipients_expected,
    e.attributes AS attributes,
    e.seq AS seq,
    e.event_id AS event_id,
    substring(e.leg, 1, 8) AS entry,
    substring(e.leg, 9, 8) AS half,
    substring(e.next_leg, 9, 8) AS next_half
FROM events AS e
ASOF LEFT JOIN work_ticks AS t ON e.log_partition = t.log_partition AND e.log_offset > t.log_offset
WHERE e.kind != 'tick';

CREATE OR REPLACE TABLE work_edges ENGINE = MergeTree ORDER BY a AS
SELECT DISTINCT leg AS a, next_leg AS b FROM work_facts WHERE half != unhex('0000000000000000') AND next_half != unhex('0000000000000000')
UNION DISTINCT
SELECT DISTINCT next_leg AS a, leg AS b FROM work_facts WHERE half != unhex('0000000000000000') AND next_half != unhex('0000000000000000');

CREATE OR REPLACE TABLE work_labels ENGINE = MergeTree ORDER BY leg AS
SELECT a AS leg, least(a, min(b)) AS label FROM work_edges GROUP BY a;

-- @fixpoint
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
-- @end

CREATE OR REPLACE TABLE work_submissions ENGINE = MergeTree ORDER BY chain AS
SELECT
    if(l.label = toFixedString(unhex('00000000000000000000000000000000'), 16), f.leg, l.label) AS chain,
    f.*
FROM work_facts AS f
LEFT JOIN work_labels AS l ON f.leg = l.leg
WHERE f.kind = 'submitted' AND f.recipient != '' AND f.traffic = 'ours' AND f.half != unhex('0000000000000000');

CREATE OR REPLACE TABLE work_single ENGINE = MergeTree ORDER BY message_key AS
SELECT message_key, min(at) AS first_at, argMin(entry, (at, entry)) AS first_entry, uniqExact(entry) AS entries
FROM work_submissions
GROUP BY message_key;

CREATE OR REPLACE TABLE work_owners ENGINE = MergeTree ORDER BY chain AS
SELECT o.chain AS chain, min(s.chain) AS owner
FROM
(
    SELECT DISTINCT
        if(l.label = toFixedString(unhex('00000000000000000000000000000000'), 16), f.leg, l.label) AS chain,
        f.message_key AS message_key,
        lower(f.recipient) AS address
    FROM work_facts AS f
    LEFT JOIN work_labels AS l ON f.leg = l.leg
    WHERE f.half != unhex('0000000000000000') AND f.recipient != ''
) AS o
INNER JOIN
(
    SELECT DISTINCT message_key, lower(recipient) AS address, chain
    FROM work_submissions
    WHERE message_key IN (SELECT message_key FROM work_single WHERE entries = 1)
) AS s ON o.message_key = s.message_key AND o.address = s.address
WHERE o.chain NOT IN (SELECT chain FROM work_submissions)
GROUP BY o.chain;

CREATE OR REPLACE TABLE work_chained ENGINE = MergeTree ORDER BY chain AS
SELECT
    if(w.owner = toFixedString(unhex('00000000000000000000000000000000'), 16), c.chain, w.owner) AS chain,
    c.chain AS own_chain,
    c.* EXCEPT chain
FROM
(
    SELECT
        if(l.label = toFixedString(unhex('00000000000000000000000000000000'), 16), f.leg, l.label) AS chain,
        f.*
    FROM work_facts AS f
    LEFT JOIN work_labels AS l ON f.leg = l.leg
) AS c
LEFT JOIN work_owners AS w ON c.chain = w.chain;

CREATE OR REPLACE TABLE work_entries ENGINE = MergeTree ORDER BY entry AS
SELECT
    entry,
    any(host) AS host,
    any(queue_id) AS queue_id,
    any(message_key) AS message_key,
    minOrNullIf(at, is_arrival) AS arrived_at,
    minOrNullIf(known, is_arrival) AS arrived_known,
    minOrNullIf(at, recipient = '' AND kind IN ('removed', 'deleted', 'rerouted')) AS left_at,
    minOrNullIf(known, recipient = '' AND kind IN ('removed', 'deleted', 'rerouted')) AS left_known,
    minOrNullIf(at, recipient = '' AND kind = 'deleted') AS deleted_at,
    minOrNullIf(known, recipient = '' AND kind = 'deleted') AS deleted_known,
    minOrNullIf(at, recipient = '' AND kind = 'refused') AS refused_at,
    minOrNullIf(known, recipient = '' AND kind = 'refused') AS refused_known,
    minOrNullIf(at, kind = 'reported' AND action = 'issued') AS issued_at,
    maxOrNullIf(at, kind = 'held') AS held_at,
    maxOrNullIf(at, kind = 'released') AS released_at,
    ifNull(maxIf(recipients_expected, is_arrival), 0) AS expected,
    anyIf(assumeNotNull(traffic), is_arrival) AS traffic,
    anyIf(priority, is_arrival) AS priority,
    maxIf(size, is_arrival) AS size,
    minOrNullIf(
        ifNull(arrayFirst(t -> t.1 <= ifNull(priority, 0), {stuck:Array(Tuple(Int32, Int64))}).2, 0),
        is_arrival AND ifNull(traffic, '') NOT IN ('system', 'probe')
    ) AS stuck_after
FROM
(
    SELECT *, kind = 'submitted' OR (kind = 'transferred' AND ifNull(side, '') = 'received') AS is_arrival
    FROM work_facts
    WHERE half NOT IN (unhex('FFFFFFFFFFFFFFFF'), unhex('FEFEFEFEFEFEFEFE'))
)
GROUP BY entry;

TRUNCATE TABLE legs;

INSERT INTO legs
SELECT
    g.leg,
    if(l.label = toFixedString(unhex('00000000000000000000000000000000'), 16), g.leg, l.label),
    g.message_key, g.host, g.queue_id, g.recipient,
    n.traffic, n.priority, n.size, n.arrived_at, n.arrived_known,
    g.attempts, g.last_attempt_at, g.last_result, g.last_status, g.next_hop,
    nullIf(least(ifNull(g.left_at, toDateTime64('2299-01-01', 6, 'UTC')), ifNull(n.left_at, toDateTime64('2299-01-01', 6, 'UTC'))), toDateTime64('2299-01-01', 6, 'UTC')),
    nullIf(least(ifNull(g.left_known, toDateTime64('2299-01-01', 6, 'UTC')), ifNull(n.left_known, toDateTime64('2299-01-01', 6, 'UTC'))), toDateTime64('2299-01-01', 6, 'UTC')),
    n.held_at, n.released_at,
    if(ifNull(g.left_known >= n.deleted_known, n.deleted_known IS NOT NULL), n.deleted_at, NULL),
    if(ifNull(g.left_known >= n.deleted_known, n.deleted_known IS NOT NULL), n.deleted_known, NULL),
    n.arrived_at + toIntervalMicrosecond(n.stuck_after)
FROM
(
    SELECT
        leg,
        any(message_key) AS message_key,
        argMax(host, length(host)) AS host,
        argMax(queue_id, length(queue_id)) AS queue_id,
        any(recipient) AS recipient,
        uniqExactIf(event_id, is_attempt) AS attempts,
        maxOrNullIf(at, is_attempt) AS last_attempt_at,
        argMaxIf(kind, (at, seq, event_id), is_attempt) AS last_result,
        argMaxIf(ifNull(status, ''), (at, seq, event_id), is_attempt) AS last_status,
        argMaxIf(ifNull(peer, ''), (at, seq, event_id), is_attempt) AS next_hop,
        minOrNullIf(at, is_end) AS left_at,
        minOrNullIf(known, is_end) AS left_known
    FROM
    (
        SELECT leg, message_key, host, queue_id, recipient, event_id, kind, at, known, seq, status, peer,
            (kind = 'transferred' AND ifNull(side, '') = 'sent')
                OR kind IN ('delivered', 'refused', 'discarded', 'quarantined', 'deleted', 'redirected', 'rerouted') AS is_end,
            kind = 'deferred' OR (is_end AND kind NOT IN ('deleted', 'redirected', 'rerouted')) AS is_attempt
        FROM work_facts
        WHERE half NOT IN (unhex('0000000000000000'), unhex('FFFFFFFFFFFFFFFF'), unhex('FEFEFEFEFEFEFEFE'))
        UNION ALL
        SELECT next_leg, message_key, ifNull(peer, ''), ifNull(next_queue_id, ''), recipient, event_id, kind, at, known, seq, status, peer, 0, 0
        FROM work_facts
        WHERE next_half NOT IN (unhex('0000000000000000'), unhex('FFFFFFFFFFFFFFFF'), unhex('FEFEFEFEFEFEFEFE'))
    )
    GROUP BY leg
) AS g
LEFT JOIN work_labels AS l ON g.leg = l.leg
LEFT JOIN work_entries AS n ON substring(g.leg, 1, 8) = n.entry
SETTINGS join_use_nulls = 0;

TRUNCATE TABLE copies;

INSERT INTO copies
SELECT
    g.leg,
    if(l.label = toFixedString(unhex('00000000000000000000000000000000'), 16), g.leg, l.label),
    g.message_key, g.host, g.user, g.mailbox,
    g.saved_at, g.saved_known, g.read_at, g.read_known, g.gone_at, g.gone_known, g.moved,
    if(
        arrayExists(p -> match(lower(concat(g.user, '/', g.mailbox)), p), {mailboxes:Array(String)}),
        g.saved_at + toIntervalMicrosecond({unread:Int64}), NULL
    )
FROM
(
    SELECT
        leg,
        any(message_key) AS message_key,
        any(host) AS host,
        any(recipient) AS user,
        anyIf(mailbox, is_save) AS mailbox,
        minOrNullIf(at, is_save) AS saved_at,
        minOrNullIf(known, is_save) AS saved_known,
        minOrNullIf(at, kind = 'read') AS read_at,
        minOrNullIf(known, kind = 'read') AS read_known,
        minOrNullIf(at, kind = 'not_read') AS gone_at,
        minOrNullIf(known, kind = 'not_read') AS gone_known,
        max(is_move) AS moved
    FROM
    (
        SELECT leg, message_key, host, recipient, '' AS mailbox, kind, at, known, 0 AS is_save, kind = 'transferred' AS is_move
        FROM work_facts
        WHERE half = unhex('FEFEFEFEFEFEFEFE')
        UNION ALL
        SELECT next_leg, message_key, host, recipient, arrayFirst(a -> startsWith(a, 'mailbox='), attributes), kind, at, known, kind IN ('delivered', 'quarantined'), 0
        FROM work_facts
        WHERE next_half = unhex('FEFEFEFEFEFEFEFE')
    )
    GROUP BY leg
) AS g
LEFT JOIN work_labels AS l ON g.leg = l.leg;

ALTER TABLE copies UPDATE mailbox = replaceOne(mailbox, 'mailbox=', '') WHERE startsWith(mailbox, 'mailbox=') SETTINGS mutations_sync = 2;

ALTER TABLE copies UPDATE unread_due = saved_at + toIntervalMicrosecond({unread:Int64}) WHERE arrayExists(p -> match(lower(concat(user, '/', mailbox)), p), {mailboxes:Array(String)}) SETTINGS mutations_sync = 2;

CREATE OR REPLACE TABLE work_holders ENGINE = MergeTree ORDER BY chain AS
SELECT
    holder_chain AS chain,
    argMax((host, queue_id), (left_at IS NULL OR deleted_at IS NOT NULL, arrived_at, leg)) AS last,
    countIf(left_at IS NULL) AS open,
    minOrNull(deleted_at) AS deleted_at,
    minOrNull(deleted_known) AS deleted_known
FROM
(
    SELECT if(w.owner = toFixedString(unhex('00000000000000000000000000000000'), 16), g.chain, w.owner) AS holder_chain, g.*
    FROM legs AS g
    LEFT JOIN work_owners AS w ON g.chain = w.chain
    WHERE g.arrived_at IS NOT NULL
)
GROUP BY holder_chain;

TRUNCATE TABLE custody;

INSERT INTO custody
WITH
    s AS
    (
        SELECT
            chain,
            argMin(leg, (known, at, due, entry, half)) AS unit,
            any(message_key) AS message_key,
            argMin(message_id, (known, at, due)) AS message_id,
            argMin(host, (known, at, due)) AS host,
            argMin(queue_id, (known, at, due)) AS queue_id,
            argMin(ifNull(originator, ''), (known, at, due)) AS originator,
            argMin(recipient, (known, at, due)) AS recipient,
            argMin(ifNull(priority, 0), (known, at, due)) AS priority,
            argMin(size, (known, at, due)) AS size,
            min(at) AS submitted_at,
            min(known) AS submitted_known,
            argMin(report_requested, (known, at, due)) AS report_requested,
            argMin(due, (known, at, due)) AS due,
            argMin(term_due, (known, at, due)) AS term_due
        FROM
        (
            SELECT
                *,
                if(
                    ifNull(report_requested, {unless_declined:Bool}) AND notEmpty({report:Array(Tuple(Int32, Int64))}),
                    at + toIntervalMicrosecond(arrayFirst(t -> t.1 <= ifNull(priority, 0), {report:Array(Tuple(Int32, Int64))}).2),
                    toDateTime64('2299-01-01', 6, 'UTC')
                ) AS due,
                if(
                    notEmpty({report:Array(Tuple(Int32, Int64))}),
                    at + toIntervalMicrosecond(arrayFirst(t -> t.1 <= ifNull(priority, 0), {report:Array(Tuple(Int32, Int64))}).2),
                    NULL
                ) AS term_due
            FROM work_submissions
        )
        GROUP BY chain
    ),
    v AS
    (
        SELECT
            chain,
            argMinIf(ifNull(action, 'discharged'), (at, known), is_final) AS report,
            minOrNullIf(at, is_final) AS report_at,
            minOrNullIf(known, is_final) AS report_known,
            minOrNullIf(at, kind = 'reported' AND action = 'delayed') AS delayed_at,
            minOrNullIf(at, kind = 'delivered') AS delivered_at,
            minOrNullIf(known, kind = 'delivered') AS delivered_known,
            minOrNullIf(at, kind IN ('refused', 'non_delivered')) AS refused_at,
            minOrNullIf(known, kind IN ('refused', 'non_delivered')) AS refused_known,
            argMinIf(ifNull(status, ''), (at, known), kind IN ('refused', 'non_delivered')) AS refused_status,
            minOrNullIf(at, kind = 'reported' AND action = 'failed') AS told_at,
            minOrNullIf(at, kind IN ('discarded', 'quarantined')) AS discarded_at,
            minOrNullIf(at, kind = 'read') AS read_at,
            minOrNullIf(at, (kind = 'reported' AND action = 'delivered') OR kind = 'delivered' OR kind = 'discharged') AS proof_at,
            argMinIf(multiIf(kind = 'reported', 'report', kind = 'discharged', 'hand', 'store'), (at, known), (kind = 'reported' AND action = 'delivered') OR kind = 'delivered' OR kind = 'discharged') AS proof,
            minOrNullIf(at, ifNull(action, '') = 'relayed') AS relayed_at,
            minOrNullIf(at, kind = 'reported' AND action = 'expanded') AS expanded_at,
            argMinIf(ifNull(peer, ''), (at, seq), kind = 'transferred' AND ifNull(side, '') = 'sent') AS peer
        FROM
        (
            SELECT
                *,
                (kind = 'reported' AND ifNull(action, '') IN ('delivered', 'failed', 'relayed', 'expanded'))
                    OR kind = 'discharged' OR (kind = 'transferred' AND ifNull(action, '') = 'relayed') AS is_final
            FROM work_chained
        )
        GROUP BY chain
    )
SELECT
    s.unit, s.chain, s.message_key, s.message_id, s.host, s.queue_id, s.originator, s.recipient, s.priority, s.size,
    s.submitted_at, s.submitted_known, s.report_requested,
    s.term_due AS due_,
    nullIf(s.due, toDateTime64('2299-01-01', 6, 'UTC')),
    v.report, v.report_at, v.report_known, v.delayed_at, v.delivered_at, v.delivered_known,
    v.refused_at, v.refused_known, v.refused_status, v.told_at, v.discarded_at, h.deleted_at, h.deleted_known, v.read_at,
    v.proof_at, v.proof, v.peer,
    multiIf(
        v.expanded_at IS NOT NULL, 'expanded',
        v.relayed_at IS NOT NULL, 'relayed',
        v.delivered_at IS NOT NULL OR v.report = 'delivered', 'delivered',
        v.refused_at IS NOT NULL OR v.report = 'failed', 'refused',
        h.deleted_at IS NOT NULL, 'deleted',
        v.discarded_at IS NOT NULL, 'discarded',
        h.open > 0, 'in-queue',
        'unknown'
    ) AS outcome,
    h.last.1, h.last.2,
    due_ IS NOT NULL AND arrayExists(i -> i.1 <= toUnixTimestamp64Micro(assumeNotNull(due_)) AND i.2 >= toUnixTimestamp64Micro(s.submitted_at), {silences:Array(Tuple(Int64, Int64))}) AS blind,
    multiIf(
        ifNull(due_ > {clock:DateTime64(6, 'UTC')}, 1), 'not_yet_due',
        ifNull(v.proof_at <= due_, 0), 'proven_in_time',
        v.proof_at IS NOT NULL, 'proven_late',
        v.refused_at IS NOT NULL AND match(v.refused_status, '^[245]\\.(1\\.|2\\.1$|7\\.)') AND ifNull(v.told_at <= due_, 0), 'refused_correctly',
        v.refused_at IS NOT NULL OR v.report = 'failed', 'refused_by_us',
        v.relayed_at IS NOT NULL, 'beyond_sight',
        blind, 'blind',
        'open'
    )
FROM s
LEFT JOIN v ON s.chain = v.chain
LEFT JOIN work_holders AS h ON s.chain = h.chain;

TRUNCATE TABLE alarms;

INSERT INTO alarms
SELECT if(blind, 'blind', 'overdue'), unit, message_key, report_due, greatest(assumeNotNull(report_due), submitted_known) AS raised,
    if(report_known <= {clock:DateTime64(6, 'UTC')}, greatest(report_known, raised), NULL)
FROM custody
WHERE report_due IS NOT NULL AND report_due + toIntervalSecond({grace:Int64}) <= {clock:DateTime64(6, 'UTC')} AND ifNull(report_known > report_due, 1)
    AND has({rules:Array(String)}, 'overdue');

INSERT INTO alarms
SELECT 'unread', leg, message_key, unread_due, greatest(assumeNotNull(unread_due), assumeNotNull(saved_known)) AS raised,
    if(gone <= {clock:DateTime64(6, 'UTC')}, greatest(gone, raised), NULL)
FROM
(
    SELECT *, nullIf(least(ifNull(read_known, toDateTime64('2299-01-01', 6, 'UTC')), ifNull(gone_known, toDateTime64('2299-01-01', 6, 'UTC'))), toDateTime64('2299-01-01', 6, 'UTC')) AS gone
    FROM copies
)
WHERE unread_due <= {clock:DateTime64(6, 'UTC')} AND NOT moved AND ifNull(gone > unread_due, 1)
    AND has({rules:Array(String)}, 'unread');

INSERT INTO alarms
SELECT 'not-read', leg, message_key, NULL, greatest(assumeNotNull(gone_known), ifNull(saved_known, gone_known)), NULL
FROM copies
WHERE unread_due IS NOT NULL AND gone_known <= {clock:DateTime64(6, 'UTC')} AND ifNull(read_known > gone_known, 1)
    AND has({rules:Array(String)}, 'not-read');

INSERT INTO alarms
SELECT 'stuck', leg, message_key, stuck_due, greatest(assumeNotNull(stuck_due), assumeNotNull(arrived_known)) AS raised,
    if(left_known <= {clock:DateTime64(6, 'UTC')}, greatest(left_known, raised), NULL)
FROM legs
WHERE stuck_due <= {clock:DateTime64(6, 'UTC')} AND ifNull(left_known > stuck_due, 1)
    AND has({rules:Array(String)}, 'stuck');

INSERT INTO alarms
SELECT 'refused', unit, message_key, NULL, greatest(assumeNotNull(refused_known), submitted_known), NULL
FROM custody
WHERE refused_known <= {clock:DateTime64(6, 'UTC')} AND {refused_always:Bool}
    AND has({rules:Array(String)}, 'refused');

INSERT INTO alarms
SELECT 'deleted', unit, message_key, NULL, greatest(assumeNotNull(deleted_known), submitted_known) AS raised,
    if(cleared <= {clock:DateTime64(6, 'UTC')}, greatest(cleared, raised), NULL)
FROM
(
    SELECT *, nullIf(least(ifNull(delivered_known, toDateTime64('2299-01-01', 6, 'UTC')), ifNull(report_known, toDateTime64('2299-01-01', 6, 'UTC'))), toDateTime64('2299-01-01', 6, 'UTC')) AS cleared
    FROM custody
)
WHERE deleted_known <= {clock:DateTime64(6, 'UTC')}
    AND has({rules:Array(String)}, 'deleted');

INSERT INTO alarms
SELECT 'identity-reused', c.unit, c.message_key, NULL, c.submitted_known, NULL
FROM custody AS c
INNER JOIN work_single AS w ON c.message_key = w.message_key
WHERE substring(c.unit, 1, 8) != w.first_entry AND c.submitted_known <= {clock:DateTime64(6, 'UTC')}
    AND has({rules:Array(String)}, 'identity-reused');
