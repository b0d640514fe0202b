CREATE OR REPLACE VIEW inbound_daily
(
    day Date32 COMMENT 'Of arrival, UTC',
    host String COMMENT 'Where it arrived',
    recipients UInt64 COMMENT 'Recipients accepted from outside for us',
    handed_on UInt64 COMMENT 'Of these, stored, handed on or refused: nothing is owed there',
    waiting UInt64 COMMENT 'Of these, still owed there',
    refused UInt64 COMMENT 'Of these, refused after acceptance',
    p95 Nullable(Float64) COMMENT 'Seconds of a stay, 95 % of them at most'
) AS
SELECT
    toDate32(arrived_at) AS day,
    host,
    count() AS recipients,
    countIf(left_at IS NOT NULL) AS handed_on,
    countIf(left_at IS NULL) AS waiting,
    countIf(last_result = 'refused') AS refused,
    quantileExactOrNullIf(0.95)(dateDiff('microsecond', arrived_at, left_at) / 1e6, left_at IS NOT NULL) AS p95
FROM leg_records FINAL
WHERE traffic = 'inbound' AND arrived_at IS NOT NULL
GROUP BY day, host
COMMENT 'A day and a host: recipients accepted from outside, and how long they stayed';
