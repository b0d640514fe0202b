CREATE OR REPLACE VIEW queue_states
(
    at DateTime64(6, 'UTC') COMMENT 'End of a minute of the log\'s clock',
    host String COMMENT 'Declared name',
    next_hop String COMMENT 'Next party of the last attempt, or empty',
    priority Int32 COMMENT 'Always 0: custody queue has it by priority',
    count Int64 COMMENT 'Recipients owed, as each partition told last in that minute: counted when state was kept after a tick; what came since that tick is in it',
    oldest Nullable(DateTime64(6, 'UTC')) COMMENT 'Earliest arrival of what is owed; null where nothing is',
    volume Int64 COMMENT 'Bytes',
    deferred Int64 COMMENT 'Of these, tried and deferred',
    held Int64 COMMENT 'Of these, on hold'
) AS
-- Each partition tells its queues at a clock of its own, every few seconds, so no tick has those of all. What a partition told
-- last is looked for in the minute: farther back, each question would read the whole table, however short its time.
SELECT
    minute AS at, host, next_hop, priority, sum(last.1) AS count, min(last.2) AS oldest,
    sum(last.3) AS volume, sum(last.4) AS deferred, sum(last.5) AS held
FROM
(
    SELECT
        toStartOfMinute(q.at) + INTERVAL 1 MINUTE AS minute, host, next_hop, priority, log_partition,
        argMax((q.count, q.oldest, q.volume, q.deferred, q.held), q.at) AS last
    FROM queue_records AS q FINAL
    GROUP BY minute, host, next_hop, priority, log_partition
)
GROUP BY minute, host, next_hop, priority
COMMENT 'A minute, a host and a next hop: what was owed there';
