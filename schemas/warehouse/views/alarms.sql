CREATE OR REPLACE VIEW alarms
(
    rule String COMMENT 'Name of the finding',
    unit FixedString(16) COMMENT 'Hash of the leg it is about',
    message_key String COMMENT 'Of the message',
    host String COMMENT 'Host of the leg; of a finding about a source, its name',
    queue_id String COMMENT 'Queue id of the leg',
    recipient String COMMENT 'Recipient of the leg; empty for a whole queue entry',
    due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it was due',
    raised_at DateTime64(6, 'UTC') COMMENT 'When it was raised',
    cleared_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When it was cleared; null while it stands',
    proven Bool COMMENT 'Was delivery proven otherwise when it was raised'
) AS
WITH
    (SELECT clock FROM derivation) AS now,
    (SELECT rules FROM derivation) AS rules,
    (SELECT grace FROM derivation) AS grace,
    (SELECT told_within FROM derivation) AS told_within,
    (SELECT unaccounted_after FROM derivation) AS unaccounted_after,
    (SELECT refused_always FROM derivation) AS refused_always,
    (SELECT arrayFilter(s -> s.rule = 'source-silent', spans) FROM derivation) AS silences,
    (SELECT arrayFilter(s -> s.rule = 'source-doubted', spans) FROM derivation) AS doubts
SELECT
    rule, unit, message_key, host, queue_id, recipient, due, assumeNotNull(raised) AS raised_at,
    if(ifNull(cleared <= now, 0), greatest(cleared, raised), NULL) AS cleared_at, proven
FROM
(
    SELECT
        multiIf(
            arrayExists(s -> s.since <= assumeNotNull(report_due) AND s.until >= counted_from, silences), 'blind',
            arrayExists(s -> s.since <= assumeNotNull(greatest(report_due, submitted_known)) AND s.until >= counted_from, doubts), 'clock-doubt',
            'overdue'
        ) AS rule,
        unit, message_key, host, queue_id, recipient, report_due AS due, greatest(report_due, submitted_known) AS raised,
        report_known AS cleared, ifNull(delivered_known <= raised, 0) AS proven
    FROM unit_records FINAL
    WHERE has(rules, 'overdue') AND report_due + toIntervalSecond(grace) <= now
    UNION ALL
    SELECT
        'unread', leg, message_key, host, queue_id, user, unread_due, greatest(unread_due, due_known),
        least(read_known, gone_known), 1
    FROM copy_records FINAL
    WHERE has(rules, 'unread') AND unread_due <= now
    UNION ALL
    SELECT 'not-read', leg, message_key, host, queue_id, user, NULL, greatest(gone_known, due_known), NULL, 0
    FROM copy_records FINAL
    WHERE has(rules, 'not-read') AND unread_due IS NOT NULL AND gone_known <= now AND ifNull(read_known > gone_known, 1)
    UNION ALL
    SELECT 'stuck', leg, message_key, host, queue_id, recipient, stuck_due, greatest(stuck_due, arrived_known, met_known), left_known, 0
    FROM leg_records FINAL
    WHERE has(rules, 'stuck') AND stuck_due <= now
    UNION ALL
    SELECT 'stuck', leg, message_key, host, queue_id, '', stuck_due, greatest(stuck_due, arrived_known) AS since, left_known, 0
    FROM entry_records FINAL
    WHERE has(rules, 'stuck') AND stuck_due <= now AND ifNull(peopled_known > since, 1)
    UNION ALL
    SELECT 'refused', unit, message_key, host, queue_id, recipient, NULL, greatest(refused_known, submitted_known), NULL, 0
    FROM unit_records FINAL
    WHERE has(rules, 'refused') AND refused_always AND refused_known <= now
    UNION ALL
    SELECT
        'refused', unit, message_key, host, queue_id, recipient, refused_known + toIntervalSecond(told_within) AS told_due,
        greatest(told_due, submitted_known), told_known, ifNull(delivered_known <= refused_known, 0)
    FROM unit_records FINAL
    WHERE has(rules, 'refused') AND NOT refused_always AND refused_known + toIntervalSecond(told_within) <= now
    UNION ALL
    SELECT
        'deleted', unit, message_key, host, queue_id, recipient, NULL, greatest(deleted_known, submitted_known) AS since,
        least(delivered_known, report_known) AS until, ifNull(until <= since, 0)
    FROM unit_records FINAL
    WHERE has(rules, 'deleted') AND deleted_known <= now
    UNION ALL
    SELECT
        'unaccounted', leg, message_key, host, queue_id, '', NULL, greatest(left_known, arrived_known, expected_known),
        least(complete_known, deleted_known), 0
    FROM entry_records FINAL
    WHERE has(rules, 'unaccounted') AND left_known IS NOT NULL AND arrived_known IS NOT NULL AND expected_known IS NOT NULL
    UNION ALL
    SELECT
        'unaccounted', leg, message_key, host, queue_id, recipient, handed_known + toIntervalSecond(unaccounted_after) AS arrival_due,
        greatest(arrival_due, s.spoke_known), next_arrived_known, 0
    FROM (SELECT * FROM leg_records FINAL WHERE handed_known IS NOT NULL AND NOT startsWith(message_key, '/')) AS l
    INNER JOIN
    (
        SELECT log_partition, host, min(arrived_known) AS spoke_known FROM entry_records FINAL WHERE arrived_known IS NOT NULL GROUP BY log_partition, host
    ) AS s ON l.log_partition = s.log_partition AND l.handed_to = s.host
    WHERE has(rules, 'unaccounted')
    UNION ALL
    SELECT 'misrouted', unit, message_key, host, queue_id, recipient, NULL, greatest(diverted_known + toIntervalSecond(unaccounted_after), submitted_known), redirected_known, 0
    FROM unit_records FINAL
    WHERE has(rules, 'misrouted') AND diverted_known IS NOT NULL
    UNION ALL
    SELECT 'duplicate', c.leg, c.message_key, c.host, c.queue_id, c.user, NULL, c.saved_known, if(c.number = h.least_number, m.second_known, NULL), 0
    FROM (SELECT * FROM copy_records FINAL WHERE number > 1) AS c
    INNER JOIN
    (
        SELECT chain, lower(user) AS name, min(number) AS least_number FROM copy_records FINAL
        WHERE number > 0 AND chain IN (SELECT chain FROM copy_records FINAL WHERE number > 1)
        GROUP BY chain, name
    ) AS h ON c.chain = h.chain AND lower(c.user) = h.name
    LEFT JOIN
    (
        SELECT message_key, if(count() > 1, toNullable(arraySort(groupArray(first_known))[2]), NULL) AS second_known
        FROM
        (
            SELECT message_key, host, queue_id, min(submitted_known) AS first_known FROM unit_records FINAL
            WHERE message_key IN (SELECT message_key FROM copy_records FINAL WHERE number > 1)
            GROUP BY message_key, host, queue_id
        )
        GROUP BY message_key
    ) AS m ON c.message_key = m.message_key
    WHERE has(rules, 'duplicate') AND c.saved_known <= now
    UNION ALL
    SELECT 'identity-reused', unit, message_key, host, queue_id, recipient, NULL, submitted_known, NULL, 0
    FROM unit_records FINAL
    WHERE has(rules, 'identity-reused') AND NOT first_of_key AND submitted_known <= now
    UNION ALL
    SELECT
        'uncorroborated-report', leg, message_key, host, queue_id, recipient, NULL,
        arrayFold(
            (t, s) -> if(s.since <= t AND s.until >= reported_known, greatest(t, s.until + toIntervalSecond(told_within)), t),
            arraySort(s -> (s.since, s.until), silences), reported_known + toIntervalSecond(told_within)
        ),
        submitted_known, 0
    FROM astray_records FINAL
    WHERE has(rules, 'uncorroborated-report')
    UNION ALL
    SELECT s.rule, s.unit, '', s.source, '', '', NULL, s.since, s.until, 0
    FROM (SELECT arrayJoin(spans) AS s FROM derivation)
    WHERE has(rules, s.rule)
)
WHERE raised <= now AND ifNull(cleared > raised, 1);
