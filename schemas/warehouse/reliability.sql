-- One reliability view: @name is its name, @by its columns with their definitions, @names their names, @rows what a row is.
CREATE OR REPLACE VIEW @name
(
    @columns
    sent UInt64 COMMENT 'N: units of ours submitted',
    not_yet_due UInt64 COMMENT 'Due later than the clock, also where already proven',
    refused_correctly UInt64 COMMENT 'By the cause of the recipient or a policy, and the originator told in time',
    owed UInt64 COMMENT 'O: sent - not_yet_due - refused_correctly',
    in_time UInt64 COMMENT 'Proven by their due time',
    late UInt64 COMMENT 'Proven later',
    refused_by_us UInt64 COMMENT 'Any other refusal, expiry or operator non-delivery',
    beyond_sight UInt64 COMMENT 'Accepted by a party that does not report',
    blind UInt64 COMMENT 'A source was silent between submission and due',
    open UInt64 COMMENT 'All else: deleted, discarded, held, unknown',
    reliability Nullable(Float64) COMMENT 'in_time / owed; null where nothing is owed',
    upper Nullable(Float64) COMMENT '(in_time + beyond_sight + blind) / owed',
    delivered Nullable(Float64) COMMENT '(in_time + late) / owed',
    visibility Nullable(Float64) COMMENT '(due - beyond_sight - blind) / due',
    system Nullable(Float64) COMMENT '(in_time + refusals told in time) / due: it arrived, or someone was told',
    low Nullable(Float64) COMMENT 'Wilson 95 % lower bound of reliability',
    high Nullable(Float64) COMMENT 'Wilson 95 % upper bound of reliability',
    nines Nullable(Float64) COMMENT '-log10(1 - low); null where fewer than 100 are owed',
    settled Bool COMMENT 'Nothing is not yet due',
    reports_owed UInt64 COMMENT 'Units that were promised a report',
    reports_in_time UInt64 COMMENT 'First final report by the due time',
    reports_late UInt64 COMMENT 'First final report later',
    reports_missing UInt64 COMMENT 'Due, and no final report',
    reports_not_yet_due UInt64 COMMENT 'Due later than the clock, and no final report yet',
    reports_by_hand UInt64 COMMENT 'Settled by a person before any final report: with those in time, late, missing and not yet due, all that are owed'
) AS
WITH 1.959963984540054 AS z
SELECT
    @names
    count() AS sent,
    countIf(class = 'not_yet_due') AS not_yet_due,
    countIf(class = 'refused_correctly') AS refused_correctly,
    sent - not_yet_due - refused_correctly AS owed,
    countIf(class = 'proven_in_time') AS in_time,
    countIf(class = 'proven_late') AS late,
    countIf(class = 'refused_by_us') AS refused_by_us,
    countIf(class = 'beyond_sight') AS beyond_sight,
    countIf(class = 'blind') AS blind,
    countIf(class = 'open') AS open,
    if(owed = 0, NULL, in_time / owed) AS reliability,
    if(owed = 0, NULL, (in_time + beyond_sight + blind) / owed) AS upper,
    if(owed = 0, NULL, (in_time + late) / owed) AS delivered,
    if(sent = not_yet_due, NULL, (sent - not_yet_due - beyond_sight - blind) / (sent - not_yet_due)) AS visibility,
    if(sent = not_yet_due, NULL, (in_time + countIf(class IN ('refused_correctly', 'refused_by_us') AND ifNull(told_at <= due, 0))) / (sent - not_yet_due)) AS system,
    if(owed = 0, NULL, greatest(0, (reliability + z * z / (2 * owed) - z * sqrt((reliability * (1 - reliability) + z * z / (4 * owed)) / owed)) / (1 + z * z / owed))) AS low,
    if(owed = 0, NULL, least(1, (reliability + z * z / (2 * owed) + z * sqrt((reliability * (1 - reliability) + z * z / (4 * owed)) / owed)) / (1 + z * z / owed))) AS high,
    if(owed < 100, NULL, -log10(1 - low)) AS nines,
    not_yet_due = 0 AS settled,
    countIf(report_due IS NOT NULL) AS reports_owed,
    countIf(ifNull(report_at <= report_due, 0) AND report != 'discharged') AS reports_in_time,
    countIf(ifNull(report_at > report_due, 0) AND report != 'discharged') AS reports_late,
    countIf(report_due IS NOT NULL AND report_at IS NULL AND class != 'not_yet_due') AS reports_missing,
    countIf(report_due IS NOT NULL AND report_at IS NULL AND class = 'not_yet_due') AS reports_not_yet_due,
    countIf(report_due IS NOT NULL AND report = 'discharged') AS reports_by_hand
FROM (SELECT *, @by FROM custody WHERE due IS NOT NULL)
@group
COMMENT '@rows'
