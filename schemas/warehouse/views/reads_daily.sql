CREATE OR REPLACE VIEW reads_daily
(
    day Date32 COMMENT 'Of the save, UTC',
    domain String COMMENT 'Domain of the mailbox owner; empty where the name has none',
    stored UInt64 COMMENT 'Copies put into watched mailboxes, wherever they lie now',
    not_yet_due UInt64 COMMENT 'May lie unread longer than the clock',
    in_time UInt64 COMMENT 'Opened by their due time',
    late UInt64 COMMENT 'Opened later',
    unread UInt64 COMMENT 'Due, lying there, and not opened',
    left_unread UInt64 COMMENT 'Left the store unread'
) AS
WITH (SELECT clock FROM derivation) AS now
SELECT
    toDate32(saved_at) AS day,
    @domain(user) AS domain,
    count() AS stored,
    countIf(unread_due > now) AS not_yet_due,
    countIf(unread_due <= now AND read_at <= unread_due) AS in_time,
    countIf(unread_due <= now AND read_at > unread_due) AS late,
    countIf(unread_due <= now AND read_at IS NULL AND gone_at IS NULL) AS unread,
    countIf(unread_due <= now AND read_at IS NULL AND gone_at IS NOT NULL) AS left_unread
FROM copy_records FINAL
WHERE unread_due IS NOT NULL
GROUP BY day, domain
COMMENT 'A day and a domain: copies in watched mailboxes, and when they were opened';
