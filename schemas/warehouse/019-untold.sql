-- A notification of failure tells its originator until it is undelivered itself.

ALTER TABLE unit_records ADD COLUMN IF NOT EXISTS untold Array(Tuple(since DateTime64(6, 'UTC'), until DateTime64(6, 'UTC'))) COMMENT 'From when to when notifications of failure that were undelivered told the originator, as far as could be known' AFTER told_known;
ALTER TABLE former_unit_records ADD COLUMN IF NOT EXISTS untold Array(Tuple(since DateTime64(6, 'UTC'), until DateTime64(6, 'UTC'))) COMMENT 'From when to when notifications of failure that were undelivered told the originator, as far as could be known' AFTER told_known;
ALTER TABLE unit_records COMMENT COLUMN told_at 'The originator was told of failure: a report of it was seen, or issued and not undelivered';
ALTER TABLE former_unit_records COMMENT COLUMN told_at 'The originator was told of failure: a report of it was seen, or issued and not undelivered';

-- What is put in again and taken up by nobody is unaccounted for.
ALTER TABLE entry_records ADD COLUMN IF NOT EXISTS resumed_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that another entry goes on with it' AFTER rerouted_known;
ALTER TABLE former_entry_records ADD COLUMN IF NOT EXISTS resumed_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known that another entry goes on with it' AFTER rerouted_known;

-- What was derived before is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
