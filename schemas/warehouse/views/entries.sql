CREATE OR REPLACE VIEW entries
(@columns(entry_records)) AS
SELECT @names(entry_records)
FROM entry_records FINAL
COMMENT 'A stay of a message in a queue, under one queue id';
