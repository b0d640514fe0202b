CREATE OR REPLACE VIEW transfer_times
(
    day Date COMMENT 'Of submission, UTC',
    priority Int32 COMMENT 'RFC 6710 MT-PRIORITY',
    peer String COMMENT 'First next party',
    units UInt64 COMMENT 'Units with a proof of delivery',
    p50 Float64 COMMENT 'Seconds from submission to proof, half of them at most; evidence of whole seconds makes it up to a second short, never less than 0',
    p95 Float64 COMMENT 'Seconds, 95 % of them at most',
    p99 Float64 COMMENT 'Seconds, 99 % of them at most'
) AS
SELECT
    toDate(submitted_at) AS day,
    priority,
    peer,
    count() AS units,
    quantileExact(0.5)(seconds) AS p50,
    quantileExact(0.95)(seconds) AS p95,
    quantileExact(0.99)(seconds) AS p99
FROM
(
    -- Stores and reports tell whole seconds, cut off: their proof may lie before its submission, which has microseconds.
    SELECT submitted_at, priority, peer, greatest(0, dateDiff('microsecond', submitted_at, assumeNotNull(proof_at))) / 1e6 AS seconds
    FROM custody
    WHERE proof_at IS NOT NULL
)
GROUP BY day, priority, peer
COMMENT 'A day, a priority and a first next party: seconds from submission to proof';
