-- Every time is UTC, wherever the server stands: these were shown in its own time zone. Nothing stored changes.

ALTER TABLE ticks MODIFY COLUMN fed_at DateTime('UTC');
ALTER TABLE evidence_records MODIFY COLUMN fed_at DateTime('UTC');
ALTER TABLE alert_records MODIFY COLUMN fed_at DateTime('UTC');
ALTER TABLE case_records MODIFY COLUMN fed_at DateTime('UTC');
ALTER TABLE queue_records MODIFY COLUMN fed_at DateTime('UTC');
ALTER TABLE place_keys MODIFY COLUMN fed_at DateTime('UTC');
ALTER TABLE terms MODIFY COLUMN used_at DateTime('UTC');
ALTER TABLE entry_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE leg_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE copy_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE unit_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE astray_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE reunion_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE former_entry_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE former_leg_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE former_copy_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE former_unit_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE former_astray_records MODIFY COLUMN observed_at DateTime('UTC');
ALTER TABLE recipient_keys MODIFY COLUMN observed_at DateTime('UTC');

ALTER TABLE case_records COMMENT COLUMN case_id 'Hash of the cause and of its first alert';
ALTER TABLE alert_records COMMENT COLUMN host 'Host of the leg; of a source, its name';
ALTER TABLE unit_records COMMENT COLUMN report 'Action of the first report that answers what was asked: delivered, failed, relayed or expanded; or empty';
ALTER TABLE former_unit_records COMMENT COLUMN report 'Action of the first report that answers what was asked: delivered, failed, relayed or expanded; or empty';
