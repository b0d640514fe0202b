-- What the feed writes: facts only. Every table can be thrown away and fed again from the log. Their names end in
-- _records; what people read are the views.

CREATE TABLE IF NOT EXISTS event_records
(
    event_id FixedString(16) COMMENT 'Hash of the fact',
    kind LowCardinality(String) COMMENT 'What happened',
    occurred_at DateTime64(6, 'UTC') COMMENT 'When it happened, by the system that says so',
    observed_at DateTime64(6, 'UTC') COMMENT 'When the evidence was read',
    leg FixedString(16) COMMENT 'Hash of the stay it is about',
    next_leg FixedString(16) COMMENT 'Hash of the stay that custody passed to; zeros where there is none',
    message_key String COMMENT 'Puts all evidence about one message together',
    host LowCardinality(String) COMMENT 'Declared host of leg',
    queue_id String COMMENT 'Queue id of leg',
    recipient String COMMENT 'Envelope recipient; empty for the whole queue entry',
    original_recipient Nullable(String) COMMENT 'Before rewriting or expansion',
    next_queue_id Nullable(String) COMMENT 'What the next party calls it',
    peer LowCardinality(Nullable(String)) COMMENT 'Host of next_leg, or the client',
    side LowCardinality(Nullable(String)) COMMENT 'sent, received or moved',
    source LowCardinality(String) COMMENT 'Declared source',
    message_id Nullable(String) COMMENT 'As in the evidence, whole',
    mts_id Nullable(String) COMMENT 'X.400 MTS-identifier, or ENVID',
    originator Nullable(String) COMMENT 'Envelope sender; empty is the null sender',
    recipients_expected Nullable(Int32) COMMENT 'Number of recipients of the queue entry',
    priority Nullable(Int32) COMMENT 'RFC 6710 MT-PRIORITY',
    size Nullable(Int64) COMMENT 'Bytes',
    content_type LowCardinality(Nullable(String)) COMMENT 'X.400, MIME or AMHS content type',
    traffic LowCardinality(Nullable(String)) COMMENT 'Class of the submission or arrival',
    action LowCardinality(Nullable(String)) COMMENT 'Of a report (RFC 3464) or receipt (RFC 8098)',
    status LowCardinality(Nullable(String)) COMMENT 'RFC 3463 status, or X.411 reason/diagnostic',
    diagnostic Nullable(String) COMMENT 'The words of the peer',
    digest Nullable(String) COMMENT 'SHA-256 of the content',
    subject_event Nullable(String) COMMENT 'event_id of what an action or report is about',
    subject_key Nullable(String) COMMENT 'Message key that a report message is about',
    report_requested Nullable(Bool) COMMENT 'Was a positive report asked for',
    seq Int32 COMMENT 'Order within one second of one source',
    file LowCardinality(Nullable(String)) COMMENT 'Where the evidence stands',
    offset Nullable(Int64) COMMENT 'Byte offset, or message number, in it',
    attributes Array(String) COMMENT 'name=value texts',
    clock DateTime64(6, 'UTC') COMMENT 'The latest tick before its record in its partition; 1970 before the first',
    log_partition UInt16 COMMENT 'Partition of message-events',
    log_offset UInt64 COMMENT 'Offset there',
    version UInt64 DEFAULT 18446744073709551615 - log_offset COMMENT 'Inverse of the offset, so that the first record of a fact wins',
    INDEX by_queue_id queue_id TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX by_recipient lower(recipient) TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (message_key, event_id, occurred_at)
-- A part is one file until it is large: a file a column makes every insert slower by a third.
SETTINGS min_bytes_for_wide_part = 134217728;

CREATE TABLE IF NOT EXISTS ticks
(
    log_partition UInt16 COMMENT 'Partition of message-events',
    log_offset UInt64 COMMENT 'Offset there',
    through DateTime64(6, 'UTC') COMMENT 'All declared sources have given their evidence up to here',
    silent Array(String) COMMENT 'Sources that said nothing',
    behind Array(String) COMMENT 'Sources that hold the clock',
    doubted Array(String) COMMENT 'Sources whose own clock is doubted',
    terms LowCardinality(String) COMMENT 'Version of the terms',
    fed_at DateTime DEFAULT now() COMMENT 'When the record was fed',
    INDEX by_through through TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (log_partition, log_offset);

CREATE TABLE IF NOT EXISTS evidence_records
(
    event_id FixedString(16) COMMENT 'Hash of the fact it proves',
    message_key String COMMENT 'Of its event',
    source LowCardinality(String) COMMENT 'Declared source',
    file LowCardinality(String) COMMENT 'Where it stands',
    offset Int64 COMMENT 'Byte offset, or message number, in it',
    raw String COMMENT 'At most 8 KB',
    fed_at DateTime DEFAULT now() COMMENT 'When the record was fed'
)
ENGINE = ReplacingMergeTree
ORDER BY (message_key, event_id);

CREATE TABLE IF NOT EXISTS alert_records
(
    alert_id FixedString(16) COMMENT 'Hash of rule and unit',
    rule LowCardinality(String) COMMENT 'Name of the finding',
    unit FixedString(16) COMMENT 'Hash of the leg it is about',
    state LowCardinality(String) COMMENT 'raised or cleared',
    at DateTime64(6, 'UTC') COMMENT 'When it was raised, or cleared',
    due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it was due',
    clock DateTime64(6, 'UTC') COMMENT 'The tick that decided',
    message_key String COMMENT 'Of the message',
    host LowCardinality(String) COMMENT 'Host of the leg',
    queue_id String COMMENT 'Queue id there',
    recipient String COMMENT 'Recipient of the leg',
    severity LowCardinality(String) COMMENT 'high, or low where delivery is proven otherwise',
    proven Bool COMMENT 'Was delivery proven otherwise when it was raised',
    cause String COMMENT 'What holds it up',
    holder_host LowCardinality(String) COMMENT 'The last queue that held it: host',
    holder_queue_id String COMMENT 'The last queue that held it: queue id',
    terms LowCardinality(String) COMMENT 'Version of the terms',
    fed_at DateTime DEFAULT now() COMMENT 'When the record was fed'
)
ENGINE = ReplacingMergeTree
ORDER BY (alert_id, state);

CREATE TABLE IF NOT EXISTS case_records
(
    case_id FixedString(16) COMMENT 'Hash of the cause',
    cause String COMMENT 'What holds its members up',
    state LowCardinality(String) COMMENT 'open, acknowledged or closed',
    opened_at DateTime64(6, 'UTC') COMMENT 'Raised time of its first alert',
    closed_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the last was cleared',
    members Int32 COMMENT 'Alerts that are or were members',
    standing Int32 COMMENT 'Members not cleared',
    severity LowCardinality(String) COMMENT 'The highest of its members',
    acknowledged_by String COMMENT 'Who',
    note String COMMENT 'Said when acknowledged',
    sample Array(String) COMMENT 'A few message keys',
    log_offset UInt64 COMMENT 'Offset in the cases topic: the last record wins',
    fed_at DateTime DEFAULT now() COMMENT 'When the record was fed'
)
ENGINE = ReplacingMergeTree(log_offset)
ORDER BY case_id;

CREATE TABLE IF NOT EXISTS queue_records
(
    host LowCardinality(String) COMMENT 'Declared name',
    next_hop LowCardinality(String) COMMENT 'Next party of the last attempt, or empty',
    priority Int32 COMMENT 'RFC 6710 MT-PRIORITY',
    log_partition UInt16 COMMENT 'Partition of message-events',
    at DateTime64(6, 'UTC') COMMENT 'The tick',
    count Int64 COMMENT 'Recipients owed',
    oldest Nullable(DateTime64(6, 'UTC')) COMMENT 'Earliest arrival of what is owed',
    volume Int64 COMMENT 'Bytes',
    deferred Int64 COMMENT 'Of these, tried and deferred',
    held Int64 COMMENT 'Of these, on hold',
    fed_at DateTime DEFAULT now() COMMENT 'When the record was fed'
)
ENGINE = ReplacingMergeTree
ORDER BY (at, log_partition, host, next_hop, priority);

CREATE TABLE IF NOT EXISTS terms
(
    version String COMMENT 'Hash of what they say',
    profile String COMMENT 'Name of the profile',
    text String COMMENT 'The profile, as TOML',
    used_at DateTime DEFAULT now() COMMENT 'When it was last derived by'
)
ENGINE = ReplacingMergeTree
ORDER BY version;
