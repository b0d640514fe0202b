-- What was known before a hand-over that became known after what it connects: it made evidence count for others as of old, so
-- that what the stream had told by then may be no more. Such messages are derived as of each such moment, too; only `alarms`
-- reads that.

CREATE TABLE IF NOT EXISTS reunion_records
(
    message_key String COMMENT 'Of a message, one of those that such a hand-over connects',
    log_partition UInt16 COMMENT 'Partition of message-events',
    as_of DateTime64(6, 'UTC') COMMENT 'The tick before the hand-over',
    next_at Nullable(DateTime64(6, 'UTC')) COMMENT 'The tick after it; null until it was fed',
    observed_at DateTime COMMENT 'When the last evidence about it was read',
    version UInt64 COMMENT 'Derivation that made the row',
    gone UInt8 COMMENT '1: there is no such row any more'
)
ENGINE = ReplacingMergeTree(version, gone)
ORDER BY (message_key, as_of);

CREATE TABLE IF NOT EXISTS former_entry_records AS entry_records;
ALTER TABLE former_entry_records ADD COLUMN IF NOT EXISTS as_of DateTime64(6, 'UTC') COMMENT 'The tick up to which it was known', MODIFY ORDER BY (message_key, leg, as_of);

CREATE TABLE IF NOT EXISTS former_leg_records AS leg_records;
ALTER TABLE former_leg_records ADD COLUMN IF NOT EXISTS as_of DateTime64(6, 'UTC') COMMENT 'The tick up to which it was known', MODIFY ORDER BY (message_key, leg, as_of);

CREATE TABLE IF NOT EXISTS former_copy_records AS copy_records;
ALTER TABLE former_copy_records ADD COLUMN IF NOT EXISTS as_of DateTime64(6, 'UTC') COMMENT 'The tick up to which it was known', MODIFY ORDER BY (message_key, leg, as_of);

CREATE TABLE IF NOT EXISTS former_unit_records AS unit_records;
ALTER TABLE former_unit_records ADD COLUMN IF NOT EXISTS as_of DateTime64(6, 'UTC') COMMENT 'The tick up to which it was known', MODIFY ORDER BY (message_key, unit, as_of);

CREATE TABLE IF NOT EXISTS former_astray_records AS astray_records;
ALTER TABLE former_astray_records ADD COLUMN IF NOT EXISTS as_of DateTime64(6, 'UTC') COMMENT 'The tick up to which it was known', MODIFY ORDER BY (message_key, leg, as_of);

-- What was derived before these tables were there is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;

ALTER TABLE alert_records ADD COLUMN IF NOT EXISTS withdrawn Bool DEFAULT 0 COMMENT 'Cleared because later evidence took it away' AFTER proven;
