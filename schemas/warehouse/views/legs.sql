CREATE OR REPLACE VIEW legs
(@columns(leg_records)) AS
SELECT @names(leg_records)
FROM leg_records FINAL
COMMENT 'A recipient of a message in a queue';
