-- What several sources tell of one fact at different fractions of a second is one row of `events`: the derivation marks the others.

ALTER TABLE event_records ADD COLUMN IF NOT EXISTS retold UInt8 COMMENT '1: the same fact is told at an earlier time, too';
ALTER TABLE event_records MODIFY COLUMN version UInt64 DEFAULT 18446744073709551614 - log_offset COMMENT 'Inverse of the offset, so that the first record of a fact wins; above all where it is marked as told again';

-- What was derived before is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
