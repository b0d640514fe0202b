-- What was derived replaces what was derived before.

-- @keep
INSERT INTO @entry_records
SELECT
    substring(e.leg, 3), e.log_partition, e.message_key, e.host, e.queue_id, e.traffic, e.priority, e.size, e.recipients_expected, e.expected_known,
    length(r.met), if(length(r.met) = 0, NULL, r.met[1]), if(e.expected_known IS NULL OR length(r.met) < e.recipients_expected, NULL, r.met[e.recipients_expected]),
    e.arrived_at, e.arrived_known, e.left_at, e.left_known, e.deleted_at, e.deleted_known, e.rerouted_known, e.resumed_known, e.held_at, e.released_at,
    e.stuck_due, e.observed_at, {version:UInt64}, 0
FROM work_entries AS e
LEFT JOIN (SELECT place, arraySort(groupArray(met_known)) AS met FROM work_legs GROUP BY place) AS r ON e.place = r.place;

INSERT INTO @leg_records
SELECT
    substring(g.leg, 3), g.log_partition, substring(g.chain, 3), substring(u.unit, 3), g.message_key, g.host, g.queue_id, g.recipient, g.traffic, g.priority, g.size,
    ifNull(g.met_known, g.named_known), if(g.met_known IS NULL, NULL, g.arrived_at), if(g.met_known IS NULL, NULL, g.arrived_known), g.attempts, g.first_attempt_at, g.last_attempt_at, g.last.1, g.last.2, g.last.3, g.last.4, g.last.5,
    g.last_hop, g.sent_known, g.handed_to, g.next_arrived_known,
    least(g.own_left_at, g.entry_left_at), least(g.own_left_known, g.entry_left_known), if(g.kept_known IS NULL, NULL, g.turned_known), g.kept_known, g.held_at, g.released_at,
    if(g.was_deleted, g.deleted_at, NULL), if(g.was_deleted, g.deleted_known, NULL),
    if(g.met_known IS NOT NULL AND q.peopled_known <= greatest(g.stuck_due, g.arrived_known), g.stuck_due, NULL), g.observed_at, {version:UInt64}, 0
FROM work_legs AS g
INNER JOIN (SELECT place, min(met_known) AS peopled_known FROM work_legs GROUP BY place) AS q ON g.place = q.place
LEFT JOIN work_owners AS w ON g.chain = w.chain
LEFT JOIN work_units AS u ON if(w.owner = @none, g.chain, w.owner) = u.chain;

INSERT INTO @copy_records
SELECT
    substring(c.leg, 3), c.log_partition, substring(c.chain, 3), substring(u.unit, 3), c.message_key, c.host, c.queue_id, c.user, c.mailbox, c.saved_at, c.saved_known,
    r.read_at, r.read_known, r.gone_at, r.gone_known, c.moved_known IS NOT NULL, c.moved_known,
    if(c.is_new, greatest(
        if(c.session = first_value(c.session) OVER by_chain, 1, row_number() OVER by_chain),
        if(NOT c.is_for_one, 0, if(c.session = first_value(c.session) OVER by_message, 1, row_number() OVER by_message))
    ), 0),
    c.session,
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
LEFT JOIN (SELECT chain AS of_chain, unit FROM work_units) AS u ON c.chain = u.of_chain
WINDOW
    by_chain AS (PARTITION BY c.chain, lowerUTF8(c.user), c.is_new ORDER BY c.saved_known, c.saved_at, reinterpretAsUInt64(substring(c.leg, 3, 8))),
    by_message AS (PARTITION BY c.message_key, lowerUTF8(c.user), c.is_new ORDER BY c.saved_known, c.saved_at, reinterpretAsUInt64(substring(c.leg, 3, 8)));

INSERT INTO @unit_records SELECT * EXCEPT (receipt_known, receipt_at, gave_up_at, is_thrown_away, proved_at, prover, proven_at, late_known, answers, shown) REPLACE (substring(unit, 3) AS unit, substring(chain, 3) AS chain), {version:UInt64}, 0 FROM work_units;

INSERT INTO @astray_records SELECT substring(leg, 3), message_key, host, queue_id, recipient, assumeNotNull(reported_known), submitted_known, observed_at, {version:UInt64}, 0 FROM work_astray;

-- @retire
INSERT INTO @table SELECT t.* REPLACE ({version:UInt64} AS version, 1 AS gone) FROM @table AS t FINAL
WHERE t.message_key IN (SELECT message_key FROM work_keys) AND t.version < {version:UInt64};
