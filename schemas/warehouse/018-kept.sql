-- Who gives way to others and to himself (an alias that keeps a copy) is still there.

ALTER TABLE leg_records ADD COLUMN IF NOT EXISTS turned_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that its recipient gave way to others and to itself; null where not to itself' AFTER left_known;
ALTER TABLE leg_records ADD COLUMN IF NOT EXISTS kept_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that its recipient is one of these: it is still there' AFTER turned_known;
ALTER TABLE former_leg_records ADD COLUMN IF NOT EXISTS turned_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that its recipient gave way to others and to itself; null where not to itself' AFTER left_known;
ALTER TABLE former_leg_records ADD COLUMN IF NOT EXISTS kept_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that its recipient is one of these: it is still there' AFTER turned_known;

-- What was derived before is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
