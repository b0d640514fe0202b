-- Who gave up because time ran out, or because an operator said so, was refused by nobody, whatever status was last.

ALTER TABLE unit_records ADD COLUMN IF NOT EXISTS abandoned Bool COMMENT 'Refused by nobody: time ran out, or an operator said so' AFTER refused_status;
ALTER TABLE former_unit_records ADD COLUMN IF NOT EXISTS abandoned Bool COMMENT 'Refused by nobody: time ran out, or an operator said so' AFTER refused_status;

-- What was derived before is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
