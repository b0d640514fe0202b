-- What is put in again under another queue id accounts for its recipients there, a while later.

ALTER TABLE entry_records ADD COLUMN IF NOT EXISTS rerouted_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that it was put in again under another id' AFTER deleted_known;
ALTER TABLE former_entry_records ADD COLUMN IF NOT EXISTS rerouted_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that it was put in again under another id' AFTER deleted_known;

-- What was derived before is derived anew; so are the classes of entries, which are those of the arrival known first.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
