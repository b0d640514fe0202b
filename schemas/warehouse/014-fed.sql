-- How far the log is fed. Inserts run beside each other, so the last row that is there does not say that all before it are.

CREATE TABLE IF NOT EXISTS fed
(
    topic LowCardinality(String) COMMENT 'Topic, without the ledger''s name',
    log_partition UInt16 COMMENT 'Its partition',
    after UInt64 COMMENT 'The offset up to which all records are stored',
    fed_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When that was said; the last counts'
)
ENGINE = ReplacingMergeTree(fed_at)
ORDER BY (topic, log_partition);

-- What was fed before, one insert after the other; other topics are fed once more.
INSERT INTO fed (topic, log_partition, after)
SELECT 'message-events', log_partition, max(log_offset) + 1
FROM (SELECT log_partition, log_offset FROM event_records UNION ALL SELECT log_partition, log_offset FROM ticks)
WHERE (SELECT count() FROM fed) = 0
GROUP BY log_partition;
