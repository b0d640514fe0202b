-- An alarm that was taken back, as terms changed, and is raised again, as they changed back, stands: what came last tells.

ALTER TABLE alert_records ADD COLUMN IF NOT EXISTS log_offset UInt64 COMMENT 'Offset in the alerts topic; 0 in rows of before' AFTER terms;
