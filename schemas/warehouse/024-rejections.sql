-- What was turned away at the door. Told at several fractions of its second, a rejection happened at the earliest.

CREATE TABLE IF NOT EXISTS rejection_records
(
    rejection_id FixedString(16) COMMENT 'Hash of the fact',
    occurred_at DateTime64(6, 'UTC') COMMENT 'When, by the system that says so',
    observed_at DateTime64(6, 'UTC') COMMENT 'When the evidence was read',
    host LowCardinality(String) COMMENT 'Declared name of the host that refused',
    service LowCardinality(String) COMMENT 'Who refused there, as its log names it',
    stage LowCardinality(String) COMMENT 'Of the session: RCPT, MAIL, DATA, END-OF-MESSAGE, CONNECT, header, body and others',
    client String COMMENT 'Host name of the client, or unknown',
    address String COMMENT 'Of the client',
    code Nullable(UInt16) COMMENT 'Of the SMTP reply',
    status LowCardinality(String) COMMENT 'RFC 3463, or empty',
    originator Nullable(String) COMMENT 'Envelope sender; empty is the null sender, null where none was said yet',
    recipient String COMMENT 'Envelope recipient; empty for the whole message, or where none was said yet',
    queue_id String COMMENT 'Of the message, where it had one by then',
    diagnostic String COMMENT 'What the client was told',
    source LowCardinality(String) COMMENT 'Declared source',
    file LowCardinality(String) COMMENT 'Where the evidence stands',
    offset Int64 COMMENT 'Byte offset in it',
    version UInt64 DEFAULT 18446744073709551615 - toUInt64(greatest(toUnixTimestamp64Micro(occurred_at), 0)) COMMENT 'Inverse of the time, so that the earliest wins',
    INDEX by_recipient lowerUTF8(recipient) TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX by_originator lowerUTF8(ifNull(originator, '')) TYPE bloom_filter(0.01) GRANULARITY 2
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (toStartOfSecond(occurred_at), host, rejection_id);
