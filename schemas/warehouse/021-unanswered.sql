-- A report that turns out to be of another submission answered until that could be known: the alarm is raised then.

ALTER TABLE unit_records ADD COLUMN IF NOT EXISTS unanswered_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known, where a report was due, that none counts' AFTER report_known;
ALTER TABLE former_unit_records ADD COLUMN IF NOT EXISTS unanswered_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When it could be known, where a report was due, that none counts' AFTER report_known;

-- What was derived before is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
