-- Mailboxes: copies and where they were moved; and reports about what nobody submitted.

-- @mailboxes
CREATE OR REPLACE TABLE work_copies ENGINE = Memory AS
SELECT g.*, c.chain AS chain
FROM
(
    SELECT
        leg,
        min(log_partition) AS log_partition,
        min(message_key) AS message_key,
        min(host) AS host,
        argMin(queue_id, (is_save, is_to, queue_id)) AS queue_id,
        argMin(recipient, (NOT is_save, recipient)) AS user,
        argMinIf(mailbox, at, is_save) AS mailbox,
        minOrNullIf(at, is_save) AS saved_at,
        minOrNullIf(known, is_save) AS saved_known,
        argMinIf(session, (known, session), is_save) AS session,
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
            leg, log_partition, next_leg, next_place, message_key, host, queue_id, recipient, '' AS mailbox, kind, at, known, observed_at,
            0 AS is_save, kind = 'transferred' AS is_from, 0 AS is_to, 0 AS is_watched, at AS due, toUInt64(0) AS session
        FROM work_facts
        WHERE stay = 'copy' AND (kind IN ('read', 'not_read') OR (kind = 'transferred' AND next_stay = 'copy'))
        UNION ALL
        SELECT
            next_leg, log_partition, leg, place, message_key, host, if(kind = 'transferred', next_queue_id, queue_id) AS number, recipient,
            replaceOne(arrayFirst(a -> startsWith(a, 'mailbox='), arrayPushBack(attributes, 'mailbox=INBOX')), 'mailbox=', '') AS box,
            kind, at, known, observed_at, kind != 'transferred', 0, kind = 'transferred',
            kind != 'transferred' AND watch >= 0,
            at + toIntervalMicrosecond(greatest(arrayLast(w -> match(lowerUTF8(concat(recipient, '/', box)), w.1), {watched:Array(Tuple(String, Int64))}).2 AS watch, 0)),
            toUInt64(if(stay = 'session', place, next_place))
        FROM work_facts
        WHERE next_stay = 'copy' AND (kind IN ('delivered', 'quarantined') OR (kind = 'transferred' AND stay = 'copy'))
    )
    GROUP BY leg
) AS g
INNER JOIN (SELECT leg AS of_leg, chain FROM work_chains) AS c ON g.leg = c.of_leg;

CREATE OR REPLACE TABLE work_reads ENGINE = Memory AS
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
            SELECT chain, arraySort(groupArrayIf((assumeNotNull(saved_known), assumeNotNull(saved_at), reinterpretAsUInt64(substring(leg, 3, 8)), leg), saved_known IS NOT NULL)) AS saves,
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

CREATE OR REPLACE TABLE work_astray ENGINE = Memory AS
SELECT a.leg AS leg, a.message_key AS message_key, a.host AS host, a.queue_id AS queue_id, a.recipient AS recipient, a.reported_known AS reported_known,
    least(s.submitted_known, m.first_known) AS submitted_known, a.observed_at AS observed_at
FROM
(
    SELECT
        chain,
        argMin((leg, message_key, host, queue_id, recipient), (known, place, half)) AS one,
        one.1 AS leg, one.2 AS message_key, one.3 AS host, one.4 AS queue_id, one.5 AS recipient,
        minOrNullIf(known, kind = 'reported' AND action NOT IN ('issued', 'undelivered')) AS reported_known,
        max(observed_at) AS observed_at
    FROM work_chained
    WHERE (kind = 'reported' AND action NOT IN ('issued', 'undelivered')) OR is_told OR kind IN ('delivered', 'refused', 'non_delivered', 'discarded', 'quarantined', 'discharged')
        OR (kind = 'transferred' AND action = 'relayed') OR (kind = 'read' AND stay != 'copy')
    GROUP BY chain
) AS a
LEFT JOIN work_messages AS m ON a.message_key = m.message_key
LEFT JOIN (SELECT chain, toNullable(min(known)) AS submitted_known FROM work_submissions GROUP BY chain) AS s ON a.chain = s.chain
WHERE reported_known IS NOT NULL AND ifNull(least(s.submitted_known, m.first_known) > reported_known, 1);
