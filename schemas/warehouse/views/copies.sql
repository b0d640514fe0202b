CREATE OR REPLACE VIEW copies
(@columns(copy_records)) AS
SELECT @names(copy_records)
FROM copy_records FINAL;
