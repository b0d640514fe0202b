-- The public contract for dashboards: stable names.

CREATE OR REPLACE VIEW alerts
(
    alert_id FixedString(16) COMMENT 'Hash of rule and unit',
    rule String COMMENT 'Name of the finding',
    unit FixedString(16) COMMENT 'Hash of the leg it is about',
    raised_at DateTime64(6, 'UTC') COMMENT 'When it was raised',
    cleared_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When it was cleared; null while it stands',
    due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it was due',
    message_key String COMMENT 'Of the message',
    host String COMMENT 'Host of the leg',
    queue_id String COMMENT 'Queue id there',
    recipient String COMMENT 'Recipient of the leg',
    severity String COMMENT 'high, or low where delivery is proven otherwise',
    proven Bool COMMENT 'Was delivery proven otherwise when it was raised',
    cause String COMMENT 'What held it up when it was raised',
    holder_host String COMMENT 'The last queue that held it then: host',
    holder_queue_id String COMMENT 'The last queue that held it then: queue id'
) AS
SELECT
    alert_id,
    any(rule) AS rule,
    any(unit) AS unit,
    minIf(at, state = 'raised') AS raised_at,
    minIf(toNullable(at), state = 'cleared') AS cleared_at,
    anyIf(due, state = 'raised') AS due,
    any(message_key) AS message_key,
    any(host) AS host,
    any(queue_id) AS queue_id,
    any(recipient) AS recipient,
    anyIf(severity, state = 'raised') AS severity,
    anyIf(proven, state = 'raised') AS proven,
    anyIf(cause, state = 'raised') AS cause,
    anyIf(holder_host, state = 'raised') AS holder_host,
    anyIf(holder_queue_id, state = 'raised') AS holder_queue_id
FROM alert_records FINAL
GROUP BY alert_id
HAVING countIf(state = 'raised') > 0;

CREATE OR REPLACE VIEW cases
(
    case_id FixedString(16) COMMENT 'Hash of the cause',
    cause String COMMENT 'What holds its members up',
    state String COMMENT 'open, acknowledged or closed',
    opened_at DateTime64(6, 'UTC') COMMENT 'Raised time of its first alert',
    closed_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the last was cleared',
    members Int32 COMMENT 'Alerts that are or were members',
    standing Int32 COMMENT 'Members not cleared',
    severity String COMMENT 'The highest of its members',
    acknowledged_by String COMMENT 'Who',
    note String COMMENT 'Said when acknowledged',
    sample Array(String) COMMENT 'A few message keys'
) AS
SELECT case_id, cause, state, opened_at, closed_at, members, standing, severity, acknowledged_by, note, sample
FROM case_records FINAL;

CREATE OR REPLACE VIEW transfer_times
(
    day Date COMMENT 'Of submission, UTC',
    priority Int32 COMMENT 'RFC 6710 MT-PRIORITY',
    peer String COMMENT 'First next party',
    units UInt64 COMMENT 'Units with a proof of delivery',
    p50 Float64 COMMENT 'Seconds from submission to proof, half of them at most',
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
    SELECT submitted_at, priority, peer, toFloat64(dateDiff('microsecond', submitted_at, assumeNotNull(proof_at))) / 1e6 AS seconds
    FROM custody
    WHERE proof_at IS NOT NULL
)
GROUP BY day, priority, peer;
