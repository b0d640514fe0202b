-- What one session filed and kept is one delivery, so it is known which session brought a copy.

ALTER TABLE copy_records ADD COLUMN IF NOT EXISTS session UInt64 COMMENT 'LMTP session that brought it (hash), or its own place where none did' AFTER number;
ALTER TABLE former_copy_records ADD COLUMN IF NOT EXISTS session UInt64 COMMENT 'LMTP session that brought it (hash), or its own place where none did' AFTER number;
ALTER TABLE copy_records COMMENT COLUMN number 'Which copy of its chain it is for this user, by time; 1: as all that the first session brought; 0: it came by a move';
ALTER TABLE former_copy_records COMMENT COLUMN number 'Which copy of its chain it is for this user, by time; 1: as all that the first session brought; 0: it came by a move';

-- What was derived before is derived anew.
INSERT INTO derivations SELECT * REPLACE ('' AS terms, version + 1 AS version) FROM derivations FINAL;
