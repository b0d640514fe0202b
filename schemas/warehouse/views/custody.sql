CREATE OR REPLACE VIEW custody
(
    @columns(unit_records),
    contradictory Bool COMMENT 'Proven and refused as well',
    blind Bool COMMENT 'A source was silent between submission and due',
    class String COMMENT 'Of the reliability contract: not_yet_due, proven_in_time, proven_late, refused_correctly, refused_by_us, beyond_sight, blind, open; not_expected where the terms expect no proof'
) AS
WITH
    (SELECT (clock, arrayFilter(s -> s.rule = 'source-silent', spans), refused_correctly) FROM derivation) AS derived,
    derived.1 AS now,
    derived.2 AS silences,
    derived.3 AS causes
SELECT
    @names(unit_records),
    proof_at IS NOT NULL AND refused_at IS NOT NULL AS contradictory,
    due IS NOT NULL AND arrayExists(s -> s.since <= assumeNotNull(due) AND s.until >= counted_from, silences) AS blind,
    multiIf(
        due IS NULL, 'not_expected',
        ifNull(assumeNotNull(due) > now, 1), 'not_yet_due',
        ifNull(proof_at <= due, 0), 'proven_in_time',
        proof_at IS NOT NULL, 'proven_late',
        (refused_at IS NOT NULL OR told_at IS NOT NULL) AND arrayExists(p -> match(refused_status, p), causes) AND ifNull(told_at <= due, 0), 'refused_correctly',
        refused_at IS NOT NULL OR told_at IS NOT NULL, 'refused_by_us',
        relayed_at IS NOT NULL, 'beyond_sight',
        blind, 'blind',
        'open'
    ) AS class
FROM unit_records FINAL;
