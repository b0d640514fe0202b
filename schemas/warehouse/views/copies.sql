CREATE OR REPLACE VIEW copies
(@columns(copy_records)) AS
SELECT @names(copy_records)
FROM copy_records FINAL
COMMENT 'A copy of a message in a mailbox';
