CREATE OR REPLACE VIEW entries
(@columns(entry_records)) AS
SELECT @names(entry_records)
FROM entry_records FINAL;
