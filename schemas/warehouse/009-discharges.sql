-- A discharge by hand clears more than a report does, so it is known apart.

ALTER TABLE unit_records ADD COLUMN IF NOT EXISTS discharged_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that a person discharged it' AFTER deleted_known;
ALTER TABLE former_unit_records ADD COLUMN IF NOT EXISTS discharged_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that a person discharged it' AFTER deleted_known;

-- What was derived before is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
