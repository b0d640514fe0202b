CREATE OR REPLACE VIEW rejected_daily
(
    day Date32 COMMENT 'Of the refusal, UTC',
    host String COMMENT 'Where it was turned away',
    code Nullable(UInt16) COMMENT 'Of the SMTP reply',
    status String COMMENT 'RFC 3463, or empty',
    rejections UInt64 COMMENT 'Recipients, or whole messages, turned away; they are never in a reliability view',
    clients UInt64 COMMENT 'Addresses that were told so',
    originators UInt64 COMMENT 'Envelope senders of them',
    recipients UInt64 COMMENT 'Envelope recipients of them'
) AS
SELECT
    toDate32(occurred_at) AS day, host, code, status,
    count() AS rejections, uniqExact(address) AS clients, uniqExact(originator) AS originators,
    uniqExactIf(lowerUTF8(recipient), recipient != '') AS recipients
FROM rejection_records FINAL
GROUP BY day, host, code, status
COMMENT 'A day, a host and a reply: what was turned away at the door';
