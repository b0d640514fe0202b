-- What is derived from events: replaced as a whole by each refresh, so that nothing can count twice.

CREATE TABLE IF NOT EXISTS legs
(
    leg FixedString(16) COMMENT 'Hash of host, queue id and recipient',
    chain FixedString(16) COMMENT 'Least leg of its chain of custody',
    message_key String COMMENT 'Of the message',
    host LowCardinality(String) COMMENT 'Declared host',
    queue_id String COMMENT 'Queue id there',
    recipient String COMMENT 'Recipient; empty for the whole queue entry',
    traffic LowCardinality(String) COMMENT 'Class of its arrival',
    priority Nullable(Int32) COMMENT 'RFC 6710 MT-PRIORITY of its arrival',
    size Nullable(Int64) COMMENT 'Bytes',
    arrived_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Submitted or received here',
    arrived_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    attempts UInt64 COMMENT 'Attempts to hand it on',
    last_attempt_at Nullable(DateTime64(6, 'UTC')) COMMENT 'The last of them',
    last_result LowCardinality(String) COMMENT 'Kind of the last attempt',
    last_status LowCardinality(String) COMMENT 'RFC 3463 status of the last attempt',
    next_hop LowCardinality(String) COMMENT 'Next party of the last attempt',
    left_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Nothing is owed here any more',
    left_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    held_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Last put on hold',
    released_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Last released from hold',
    deleted_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Deleted by an operator while it was owed',
    deleted_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    stuck_due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it had to leave'
)
ENGINE = MergeTree ORDER BY (message_key, leg);

CREATE TABLE IF NOT EXISTS copies
(
    leg FixedString(16) COMMENT 'Hash of store, user, mailbox and uid',
    chain FixedString(16) COMMENT 'Least leg of its chain of custody',
    message_key String COMMENT 'Of the message',
    host LowCardinality(String) COMMENT 'Store',
    user String COMMENT 'Owner of the mailbox',
    mailbox LowCardinality(String) COMMENT 'Name of the mailbox',
    saved_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Put into the mailbox',
    saved_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    read_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Opened',
    read_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    gone_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Left the store unread',
    gone_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    moved Bool COMMENT 'Moved to another mailbox',
    unread_due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it must be read; null where nobody watches'
)
ENGINE = MergeTree ORDER BY (message_key, leg);

CREATE TABLE IF NOT EXISTS custody
(
    unit FixedString(16) COMMENT 'Leg of the submission that names it',
    chain FixedString(16) COMMENT 'Least leg of its chain of custody',
    message_key String COMMENT 'Of the message',
    message_id Nullable(String) COMMENT 'As submitted',
    host LowCardinality(String) COMMENT 'Where it was submitted',
    queue_id String COMMENT 'Queue id there',
    originator String COMMENT 'Envelope sender',
    recipient String COMMENT 'Envelope recipient',
    priority Int32 COMMENT 'RFC 6710 MT-PRIORITY',
    size Nullable(Int64) COMMENT 'Bytes',
    submitted_at DateTime64(6, 'UTC') COMMENT 'When',
    submitted_known DateTime64(6, 'UTC') COMMENT 'When that could be known',
    report_requested Nullable(Bool) COMMENT 'Was a positive report asked for',
    due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when proof is due: submission and term; null where the terms name none',
    report_due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when a report is due; null where none is owed',
    report LowCardinality(String) COMMENT 'Action of the first final report, or empty',
    report_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When it came',
    report_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    delayed_at Nullable(DateTime64(6, 'UTC')) COMMENT 'First report that says delayed',
    delivered_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Put into a store, by any word',
    delivered_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    refused_at Nullable(DateTime64(6, 'UTC')) COMMENT 'The system gave up',
    refused_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    refused_status LowCardinality(String) COMMENT 'RFC 3463 status of that',
    told_at Nullable(DateTime64(6, 'UTC')) COMMENT 'A report of failure was issued or seen',
    discarded_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Accepted and not passed on',
    deleted_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Deleted by an operator while it was owed',
    deleted_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    read_at Nullable(DateTime64(6, 'UTC')) COMMENT 'A receipt or a store says read',
    proof_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Earliest proof of delivery',
    proof LowCardinality(String) COMMENT 'report, store, or hand',
    peer LowCardinality(String) COMMENT 'First next party',
    outcome LowCardinality(String) COMMENT 'delivered, refused, expanded, relayed, deleted, discarded, in-queue or unknown',
    last_host LowCardinality(String) COMMENT 'Last queue known to have held it: host',
    last_queue_id String COMMENT 'Last queue known to have held it: queue id',
    blind Bool COMMENT 'A source was silent between submission and due',
    class LowCardinality(String) COMMENT 'Of the reliability contract: not_yet_due, proven_in_time, proven_late, refused_correctly, refused_by_us, beyond_sight, blind, open'
)
ENGINE = MergeTree ORDER BY (message_key, unit);

CREATE TABLE IF NOT EXISTS alarms
(
    rule LowCardinality(String) COMMENT 'Name of the finding',
    unit FixedString(16) COMMENT 'Hash of the leg it is about',
    message_key String COMMENT 'Of the message',
    due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it was due',
    raised_at DateTime64(6, 'UTC') COMMENT 'When it was raised',
    cleared_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When it was cleared; null while it stands'
)
ENGINE = MergeTree ORDER BY (rule, unit);
