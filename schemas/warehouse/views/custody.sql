CREATE OR REPLACE VIEW custody
(
    @columns(unit_records),
    contradictory Bool COMMENT 'Proven and refused as well',
    blind Bool COMMENT 'A source was silent between submission and due',
    class String COMMENT 'Of the reliability contract: not_yet_due, proven_in_time, proven_late, refused_correctly, refused_by_us, beyond_sight, blind, open; not_expected where the terms expect no proof',
    report_state String COMMENT 'Of its report at the clock: received (or discharged by hand), not-asked (none is owed), beyond-sight (first of all it was handed to a party that does not report), expected, blind (overdue, and a source was silent meanwhile) or overdue'
) AS
WITH
    (SELECT (clock, arrayFilter(s -> s.rule = 'source-silent', spans), refused_correctly, grace) FROM derivation) AS derived,
    derived.1 AS now,
    derived.2 AS silences,
    derived.3 AS causes,
    derived.4 AS grace,
    ifNull(answered_known <= now, 0) AS is_answered,
    ifNull(relayed_at <= report_at, 0) AS is_beyond
SELECT
    @names(unit_records),
    proof_at IS NOT NULL AND refused_at IS NOT NULL AS contradictory,
    due IS NOT NULL AND arrayExists(s -> s.since <= assumeNotNull(due) AND s.until >= counted_from, silences) AS blind,
    multiIf(
        due IS NULL, 'not_expected',
        ifNull(assumeNotNull(due) > now, 1), 'not_yet_due',
        ifNull(proof_at <= due, 0), 'proven_in_time',
        proof_at IS NOT NULL, 'proven_late',
        (refused_at IS NOT NULL OR told_at IS NOT NULL) AND NOT abandoned AND arrayExists(p -> match(refused_status, p), causes) AND ifNull(told_at <= due, 0), 'refused_correctly',
        refused_at IS NOT NULL OR told_at IS NOT NULL, 'refused_by_us',
        relayed_at IS NOT NULL, 'beyond_sight',
        blind, 'blind',
        'open'
    ) AS class,
    -- By what the finding `overdue` decides by (streams/core/answers.py says it for the stream).
    multiIf(
        is_answered AND NOT is_beyond, 'received',
        report_due IS NULL, 'not-asked',
        is_answered, 'beyond-sight',
        ifNull(greatest(report_due + toIntervalSecond(grace), unanswered_known) > now, 1), 'expected',
        arrayExists(s -> s.since <= assumeNotNull(report_due) AND s.until >= counted_from, silences), 'blind',
        'overdue'
    ) AS report_state
FROM unit_records FINAL
COMMENT 'A unit: a recipient of a submission of ours, and what became of it';
