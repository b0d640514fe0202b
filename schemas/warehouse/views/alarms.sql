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
    proven Bool COMMENT 'Was delivery proven otherwise when it was raised',
    withdrawn Bool COMMENT 'Cleared because a hand-over that became known after what it connects took it away'
) AS
WITH
    (SELECT clock FROM derivation) AS now,
    (SELECT rules FROM derivation) AS rules,
    (SELECT grace FROM derivation) AS grace,
    (SELECT told_within FROM derivation) AS told_within,
    (SELECT unaccounted_after FROM derivation) AS unaccounted_after,
    (SELECT refused_always FROM derivation) AS refused_always,
    (SELECT arrayFilter(s -> s.rule = 'source-silent', spans) FROM derivation) AS silences,
    (SELECT arrayFilter(s -> s.rule = 'source-doubted', spans) FROM derivation) AS doubts,
    toDateTime64('2299-01-01', 6, 'UTC') AS never,
    toDateTime64(0, 6, 'UTC') AS ever,
    '' AS nobody,
    -- What is known, and what was known at the tick before each hand-over that connected what was known apart.
    known_entries AS (SELECT *, never AS as_of FROM entry_records FINAL UNION ALL SELECT * FROM former_entry_records FINAL),
    known_legs AS (SELECT *, never AS as_of FROM leg_records FINAL UNION ALL SELECT * FROM former_leg_records FINAL),
    known_copies AS (SELECT *, never AS as_of FROM copy_records FINAL UNION ALL SELECT * FROM former_copy_records FINAL),
    known_units AS (SELECT *, never AS as_of FROM unit_records FINAL UNION ALL SELECT * FROM former_unit_records FINAL),
    known_astray AS (SELECT *, never AS as_of FROM astray_records FINAL UNION ALL SELECT * FROM former_astray_records FINAL),
    bulk AS (SELECT substring(leg, 1, 8) FROM entry_records FINAL WHERE traffic = 'bulk')
SELECT
    rule, unit, first.message_key AS message_key, first.host AS host, first.queue_id AS queue_id, first.recipient AS recipient,
    first.due AS due, first.raised AS raised_at,
    multiIf(first.cleared <= first.seen_at, first.cleared, turn = 0, NULL, NOT is_gone, later[turn].1.cleared, later[turn].2 <= now, later[turn].2, NULL) AS cleared_at,
    first.proven AS proven,
    first.cleared > first.seen_at AND is_gone AND later[turn].2 <= now AS withdrawn
FROM
(
    -- What a look found first is what was told; a later one may find it cleared, or no more at the tick after the look before.
    SELECT
        rule, unit, looks[number].1 AS first, arraySlice(looks, number + 1) AS later,
        arrayFirstIndex(l -> l.1.as_of = ever OR l.1.decided > l.2 OR l.1.cleared <= l.1.seen_at, later) AS turn,
        turn > 0 AND (later[turn].1.as_of = ever OR later[turn].1.decided > later[turn].2) AS is_gone
    FROM
    (
        -- The stream looked at each such tick that the clock has passed; the last look is now.
        SELECT
            f.rule AS rule, f.unit AS unit, arrayFilter(m -> m.1 < now, r.moments) AS passed,
            arrayFirst(m -> m.1 >= now, arrayPushBack(r.moments, (never, never))).1 AS last,
            arrayMap(
                (at, next_at) -> (arrayFirst(s -> s.as_of = at, f.found), next_at),
                arrayPushBack(arrayMap(m -> m.1, passed), last), arrayPushFront(arrayMap(m -> m.2, passed), ever)
            ) AS looks,
            arrayFirstIndex(l -> l.1.as_of != ever, looks) AS number
        FROM
        (
            SELECT
                rule, unit, any(message_key) AS key,
                groupArray(CAST(
                    (as_of, least(as_of, now), assumeNotNull(greatest(raised, decided)), assumeNotNull(raised), ifNull(cleared, never), due, proven, message_key, host, queue_id, recipient),
                    'Tuple(as_of DateTime64(6, \'UTC\'), seen_at DateTime64(6, \'UTC\'), decided DateTime64(6, \'UTC\'), raised DateTime64(6, \'UTC\'), cleared DateTime64(6, \'UTC\'), due Nullable(DateTime64(6, \'UTC\')), proven Bool, message_key String, host String, queue_id String, recipient String)'
                )) AS found
            FROM
            (
            -- What a person discharges is settled, but for what its queue still has to do, and for whole entries.
            SELECT
                a.* EXCEPT (whose) REPLACE (if(
                    a.rule IN ('unread', 'not-read', 'refused', 'unaccounted', 'misrouted', 'duplicate', 'identity-reused'),
                    least(a.cleared, h.by_hand), a.cleared
                ) AS cleared)
            FROM
            (
                SELECT
                    multiIf(
                        arrayExists(s -> s.since <= assumeNotNull(report_due) AND s.until >= counted_from, silences), 'blind',
                        arrayExists(s -> s.since <= assumeNotNull(unanswered_known) AND s.until >= counted_from, doubts), 'clock-doubt',
                        'overdue'
                    ) AS rule,
                    unit, message_key, host, queue_id, recipient, report_due AS due, unanswered_known AS raised,
                    answered_known AS cleared, was_proven AS proven, report_due + toIntervalSecond(grace) AS decided, as_of AS as_of, concat(chain, unit) AS whose
                FROM known_units
                WHERE has(rules, 'overdue') AND report_due + toIntervalSecond(grace) <= now
                UNION ALL
                SELECT
                    'unread', leg, message_key, host, queue_id, user, unread_due, greatest(unread_due, due_known),
                    least(read_known, gone_known), 1, ever, as_of, concat(chain, unit)
                FROM known_copies
                WHERE has(rules, 'unread') AND unread_due <= now
                UNION ALL
                SELECT 'not-read', leg, message_key, host, queue_id, user, NULL, greatest(gone_known, due_known), NULL, 0, ever, as_of, concat(chain, unit)
                FROM known_copies
                WHERE has(rules, 'not-read') AND unread_due IS NOT NULL AND gone_known <= now AND ifNull(read_known > gone_known, 1)
                UNION ALL
                SELECT
                    'stuck', leg, message_key, host, queue_id, recipient, stuck_due,
                    greatest(stuck_due, arrived_known, met_known, if(turned_known <= greatest(stuck_due, arrived_known, met_known), kept_known, NULL)) AS since,
                    if(ifNull(turned_known > since AND turned_known < kept_known, 0), least(left_known, turned_known), left_known), 0, ever, as_of, concat(chain, unit)
                FROM known_legs
                WHERE has(rules, 'stuck') AND stuck_due <= now
                UNION ALL
                SELECT 'stuck', leg, message_key, host, queue_id, '', stuck_due, greatest(stuck_due, arrived_known) AS since, left_known, 0, ever, as_of, nobody
                FROM known_entries
                WHERE has(rules, 'stuck') AND stuck_due <= now AND ifNull(peopled_known > since, 1)
                UNION ALL
                SELECT 'refused', unit, message_key, host, queue_id, recipient, NULL, greatest(refused_known, submitted_known), NULL, 0, ever, as_of, concat(chain, unit)
                FROM known_units
                WHERE has(rules, 'refused') AND refused_always AND refused_known <= now AND substring(unit, 1, 8) NOT IN bulk
                UNION ALL
                SELECT
                    'refused', unit, message_key, host, queue_id, recipient, refused_known + toIntervalSecond(told_within) AS told_due,
                    -- Told while a notification stands: not from when the last one was undelivered, and again by the next.
                    arrayFold((t, n) -> if(n.since <= t AND n.until > t, n.until, t), untold, assumeNotNull(greatest(told_due, submitted_known))) AS untold_from,
                    least(told_known, if(empty(arrayFilter(n -> n.since > untold_from, untold) AS nexts), NULL, arrayMin(n -> n.since, nexts))),
                    ifNull(delivered_known <= refused_known, 0), ever, as_of, concat(chain, unit)
                FROM known_units
                WHERE has(rules, 'refused') AND NOT refused_always AND refused_known + toIntervalSecond(told_within) <= now
                    AND substring(unit, 1, 8) NOT IN bulk
                UNION ALL
                SELECT
                    'deleted', unit, message_key, host, queue_id, recipient, NULL, greatest(deleted_known, submitted_known) AS since,
                    least(delivered_known, report_known) AS until, ifNull(until <= since, 0), ever, as_of, concat(chain, unit)
                FROM known_units
                WHERE has(rules, 'deleted') AND deleted_known <= now
                UNION ALL
                SELECT
                    'deleted', leg, message_key, host, queue_id, '', NULL, greatest(deleted_known, arrived_known) AS since,
                    if(ifNull(expected_known <= since, 0), complete_known, peopled_known), 0, ever, as_of, nobody
                FROM known_entries
                WHERE has(rules, 'deleted') AND deleted_known IS NOT NULL AND arrived_known IS NOT NULL AND traffic IN ('ours', 'bulk')
                UNION ALL
                -- Of an entry that left: it named fewer than it had, or it was put in again and none goes on with it; from the
                -- first of the two until neither is so.
                SELECT
                    'unaccounted', leg, message_key, host, queue_id, '', NULL,
                    spans[1].1,
                    least(nullIf(if(length(spans) = 2 AND spans[2].1 <= spans[1].2, greatest(spans[1].2, spans[2].2), spans[1].2), never), deleted_known),
                    0, ever, as_of, nobody
                FROM
                (
                    SELECT
                        *, greatest(left_known, arrived_known, expected_known) AS over,
                        arraySort(arrayFilter(s -> s.1 < s.2, [
                            (
                                if(left_known IS NULL OR arrived_known IS NULL OR expected_known IS NULL, never, assumeNotNull(over) + toIntervalSecond(if(ifNull(rerouted_known <= over, 0), unaccounted_after, 0))),
                                ifNull(complete_known, never)
                            ),
                            (
                                if(rerouted_known IS NULL OR arrived_known IS NULL, never, assumeNotNull(greatest(rerouted_known, arrived_known)) + toIntervalSecond(unaccounted_after)),
                                ifNull(resumed_known, never)
                            )
                        ])) AS spans
                    FROM known_entries
                    WHERE left_known IS NOT NULL
                )
                WHERE has(rules, 'unaccounted') AND notEmpty(spans)
                UNION ALL
                SELECT
                    'unaccounted', leg, message_key, host, queue_id, recipient, handed_known + toIntervalSecond(unaccounted_after) AS arrival_due,
                    greatest(arrival_due, s.spoke_known), next_arrived_known, 0, ever, l.as_of, concat(l.chain, l.unit)
                FROM (SELECT * FROM known_legs WHERE handed_known IS NOT NULL AND NOT startsWith(message_key, '/')) AS l
                INNER JOIN
                (
                    SELECT log_partition, host, min(arrived_known) AS spoke_known FROM entry_records FINAL WHERE arrived_known IS NOT NULL GROUP BY log_partition, host
                ) AS s ON l.log_partition = s.log_partition AND l.handed_to = s.host
                WHERE has(rules, 'unaccounted')
                UNION ALL
                SELECT 'misrouted', unit, message_key, host, queue_id, recipient, NULL, greatest(diverted_known + toIntervalSecond(unaccounted_after), submitted_known), redirected_known, 0, ever, as_of, concat(chain, unit)
                FROM known_units
                WHERE has(rules, 'misrouted') AND diverted_known IS NOT NULL
                UNION ALL
                SELECT 'duplicate', c.leg, c.message_key, c.host, c.queue_id, c.user, NULL, c.saved_known, if(c.session = h.first, m.second_known, NULL), 0, ever, c.as_of, concat(c.chain, c.unit)
                FROM (SELECT * FROM known_copies WHERE number > 1) AS c
                INNER JOIN
                (
                    SELECT log_partition, chain, as_of, lowerUTF8(user) AS name, argMin(session, (saved_known, saved_at, reinterpretAsUInt64(substring(leg, 1, 8)))) AS first FROM known_copies
                    WHERE number > 0 AND chain IN (SELECT chain FROM known_copies WHERE number > 1)
                    GROUP BY log_partition, chain, as_of, name
                ) AS h ON c.log_partition = h.log_partition AND c.chain = h.chain AND c.as_of = h.as_of AND lowerUTF8(c.user) = h.name
                LEFT JOIN
                (
                    SELECT message_key, as_of, if(count() > 1, toNullable(arraySort(groupArray(first_known))[2]), NULL) AS second_known
                    FROM
                    (
                        SELECT message_key, as_of, host, queue_id, min(submitted_known) AS first_known FROM known_units
                        WHERE message_key IN (SELECT message_key FROM known_copies WHERE number > 1)
                        GROUP BY message_key, as_of, host, queue_id
                    )
                    GROUP BY message_key, as_of
                ) AS m ON c.message_key = m.message_key AND c.as_of = m.as_of
                WHERE has(rules, 'duplicate') AND c.saved_known <= now
                UNION ALL
                SELECT 'identity-reused', unit, message_key, host, queue_id, recipient, NULL, submitted_known, NULL, 0, ever, as_of, concat(chain, unit)
                FROM known_units
                WHERE has(rules, 'identity-reused') AND NOT first_of_key AND submitted_known <= now
                UNION ALL
                SELECT
                    'uncorroborated-report', leg, message_key, host, queue_id, recipient, NULL,
                    arrayFold(
                        (t, s) -> if(s.since <= t AND s.until >= reported_known, greatest(t, s.until + toIntervalSecond(told_within)), t),
                        arraySort(s -> (s.since, s.until), silences), reported_known + toIntervalSecond(told_within)
                    ),
                    submitted_known, 0, ever, as_of, nobody
                FROM known_astray
                WHERE has(rules, 'uncorroborated-report')
                UNION ALL
                SELECT s.rule, s.unit, '', s.source, '', '', NULL, s.since, s.until, 0, ever, never, nobody
                FROM (SELECT arrayJoin(spans) AS s FROM derivation)
                WHERE has(rules, s.rule)
            ) AS a
            LEFT JOIN
            (
                SELECT concat(chain, unit) AS whose, as_of, toNullable(min(discharged_known)) AS by_hand FROM known_units
                WHERE discharged_known IS NOT NULL
                GROUP BY whose, as_of
            ) AS h ON a.whose = h.whose AND a.as_of = h.as_of
            )
            WHERE raised <= least(as_of, now) AND decided <= least(as_of, now) AND ifNull(cleared > raised, 1)
            GROUP BY rule, unit
        ) AS f
        LEFT JOIN
        (
            SELECT message_key, arraySort(groupArray((as_of, ifNull(next_at, never)))) AS moments
            FROM reunion_records FINAL
            GROUP BY message_key
        ) AS r ON f.key = r.message_key
    )
    WHERE number > 0
)
COMMENT 'A finding that the terms call for, derived in SQL from what was known when';
