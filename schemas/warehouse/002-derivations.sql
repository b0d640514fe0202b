-- What is derived from events. Rows are replaced, never added to: the last version of a row wins, and a row that is no
-- more gets a last version that is `gone`. So nothing can count twice.

CREATE TABLE IF NOT EXISTS derivations
(
    name LowCardinality(String) COMMENT 'Always last: there is one row',
    version UInt64 COMMENT 'When it was derived, microseconds',
    clock DateTime64(6, 'UTC') COMMENT 'The clock that all partitions have reached',
    silent Array(String) COMMENT 'Sources that said nothing at the clock',
    behind Array(String) COMMENT 'Sources that held the clock',
    spans Array(Tuple(rule String, source String, unit FixedString(16), since DateTime64(6, 'UTC'), until DateTime64(6, 'UTC'))) COMMENT 'When sources were silent, behind, or their clocks doubted; until 2299 while they are',
    partitions Array(UInt16) COMMENT 'Partitions of message-events',
    offsets Array(UInt64) COMMENT 'Offset after the last record of each that was derived from',
    terms LowCardinality(String) COMMENT 'Version of the terms it was derived by',
    unaccounted_after Int64 COMMENT 'Seconds after a hand-over by which the next host must have said so',
    rules Array(String) COMMENT 'Findings that the terms switch on',
    grace Int64 COMMENT 'Seconds that a report may be late',
    told_within Int64 COMMENT 'Seconds within which an originator must be told of a refusal',
    refused_always Bool COMMENT 'Is a refusal always a finding'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY name;

CREATE TABLE IF NOT EXISTS place_keys
(
    place UInt64 COMMENT 'First half of legs: a queue entry, an LMTP session, a copy',
    message_key String COMMENT 'A message that has evidence about it'
)
ENGINE = ReplacingMergeTree
ORDER BY (place, message_key)
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS entry_records
(
    leg FixedString(16) COMMENT 'Hash of host and queue id, zeros behind',
    log_partition UInt16 COMMENT 'Partition of message-events',
    message_key String COMMENT 'Of the message',
    host LowCardinality(String) COMMENT 'Declared host',
    queue_id String COMMENT 'Queue id there',
    traffic LowCardinality(String) COMMENT 'Class of its arrival',
    priority Nullable(Int32) COMMENT 'RFC 6710 MT-PRIORITY of its arrival',
    size Nullable(Int64) COMMENT 'Bytes',
    recipients_expected Int32 COMMENT 'Number of recipients it first said it had; 0 where it did not say',
    expected_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    recipients_known UInt64 COMMENT 'Number of recipients that evidence names',
    peopled_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When the first of them could be known',
    complete_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When as many as expected could be known',
    arrived_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Submitted or received here',
    arrived_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    left_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Removed, deleted, or put in again under another id',
    left_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    deleted_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Deleted by an operator',
    deleted_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    held_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Last put on hold',
    released_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Last released from hold',
    stuck_due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it had to leave',
    observed_at DateTime COMMENT 'When the last evidence about it was read',
    version UInt64 COMMENT 'Derivation that made the row',
    gone UInt8 COMMENT '1: there is no such row any more'
)
ENGINE = ReplacingMergeTree(version, gone)
ORDER BY (message_key, leg);

CREATE TABLE IF NOT EXISTS leg_records
(
    leg FixedString(16) COMMENT 'Hash of host, queue id and recipient',
    log_partition UInt16 COMMENT 'Partition of message-events',
    chain FixedString(16) COMMENT 'Least leg of its chain of custody',
    unit FixedString(16) COMMENT 'Unit of custody it belongs to; zeros where there is none',
    message_key String COMMENT 'Of the message',
    host LowCardinality(String) COMMENT 'Declared host',
    queue_id String COMMENT 'Queue id there',
    recipient String COMMENT 'Envelope recipient',
    traffic LowCardinality(String) COMMENT 'Class of its arrival',
    priority Nullable(Int32) COMMENT 'RFC 6710 MT-PRIORITY of its arrival',
    size Nullable(Int64) COMMENT 'Bytes',
    met_known DateTime64(6, 'UTC') COMMENT 'When anything about it could be known',
    arrived_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Submitted or received here',
    arrived_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    attempts UInt64 COMMENT 'Attempts to hand it on',
    first_attempt_at Nullable(DateTime64(6, 'UTC')) COMMENT 'The first of them',
    last_attempt_at Nullable(DateTime64(6, 'UTC')) COMMENT 'The last of them',
    last_result LowCardinality(String) COMMENT 'Kind of the last attempt',
    last_status LowCardinality(String) COMMENT 'RFC 3463 status of the last attempt',
    last_diagnostic String COMMENT 'Words of the peer at the last attempt',
    next_hop LowCardinality(String) COMMENT 'Next party of the last attempt',
    next_queue_id String COMMENT 'What the next party called it',
    last_hop LowCardinality(String) COMMENT 'Next party when anything last happened to it',
    handed_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that a next party named it',
    handed_to LowCardinality(String) COMMENT 'That next party',
    next_arrived_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that it arrived there',
    left_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Nothing is owed here any more',
    left_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    held_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Last put on hold',
    released_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Last released from hold',
    deleted_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Deleted by an operator while it was owed',
    deleted_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    stuck_due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it had to leave; null where that was found of the entry, of which no recipient was known then',
    observed_at DateTime COMMENT 'When the last evidence about it was read',
    version UInt64 COMMENT 'Derivation that made the row',
    gone UInt8 COMMENT '1: there is no such row any more'
)
ENGINE = ReplacingMergeTree(version, gone)
ORDER BY (message_key, leg);

CREATE TABLE IF NOT EXISTS copy_records
(
    leg FixedString(16) COMMENT 'Hash of store, user, mailbox and uid',
    chain FixedString(16) COMMENT 'Least leg of its chain of custody',
    unit FixedString(16) COMMENT 'Unit of custody it belongs to; zeros where there is none',
    message_key String COMMENT 'Of the message',
    host LowCardinality(String) COMMENT 'Store',
    queue_id String COMMENT 'What the store calls it: mailbox and uid, or the session that brought it',
    user String COMMENT 'Owner of the mailbox',
    mailbox LowCardinality(String) COMMENT 'Name of the mailbox',
    saved_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Put into the mailbox',
    saved_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    read_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Opened, here or where it was moved to, or by a receipt while there was no other copy',
    read_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    gone_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Left the store unread',
    gone_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    moved Bool COMMENT 'Moved to another mailbox',
    moved_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    number UInt64 COMMENT 'Which copy of its chain it is for this user, by time; 0: it came by a move',
    unread_due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it must be read; null where nobody watches',
    due_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When the delivery that fixes it could be known',
    observed_at DateTime COMMENT 'When the last evidence about it was read',
    version UInt64 COMMENT 'Derivation that made the row',
    gone UInt8 COMMENT '1: there is no such row any more'
)
ENGINE = ReplacingMergeTree(version, gone)
ORDER BY (message_key, leg);

CREATE TABLE IF NOT EXISTS unit_records
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
    due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when proof is due: submission and term; null where the terms expect none',
    report_due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when a report is due; null where none is owed',
    report LowCardinality(String) COMMENT 'Action of the first final report, or empty',
    report_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When it came',
    report_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    delayed_at Nullable(DateTime64(6, 'UTC')) COMMENT 'First report that says delayed',
    delivered_at Nullable(DateTime64(6, 'UTC')) COMMENT 'First put into a store, by any word',
    delivered_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    refused_at Nullable(DateTime64(6, 'UTC')) COMMENT 'The system gave up',
    refused_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    refused_status LowCardinality(String) COMMENT 'RFC 3463 status of that, or of a report that says failed',
    told_at Nullable(DateTime64(6, 'UTC')) COMMENT 'The originator was told of failure: a report of it was issued or seen',
    told_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    discarded_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Accepted and not passed on',
    deleted_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Deleted by an operator while it was owed',
    deleted_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When that could be known',
    relayed_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Handed beyond sight: to a party that does not report',
    read_at Nullable(DateTime64(6, 'UTC')) COMMENT 'A receipt or a store says read',
    proof_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Earliest proof of delivery; of an expansion, the last of its members',
    proof LowCardinality(String) COMMENT 'report, store, switch (its word alone that it put it into the store), or hand',
    peer LowCardinality(String) COMMENT 'First next party',
    members UInt64 COMMENT 'Recipients that it was redirected to; 0 where it was not',
    members_proven UInt64 COMMENT 'Of these, with proof of delivery',
    outcome LowCardinality(String) COMMENT 'delivered, refused, expanded, relayed, deleted, discarded, quarantined, in-queue or unknown',
    last_host LowCardinality(String) COMMENT 'Last queue known to have held it: host',
    last_queue_id String COMMENT 'Last queue known to have held it: queue id',
    first_of_key Bool COMMENT 'Is it of the first submission known of its Message-ID',
    diverted_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that it was handed on, or reported, for another recipient',
    redirected_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that it was redirected',
    counted_from DateTime64(6, 'UTC') COMMENT 'The submission known first, from which the terms count',
    observed_at DateTime COMMENT 'When the last evidence about it was read',
    version UInt64 COMMENT 'Derivation that made the row',
    gone UInt8 COMMENT '1: there is no such row any more'
)
ENGINE = ReplacingMergeTree(version, gone)
ORDER BY (message_key, unit);

CREATE TABLE IF NOT EXISTS astray_records
(
    leg FixedString(16) COMMENT 'What the evidence is about',
    message_key String COMMENT 'Of the message',
    host LowCardinality(String) COMMENT 'Host that the evidence names',
    queue_id String COMMENT 'Queue id that the evidence names',
    recipient String COMMENT 'Recipient that the evidence names',
    reported_known DateTime64(6, 'UTC') COMMENT 'When a report could be known about a message that no source saw submitted by then',
    submitted_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When a submission of it could be known',
    observed_at DateTime COMMENT 'When the last evidence about it was read',
    version UInt64 COMMENT 'Derivation that made the row',
    gone UInt8 COMMENT '1: there is no such row any more'
)
ENGINE = ReplacingMergeTree(version, gone)
ORDER BY (message_key, leg);

INSERT INTO derivations (name, version, clock) VALUES ('last', 0, 0);
