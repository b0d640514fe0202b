-- Where a report is due, one that was known before the submission that it turned out to be about counts only if it came later.

ALTER TABLE unit_records ADD COLUMN IF NOT EXISTS answered_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When a report could be known that counts where one was due' AFTER report_known;
ALTER TABLE unit_records ADD COLUMN IF NOT EXISTS was_proven Bool COMMENT 'Was delivery proven otherwise when the report was due' AFTER answered_known;
ALTER TABLE former_unit_records ADD COLUMN IF NOT EXISTS answered_known Nullable(DateTime64(6, 'UTC')) COMMENT 'When a report could be known that counts where one was due' AFTER report_known;
ALTER TABLE former_unit_records ADD COLUMN IF NOT EXISTS was_proven Bool COMMENT 'Was delivery proven otherwise when the report was due' AFTER answered_known;

-- What was derived before is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
