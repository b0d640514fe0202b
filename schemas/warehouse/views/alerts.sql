CREATE OR REPLACE VIEW alerts
(
    alert_id FixedString(16) COMMENT 'Hash of rule and unit',
    rule String COMMENT 'Name of the finding',
    unit FixedString(16) COMMENT 'Hash of the leg it is about',
    raised_at DateTime64(6, 'UTC') COMMENT 'When it was raised',
    cleared_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When it was cleared; null while it stands',
    due Nullable(DateTime64(6, 'UTC')) COMMENT 'By when it was due',
    message_key String COMMENT 'Of the message',
    host String COMMENT 'Host of the leg; of a source, its name',
    queue_id String COMMENT 'Queue id there',
    recipient String COMMENT 'Recipient of the leg',
    severity String COMMENT 'high, or low where delivery is proven otherwise',
    proven Bool COMMENT 'Was delivery proven otherwise when it was raised',
    withdrawn Bool COMMENT 'Taken back: by a hand-over that became known after what it connects, or by other terms',
    cause String COMMENT 'What held it up when its raising was told',
    holder_host String COMMENT 'The last queue that held it by then: host',
    holder_queue_id String COMMENT 'The last queue that held it by then: queue id'
) AS
WITH
    maxIf(r.withdrawn, state = 'cleared') AS taken_back,
    taken_back AND maxIf(log_offset, state = 'cleared') < maxIf(log_offset, state = 'raised') AS came_back
SELECT
    alert_id,
    any(rule) AS rule,
    any(unit) AS unit,
    minIf(at, state = 'raised') AS raised_at,
    if(came_back, NULL, minIf(toNullable(at), state = 'cleared')) AS cleared_at,
    anyIf(due, state = 'raised') AS due,
    any(message_key) AS message_key,
    any(host) AS host,
    any(queue_id) AS queue_id,
    any(recipient) AS recipient,
    anyIf(severity, state = 'raised') AS severity,
    anyIf(proven, state = 'raised') AS proven,
    taken_back AND NOT came_back AS withdrawn,
    anyIf(cause, state = 'raised') AS cause,
    anyIf(holder_host, state = 'raised') AS holder_host,
    anyIf(holder_queue_id, state = 'raised') AS holder_queue_id
FROM alert_records AS r FINAL
GROUP BY alert_id
HAVING countIf(state = 'raised') > 0
COMMENT 'An alarm that the tracker raised, with when it was cleared or taken back';
