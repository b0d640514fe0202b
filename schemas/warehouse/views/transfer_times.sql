CREATE OR REPLACE VIEW transfer_times
(
    day Date32 COMMENT 'Of submission, UTC',
    priority Int32 COMMENT 'RFC 6710 MT-PRIORITY',
    peer String COMMENT 'First next party',
    originator_domain String COMMENT 'Domain of the originator; empty where it has none',
    recipient_domain String COMMENT 'Domain of the recipient; empty where it has none',
    units UInt64 COMMENT 'Units with a proof of delivery',
    p50 Float64 COMMENT 'Seconds from submission to proof, half of them at most; evidence of whole seconds makes it up to a second short, never less than 0',
    p95 Float64 COMMENT 'Seconds, 95 % of them at most; percentiles of more than one row are asked of custody',
    p99 Float64 COMMENT 'Seconds, 99 % of them at most'
) AS
SELECT
    toDate32(submitted_at) AS day,
    priority,
    peer,
    originator_domain,
    recipient_domain,
    count() AS units,
    quantileExact(0.5)(seconds) AS p50,
    quantileExact(0.95)(seconds) AS p95,
    quantileExact(0.99)(seconds) AS p99
FROM
(
    -- Stores and reports tell whole seconds, cut off: their proof may lie before its submission, which has microseconds.
    SELECT
        submitted_at, priority, peer, @domain(originator) AS originator_domain, @domain(recipient) AS recipient_domain,
        greatest(0, dateDiff('microsecond', submitted_at, assumeNotNull(proof_at))) / 1e6 AS seconds
    FROM custody
    WHERE proof_at IS NOT NULL
)
GROUP BY day, priority, peer, originator_domain, recipient_domain
COMMENT 'A day, a priority, a first next party and two domains: seconds from submission to proof';
