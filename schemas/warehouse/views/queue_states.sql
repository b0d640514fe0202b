CREATE OR REPLACE VIEW queue_states
(
    at DateTime64(6, 'UTC') COMMENT 'The tick',
    host String COMMENT 'Declared name',
    next_hop String COMMENT 'Next party of the last attempt, or empty',
    priority Int32 COMMENT 'Always 0: custody queue has it by priority',
    count Int64 COMMENT 'Recipients owed, as the tracker counted',
    oldest Nullable(DateTime64(6, 'UTC')) COMMENT 'Earliest arrival of what is owed',
    volume Int64 COMMENT 'Bytes',
    deferred Int64 COMMENT 'Of these, tried and deferred',
    held Int64 COMMENT 'Of these, on hold'
) AS
SELECT
    q.at AS at, q.host AS host, q.next_hop AS next_hop, q.priority AS priority, sum(q.count) AS count, min(q.oldest) AS oldest,
    sum(q.volume) AS volume, sum(q.deferred) AS deferred, sum(q.held) AS held
FROM queue_records AS q FINAL
GROUP BY q.at, q.host, q.next_hop, q.priority;
