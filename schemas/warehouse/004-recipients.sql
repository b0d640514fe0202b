-- Whose messages are which: by recipient, where events are by message. A mailbox has messages in every corner of the events.

CREATE TABLE IF NOT EXISTS recipient_keys
(
    recipient String COMMENT 'Envelope recipient that evidence names, in small letters',
    message_key String COMMENT 'Of a message',
    first_at DateTime64(6, 'UTC') COMMENT 'When the first of that evidence happened',
    observed_at DateTime COMMENT 'When the last of it was read'
)
ENGINE = ReplacingMergeTree
ORDER BY (recipient, message_key)
SETTINGS index_granularity = 1024;

-- What was derived before this table was there is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
