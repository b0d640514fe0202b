CREATE OR REPLACE VIEW unexpected_daily
(
    day Date32 COMMENT 'Of submission, UTC',
    outcome String COMMENT 'delivered, refused, expanded, relayed, deleted, discarded, quarantined, in-queue or unknown',
    units UInt64 COMMENT 'Units whose terms expect no proof: they are never in a reliability view'
) AS
SELECT toDate32(submitted_at) AS day, outcome, count() AS units
FROM unit_records FINAL
WHERE due IS NULL
GROUP BY day, outcome
COMMENT 'A day and an outcome: units whose terms expect no proof';
