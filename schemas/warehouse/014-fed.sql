-- How far the log is fed. Inserts run beside each other, so the last row that is there does not say that all before it are.

CREATE TABLE IF NOT EXISTS fed
(
    topic LowCardinality(String) COMMENT 'Topic, without the ledger''s name',
    log_partition UInt16 COMMENT 'Its partition',
    turn UInt32 COMMENT 'How often feeding began again before what was fed: the log lost its tail, or is another',
    after UInt64 COMMENT 'The offset up to which all records are stored',
    version UInt64 DEFAULT bitShiftLeft(toUInt64(turn), 48) + after COMMENT 'The last turn, and what is furthest there'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (topic, log_partition);

ALTER TABLE derivations ADD COLUMN IF NOT EXISTS turns Array(UInt32) COMMENT 'By partition: turn of what was fed';

-- What was fed before, one insert after the other; other topics are fed once more.
INSERT INTO fed (topic, log_partition, turn, after)
SELECT 'message-events', log_partition, 0, max(log_offset) + 1
FROM (SELECT log_partition, log_offset FROM event_records UNION ALL SELECT log_partition, log_offset FROM ticks)
WHERE (SELECT count() FROM fed) = 0
GROUP BY log_partition;
