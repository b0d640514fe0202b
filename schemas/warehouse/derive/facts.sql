-- The facts of a slice of the messages that were touched, and of those that share a place with them.
-- The scripts of this folder derive entries, legs, copies and units from events, independently of the stream processors.
-- `-- @name` begins a block; streams/warehouse/derive.py says in which order blocks are run and which are repeated.
-- `work_` tables belong to one derivation and are dropped after it. Those of a slice are in memory: a table on disk costs more
-- than what most of them hold, and what was dropped would stay on disk for minutes. What was touched may be a whole ledger.
-- In them a leg has its partition before it, since a chain is of one partition, as in the stream; in what is kept it has not.

-- @begin
CREATE TABLE work_touched ENGINE = MergeTree ORDER BY message_key AS
SELECT message_key, count() AS events
FROM event_records
WHERE message_key IN
(
    SELECT message_key FROM event_records
    WHERE log_offset >= {least:UInt64} AND log_offset >= transform(log_partition, {partitions:Array(UInt16)}, {offsets:Array(UInt64)}, toUInt64(0))
)
GROUP BY message_key
SETTINGS optimize_aggregation_in_order = 1;

-- @touched
SELECT count() FROM work_touched;

-- @slice
CREATE OR REPLACE TABLE work_keys ENGINE = Memory AS
SELECT message_key, toUInt8(0) AS round
FROM
(
    SELECT message_key, events, sum(events) OVER (ORDER BY message_key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS total
    FROM (SELECT * FROM work_touched WHERE message_key > {after:String} ORDER BY message_key LIMIT {events:UInt32})
)
WHERE total <= greatest({events:UInt32}, events);

CREATE OR REPLACE TABLE work_facts
(
    round UInt8, log_partition UInt16, kind LowCardinality(String), at DateTime64(6, 'UTC'), known DateTime64(6, 'UTC'), clock DateTime64(6, 'UTC'), observed_at DateTime,
    leg FixedString(18), place UInt128, half UInt64, stay LowCardinality(String),
    next_leg FixedString(18), next_place UInt128, next_half UInt64, next_stay LowCardinality(String),
    message_key String, host LowCardinality(String), queue_id String, recipient String, next_queue_id String,
    peer LowCardinality(String), side LowCardinality(String), traffic LowCardinality(String), action LowCardinality(String),
    status LowCardinality(String), diagnostic String, priority Nullable(Int32), size Nullable(Int64), originator String,
    message_id Nullable(String), report_requested Nullable(Bool), recipients_expected Int32, attributes Array(String),
    seq Int32, event_id FixedString(16)
)
ENGINE = Memory;

-- @slice_end
SELECT count(), max(message_key) FROM work_keys WHERE round = 0;

-- @to_take
SELECT count() FROM work_keys WHERE round = {round:UInt8};

-- @take
INSERT INTO work_facts
SELECT
    {round:UInt8}, e.log_partition, e.kind, e.occurred_at, if(toUnixTimestamp64Micro(e.clock) = 0, e.occurred_at, greatest(e.occurred_at, e.clock + toIntervalMicrosecond(1))), e.clock, toDateTime(e.observed_at),
    concat(reinterpretAsFixedString(e.log_partition), e.leg),
    if(p = 0, 0, bitShiftLeft(toUInt128(e.log_partition), 64) + (reinterpretAsUInt64(substring(e.leg, 1, 8)) AS p)),
    reinterpretAsUInt64(substring(e.leg, 9, 8)) AS h,
    multiIf(h = 0, 'entry', h = @session, 'session', h = @copy, 'copy', 'queue'),
    if(n = 0, @none, concat(reinterpretAsFixedString(e.log_partition), e.next_leg)),
    if(q = 0, 0, bitShiftLeft(toUInt128(e.log_partition), 64) + (reinterpretAsUInt64(substring(e.next_leg, 1, 8)) AS q)),
    reinterpretAsUInt64(substring(e.next_leg, 9, 8)) AS n,
    multiIf(n = 0, 'none', n = @session, 'session', n = @copy, 'copy', 'queue'),
    e.message_key, e.host, e.queue_id, e.recipient, ifNull(e.next_queue_id, ''),
    ifNull(e.peer, ''), ifNull(e.side, ''), if(ifNull(e.traffic, '') = '', 'ours', assumeNotNull(e.traffic)), ifNull(e.action, ''),
    ifNull(e.status, ''), ifNull(e.diagnostic, ''), e.priority, e.size, ifNull(e.originator, ''),
    e.message_id, e.report_requested, ifNull(e.recipients_expected, 0), e.attributes,
    e.seq, e.event_id
FROM event_records AS e FINAL
WHERE e.message_key IN (SELECT message_key FROM work_keys WHERE round = {round:UInt8});

INSERT INTO place_keys (place, message_key)
SELECT DISTINCT toUInt64(arrayJoin([place, next_place])) AS one, message_key
FROM work_facts
WHERE round = {round:UInt8} AND one != 0;

INSERT INTO recipient_keys
SELECT lowerUTF8(recipient) AS name, message_key, min(at), max(observed_at)
FROM work_facts
WHERE round = {round:UInt8} AND recipient != ''
GROUP BY name, message_key;

INSERT INTO work_keys
SELECT DISTINCT message_key, {round:UInt8} + 1
FROM place_keys
WHERE place IN (SELECT toUInt64(arrayJoin([place, next_place])) FROM work_facts WHERE round = {round:UInt8})
    AND message_key NOT IN (SELECT message_key FROM work_keys);
