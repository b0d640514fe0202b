-- A chain is of one partition, so whoever groups copies by it names the partition, too.

ALTER TABLE copy_records ADD COLUMN IF NOT EXISTS log_partition UInt16 COMMENT 'Partition of message-events' AFTER leg;
ALTER TABLE former_copy_records ADD COLUMN IF NOT EXISTS log_partition UInt16 COMMENT 'Partition of message-events' AFTER leg;
